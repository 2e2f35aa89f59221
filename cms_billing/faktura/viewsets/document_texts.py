"""Texts above and below the lines of documents, a kind and a language at a time."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import BillingFilterSet, BillingModelViewSet
from cms_billing.core.ui.viewsets import BillingCreateView, BillingIndexView

from ..models import DocumentKind, DocumentText
from ..placeholders import MEANINGS, text_placeholders_of, validate_text_placeholders

_SHOWN = 80  # letters of a text in the list


class DocumentTextForm(WagtailAdminModelForm):
    def clean_intro(self) -> str:
        return self._checked("intro")

    def clean_closing(self) -> str:
        return self._checked("closing")

    def _checked(self, field: str) -> str:
        text = self.cleaned_data[field]
        validate_text_placeholders(text, self.cleaned_data.get("kind", ""))
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("issuer") and data.get("kind"):
            same = DocumentText.objects.filter(
                issuer=data["issuer"], kind=data["kind"], language=data.get("language", "")
            )
            if same.exclude(pk=self.instance.pk).exists():
                self.add_error("language", _("There is a text for this kind and language already."))
        return data


class PrintedPlaceholdersPanel(HelpPanel):
    """Which placeholders there are, kind by kind; the form's script shows those of the chosen kind."""

    class BoundPanel(HelpPanel.BoundPanel):
        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            kinds = [
                {
                    "kind": kind,
                    "label": label,
                    "rows": [(f"{{{name}}}", MEANINGS[name]) for name in text_placeholders_of(kind)],
                    "shown": kind == (self.instance.kind or DocumentKind.INVOICE),
                }
                for kind, label in DocumentKind.choices
            ]
            return {**super().get_context_data(parent_context), "kinds": kinds}


class DocumentTextIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")


class DocumentTextFilterSet(BillingFilterSet):
    class Meta:
        model = DocumentText
        fields = ["kind", "language"]


class TextOfIssuer(BillingCreateView):
    """``?issuer=7`` fills in the issuer the link came from."""

    template_name = "cms_billing/faktura/admin/mail_text_form.html"

    def get_initial(self) -> dict[str, Any]:
        initial = super().get_initial()
        issuer = self.request.GET.get("issuer", "")
        return {**initial, "issuer": issuer} if issuer.isdecimal() else initial


def _begins(field: str) -> Any:
    return lambda row: Truncator(getattr(row, field)).chars(_SHOWN) or "–"


class DocumentTextViewSet(BillingModelViewSet):
    model = DocumentText
    icon = "doc-full"
    menu_order = 715
    inspect_view_enabled = False
    edit_template_name = "cms_billing/faktura/admin/mail_text_form.html"
    list_display = [
        "__str__",
        Column("intro", label=gettext_lazy("Text above the lines"), accessor=_begins("intro")),
        Column("closing", label=gettext_lazy("Text below the total"), accessor=_begins("closing")),
        Column("issuer", label=gettext_lazy("Issuer"), sort_key="issuer__name"),
    ]
    filterset_class = DocumentTextFilterSet
    edit_handler = ObjectList(
        [
            FieldPanel("issuer"),
            FieldRowPanel([FieldPanel("kind"), FieldPanel("language")]),
            MultiFieldPanel(
                [
                    PrintedPlaceholdersPanel(
                        template="cms_billing/faktura/admin/printed_placeholders_panel.html"
                    ),
                    FieldPanel("intro", widget=forms.Textarea(attrs={"rows": 6})),
                    FieldPanel("closing", widget=forms.Textarea(attrs={"rows": 6})),
                ],
                heading=gettext_lazy("Texts"),
            ),
        ],
        base_form_class=DocumentTextForm,
    )
    index_view_class = DocumentTextIndexView
    add_view_class = TextOfIssuer
