from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateInput, AdminPageChooser
from wagtail.models import Page

from cms_billing.faktura.models import Customer


class ExplainForm(forms.Form):
    """Which page, for whom, on which day."""

    page = forms.ModelChoiceField(
        label=gettext_lazy("Page"), queryset=Page.objects.all(), widget=AdminPageChooser
    )
    who = forms.CharField(
        label=gettext_lazy("Person"),
        required=False,
        help_text=gettext_lazy(
            "E-mail address, user name or customer number. Empty: a guest who is not logged in."
        ),
    )
    day = forms.DateField(
        label=gettext_lazy("On"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy("Empty: today."),
    )

    def __init__(self, *args: Any, asker: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asker = asker

    def clean_who(self) -> Any:
        """The user asked about, or None for a guest. Only people whose customer records the asker may see."""
        text = self.cleaned_data["who"].strip()
        if not text:
            return None
        found = list(people_visible_to(self.asker, text)[:2])
        if len(found) > 1:
            raise forms.ValidationError(_("Several people are called so. Use the customer number."))
        if not found:
            raise forms.ValidationError(_("There is nobody with this name, address or number."))
        return found[0]

    def clean_day(self) -> date | None:
        return self.cleaned_data["day"]


def people_visible_to(asker: Any, text: str) -> Any:
    users = get_user_model()._default_manager.all()
    named = (
        Q(**{f"{get_user_model().USERNAME_FIELD}__iexact": text})
        | Q(email__iexact=text)
        | Q(billing_customers__number=text)
    )
    if not asker.is_superuser:
        users = users.filter(billing_customers__in=Customer.objects.visible_to(asker))
    return users.filter(named).distinct()
