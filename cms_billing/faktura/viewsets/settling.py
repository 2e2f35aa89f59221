"""Open items settled with the customer's own credit; and where the actions on an account are found."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import path
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    DateColumn,
    MoneyColumn,
    Section,
    TableSection,
    date_text,
    money_text,
)

from ..models import Customer, OpenItem
from ..services import (
    Settlement,
    can_settle,
    plan_settlement,
    settle_with_credit,
)
from .previewed import PreviewedActionView, currencies_of
from .statements import STATEMENT, StatementView
from .write_offs import WriteOffView

SETTLE = "cms_billing_faktura.settle_account"
# More open items than one page should ask about; the oldest come first.
MOST_ITEMS = 100


class SettleForm(forms.Form):
    """One field an open item: its place in the order; empty: left out."""

    def __init__(self, *args: Any, items: list[OpenItem], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for place, item in enumerate(items, start=1):
            self.fields[f"item_{item.pk}"] = forms.IntegerField(
                label=_("%(document)s, due on %(day)s: %(open)s")
                % {
                    "document": capfirst(str(item.document)),
                    "day": date_text(item.due_on),
                    "open": money_text(item.open_amount),
                },
                required=False,
                min_value=1,
                max_value=9999,
                initial=place,
            )

    def order(self) -> list[int]:
        """Documents in the order wanted; equal numbers stay as they stand."""
        values = (
            self.cleaned_data
            if self.is_bound and hasattr(self, "cleaned_data")
            else {name: field.initial for name, field in self.fields.items()}
        )
        wanted = [(place, name) for name, place in values.items() if place]
        return [int(name.removeprefix("item_")) for _place, name in sorted(wanted, key=lambda one: one[0])]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not any(data.values()):
            raise forms.ValidationError(_("Number at least one open item."))
        return data


class SettleView(PreviewedActionView):
    model = Customer
    permission = SETTLE
    page_title = gettext_lazy("Settle open items with credit")
    action_label = gettext_lazy("Settle")
    form_class = SettleForm
    explanation = gettext_lazy(
        "The customer's credit settles the open items in the order of the numbers; an empty one is left out. Nothing "
        "is paid out and no paper is issued."
    )

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def currency(self) -> str:
        """The one asked for, else the first with both credit and debts."""
        known = currencies_of(self.object)
        wanted = self.request.GET.get("currency", "")
        if wanted in known:
            return wanted
        for code in known:
            if plan_settlement(customer_id=self.object.pk, currency=code).parts:
                return code
        return known[0] if known else self.object.issuer.currency

    def obstacle(self) -> str:
        plan = plan_settlement(customer_id=self.object.pk, currency=self.currency())
        if plan.credit.minor <= 0:
            if plan.promised.minor > 0:
                return _("%(customer)s has no credit left: %(promised)s are on their way back to them.") % {
                    "customer": self.object,
                    "promised": money_text(plan.promised),
                }
            return _("%(customer)s has no credit to settle with.") % {"customer": self.object}
        if not plan.parts:
            return _("%(customer)s owes nothing that the credit could settle.") % {"customer": self.object}
        return ""

    def get_form_kwargs(self) -> dict[str, Any]:
        items = OpenItem.objects.open().filter(customer=self.object, currency=self.currency())
        items = items.select_related("document").order_by("due_on", "pk")[:MOST_ITEMS]
        return {**super().get_form_kwargs(), "items": list(items)}

    def plan(self, form: SettleForm) -> Settlement:
        return plan_settlement(
            customer_id=self.object.pk, currency=self.currency(), document_ids=form.order()
        )

    def preview(self, form: Any) -> Section | None:
        if form.is_bound and form.errors:
            return None
        plan = self.plan(form)
        return TableSection(
            _("What will be settled"),
            [
                Column(
                    "document", label=pgettext("billing", "Document"), accessor=lambda row: row[0].document
                ),
                DateColumn("due_on", label=_("Due on"), accessor=lambda row: row[0].due_on),
                MoneyColumn("open", label=_("Open"), accessor=lambda row: row[0].open_amount),
                MoneyColumn("part", label=pgettext("amount", "Settled"), accessor=lambda row: row[1]),
                MoneyColumn("rest", label=_("Stays open"), accessor=lambda row: row[0].open_amount - row[1]),
            ],
            plan.parts,
            note=_("Credit %(credit)s, of which %(settled)s are used and %(left)s stay on the account.")
            % {
                "credit": money_text(plan.credit),
                "settled": money_text(plan.settled),
                "left": money_text(plan.left),
            },
        )

    def perform(self, form: Any) -> str:
        settled = settle_with_credit(
            customer_id=self.object.pk,
            currency=self.currency(),
            document_ids=form.order(),
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("%(amount)s of the credit of %(customer)s settle open items.") % {
            "amount": money_text(settled),
            "customer": self.object,
        }


def admin_urls() -> list[Any]:
    customer = {"index_url_name": "billing-customer:index", "inspect_url_name": "billing-customer:inspect"}
    document = {"index_url_name": "billing-document:index", "inspect_url_name": "billing-document:inspect"}
    return [
        path("billing/settle/<int:pk>/", SettleView.as_view(**customer), name="billing_settle"),
        path("billing/statement/<int:pk>/", StatementView.as_view(**customer), name="billing_statement"),
        path("billing/write-off/<int:pk>/", WriteOffView.as_view(**document), name="billing_write_off"),
    ]


def customer_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Settle with credit"), "billing_settle", "check", SETTLE, when=has_credit_and_debts
        ),
        Action(gettext_lazy("Account statement"), "billing_statement", "list-ul", STATEMENT),
    ]


def has_credit_and_debts(customer: Customer) -> bool:
    return can_settle(customer_id=customer.pk)
