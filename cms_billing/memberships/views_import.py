"""Billing › Contracts › Import: upload, look at the trial run, confirm."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.generic.edit import FormView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from cms_billing.core import clock
from cms_billing.core.admin import ActionView, rows_visible_to
from cms_billing.core.exceptions import BillingError
from cms_billing.faktura.models import Issuer
from cms_billing.faktura.services import UserAccounts, create_user_accounts

from .importing import COLUMNS, REQUIRED_COLUMNS
from .models import ContractFile
from .services import (
    ImportPlan,
    import_file,
    import_good_lines_of_file,
    keep_contract_file,
    plan_file,
    plan_import,
)

PERMISSION = "cms_billing_memberships.import_contracts"
# A page has to answer within seconds; larger files are for ``manage.py import_contracts``.
LARGEST_UPLOAD = 3_000_000
SHOWN_PROBLEMS = 200
SHOWN_ROWS = 20
SHOWN_ADDRESSES = 10


class UploadForm(forms.Form):
    issuer = forms.ModelChoiceField(label=gettext_lazy("Issuer"), queryset=Issuer.objects.none())
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=gettext_lazy("Nothing is imported yet: the next page shows what the file would do."),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        issuers = rows_visible_to(Issuer, user).filter(is_active=True)
        self.fields["issuer"].queryset = issuers  # type: ignore[attr-defined]
        if len(issuers) == 1:
            self.initial["issuer"] = issuers[0]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_UPLOAD:
            raise forms.ValidationError(
                _("The file is larger than %(limit)s MB. Split it, or use the command import_contracts."),
                params={"limit": LARGEST_UPLOAD // 1_000_000},
            )
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("issuer") and data.get("file"):
            self.content = data["file"].read()
            try:
                plan_import(issuer=data["issuer"], data=self.content, today=clock.today(data["issuer"]))
            except BillingError as error:
                self.add_error("file", str(error))
        return data


class UploadView(WagtailAdminTemplateMixin, FormView):
    template_name = "cms_billing/memberships/admin/upload_contracts.html"
    page_title = gettext_lazy("Import contracts")
    action_label = gettext_lazy("Check the file")
    form_class = UploadForm

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        contracts = {"url": reverse("billing-contract:index"), "label": _("Contracts")}
        return [*self.breadcrumbs_items, contracts, {"url": "", "label": self.page_title}]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["back_url"] = reverse("billing-contract:index")
        context["required_columns"] = REQUIRED_COLUMNS
        context["other_columns"] = [name for name in COLUMNS if name not in REQUIRED_COLUMNS]
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        file = keep_contract_file(
            issuer=form.cleaned_data["issuer"],
            name=form.cleaned_data["file"].name,
            data=form.content,
            user=self.request.user,
        )
        return redirect("billing-contract:import_file", file.pk)


class ConfirmForm(forms.Form):
    only_good = forms.BooleanField(
        label=gettext_lazy("Import the good lines and leave the others"),
        help_text=gettext_lazy(
            "Or mend the file and upload it again: what is there already is not made twice."
        ),
    )

    accounts = forms.BooleanField(
        label=gettext_lazy("Create user accounts"),
        required=False,
        help_text=gettext_lazy(
            "For every customer of the file with an e-mail address and no account yet. No mail is sent: they set their "
            "password with “forgot password” and see their contracts and invoices."
        ),
    )

    def __init__(self, *args: Any, plan: ImportPlan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not plan.problems:
            del self.fields["only_good"]


class ImportView(ActionView):
    """The trial run of an uploaded file, and the button that makes it real."""

    model = ContractFile
    permission = PERMISSION
    template_name = "cms_billing/memberships/admin/import_contracts.html"
    page_title = gettext_lazy("Import contracts")
    action_label = pgettext_lazy("action", "Import")
    form_class = ConfirmForm
    inspect_url_name = None

    def obstacle(self) -> str:
        if self.object.imported_at is not None:
            return _("%(file)s has been imported already.") % {"file": self.object}
        return ""

    @cached_property
    def plan(self) -> ImportPlan:
        return plan_file(self.object, today=clock.today(self.object.issuer))

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "plan": self.plan}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context |= {
            "plan": self.plan,
            "problems": self.plan.problems[:SHOWN_PROBLEMS],
            "more_problems": max(0, len(self.plan.problems) - SHOWN_PROBLEMS),
            "rows": self.plan.new[:SHOWN_ROWS],
            "more_rows": max(0, len(self.plan.new) - SHOWN_ROWS),
            "bad_lines": len({problem.line for problem in self.plan.problems}),
            "upload_url": reverse("billing-contract:import"),
        }
        return context

    def perform(self, form: forms.Form) -> str:
        run = import_good_lines_of_file if form.cleaned_data.get("only_good") else import_file
        done = run(file_id=self.object.pk, today=clock.today(self.object.issuer), user=self.request.user)
        said = [
            ngettext("%(count)s contract imported.", "%(count)s contracts imported.", done.contracts)
            % {"count": done.contracts}
        ]
        if form.cleaned_data["accounts"]:
            accounts = create_user_accounts(
                issuer=self.object.issuer, customer_ids=done.customer_ids, user=self.request.user
            )
            said.append(_created_text(accounts.created))
            self._name_taken(accounts)
        return " ".join(said)

    def _name_taken(self, accounts: UserAccounts) -> None:
        """Whom the editor has to look at; the list of customers finds them again."""
        if not accounts.taken:
            return
        lines = [str(taken) for taken in accounts.taken[:SHOWN_ADDRESSES]]
        if more := len(accounts.taken) - len(lines):
            lines.append(ngettext("… and %(count)s more.", "… and %(count)s more.", more) % {"count": more})
        messages.warning(
            self.request,
            format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines)),
            buttons=[
                messages.button(
                    f"{reverse('billing-customer:index')}?account=none", _("Customers without an account")
                )
            ],
        )


def _created_text(count: int) -> str:
    return ngettext("%(count)s user account created.", "%(count)s user accounts created.", count) % {
        "count": count
    }
