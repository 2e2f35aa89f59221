"""What settles without new money, and papers about an account: settle with credit, write off, account statement."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    ActionView,
    DateColumn,
    MoneyColumn,
    Section,
    TableSection,
    date_text,
    money_text,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money

from ..models import Customer, Document, LedgerEntry, OpenItem
from ..services import (
    Settlement,
    WriteOffReason,
    can_settle,
    issue_statement,
    left_of_write_off_limit,
    plan_settlement,
    settle_with_credit,
    statement_of,
    write_off,
)

SETTLE = "cms_billing_faktura.settle_account"
WRITE_OFF = "cms_billing_faktura.write_off_document"
WITHOUT_LIMIT = "cms_billing_faktura.write_off_without_limit"
STATEMENT = "cms_billing_faktura.issue_statement"
# More open items than one page should ask about; the oldest come first.
MOST_ITEMS = 100
PREVIEWED = 50


class PreviewedActionView(ActionView):
    """A form with a second button that shows what would happen and changes nothing."""

    template_name = "cms_billing/faktura/admin/previewed_action.html"

    def preview(self, form: Any) -> Section | None:
        """Of a form that may be unbound, bound or invalid."""
        raise NotImplementedError

    def form_valid(self, form: Any) -> HttpResponse:
        if "preview" in self.request.POST:
            return self.render_to_response(self.get_context_data(form=form))
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "preview": self.preview(context["form"])}


def currencies_of(customer: Customer) -> list[str]:
    """The issuer's first."""
    used = set(customer.ledger_entries.order_by().values_list("currency", flat=True).distinct())
    return sorted(used, key=lambda code: (code != customer.issuer.currency, code))


# -- settle with credit ---------------------------------------------------------------------------------------------


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
                MoneyColumn("part", label=_("Settled"), accessor=lambda row: row[1]),
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


# -- write off ------------------------------------------------------------------------------------------------------


class WriteOffForm(forms.Form):
    amount = MoneyField(label=gettext_lazy("Amount"), minimum=1)
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=WriteOffReason.choices,
        widget=forms.RadioSelect,
        initial=WriteOffReason.UNCOLLECTABLE,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=150,
        required=False,
        help_text=gettext_lazy("For your colleagues, in the ledger; the customer does not see it."),
    )

    def __init__(self, *args: Any, most: Money, limit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amount: Any = self.fields["amount"]
        amount.currency, amount.maximum = most.currency, most.minor
        amount.label = _("Amount in %(currency)s") % {"currency": most.currency}
        amount.help_text = limit

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("reason") == WriteOffReason.OTHER and not data.get("note"):
            self.add_error("note", _("Say which reason."))
        return data


class WriteOffView(ActionView):
    model = Document
    permission = WRITE_OFF
    page_title = gettext_lazy("Write off")
    is_dangerous = True
    form_class = WriteOffForm
    explanation = gettext_lazy(
        "The claim is given up in the books; reminders for it end. The invoice and its tax stay as they are: an "
        "invoice that was wrong is corrected instead."
    )

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer", "open_item")

    @property
    def is_limited(self) -> bool:
        return not self.request.user.has_perm(WITHOUT_LIMIT)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.user.has_perm(WITHOUT_LIMIT):
            self.permission = WITHOUT_LIMIT
        elif not request.user.has_perm(WRITE_OFF):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def obstacle(self) -> str:
        item = getattr(self.object, "open_item", None)
        if item is None or item.open_minor <= 0:
            return _("%(document)s is owed nothing.") % {"document": self.object}
        if self.is_limited and left_of_write_off_limit(self.object).minor == 0:
            return _(
                "Of %(document)s as much as you may has been written off. Ask somebody who may do more."
            ) % {"document": self.object}
        return ""

    def most(self) -> Money:
        open_amount = self.object.open_item.open_amount
        if not self.is_limited:
            return open_amount
        return min(open_amount, left_of_write_off_limit(self.object), key=lambda amount: amount.minor)

    def limit_text(self) -> str:
        text = _("%(open)s are open.") % {"open": money_text(self.object.open_item.open_amount)}
        if self.is_limited:
            left = left_of_write_off_limit(self.object)
            text += " " + _("You may write off up to %(limit)s of this document.") % {
                "limit": money_text(left)
            }
        return text

    def get_form_kwargs(self) -> dict[str, Any]:
        return {
            **super().get_form_kwargs(),
            "most": self.object.open_item.open_amount,
            "limit": self.limit_text(),
        }

    def get_initial(self) -> dict[str, Any]:
        return {"amount": self.most()}

    def perform(self, form: forms.Form) -> str:
        data = form.cleaned_data
        write_off(
            document_id=self.object.pk,
            amount=data["amount"],
            reason=data["reason"],
            note=data["note"],
            today=clock.today(self.object.issuer),
            limited=self.is_limited,
            user=self.request.user,
        )
        return _("%(amount)s of %(document)s are written off.") % {
            "amount": money_text(data["amount"]),
            "document": self.object,
        }


# -- account statement ----------------------------------------------------------------------------------------------


class StatementForm(forms.Form):
    since = forms.DateField(label=pgettext_lazy("period", "From"), widget=AdminDateInput)
    until = forms.DateField(label=pgettext_lazy("period", "To"), widget=AdminDateInput)
    currency = forms.ChoiceField(label=gettext_lazy("Currency"))

    def __init__(self, *args: Any, currencies: list[str], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        currency: Any = self.fields["currency"]
        currency.choices = [(code, code) for code in currencies]
        if len(currencies) == 1:
            self.fields["currency"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if until and until > self.today:
            self.add_error("until", _("That day is still to come."))
        elif since and until and until < since:
            self.add_error("until", _("A statement ends after it has begun."))
        return data


class StatementView(PreviewedActionView):
    model = Customer
    permission = STATEMENT
    page_title = gettext_lazy("Account statement")
    action_label = gettext_lazy("Issue the statement")
    form_class = StatementForm
    issued: Document | None = None

    @property
    def explanation(self) -> str:
        if self.object.email:
            return _("The statement gets a number, is archived and goes to %(to)s.") % {
                "to": self.object.email
            }
        return _("The statement gets a number and is archived; the customer has no e-mail address: print it.")

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def today(self) -> date:
        return clock.today(self.object.issuer)

    def get_form_kwargs(self) -> dict[str, Any]:
        currencies = currencies_of(self.object) or [self.object.issuer.currency]
        return {**super().get_form_kwargs(), "currencies": currencies, "today": self.today()}

    def get_initial(self) -> dict[str, Any]:
        """The year so far; in January, the year before."""
        today = self.today()
        if today.month == 1:
            since, until = date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)
        else:
            since, until = date(today.year, 1, 1), today
        currencies = currencies_of(self.object) or [self.object.issuer.currency]
        return {"since": since, "until": until, "currency": currencies[0]}

    def preview(self, form: Any) -> Section | None:
        if form.is_bound and form.errors:
            return None
        values = form.cleaned_data if form.is_bound else self.get_initial()
        try:
            statement = statement_of(self.object, **values)
        except BillingError:
            return None
        currency = values["currency"]
        kinds = dict(LedgerEntry.Kind.choices)

        def amount(name: str) -> Any:
            return lambda row: Money(row[name], currency)

        entries = statement["entries"]
        opening = Money(statement["opening_minor"], currency)
        closing = Money(statement["closing_minor"], currency)
        note = _("Balance before: %(opening)s; at the end: %(closing)s.") % {
            "opening": money_text(opening),
            "closing": money_text(closing),
        }
        if len(entries) > PREVIEWED:
            note += " " + _("The last %(n)s of %(all)s entries are shown.") % {
                "n": PREVIEWED,
                "all": len(entries),
            }
        return TableSection(
            _("What the statement will say"),
            [
                DateColumn("date", label=_("Date"), accessor=lambda row: date.fromisoformat(row["date"])),
                Column("kind", label=_("Entry"), accessor=lambda row: kinds.get(row["kind"], row["kind"])),
                Column("number", label=pgettext("billing", "Document"), accessor=lambda row: row["number"]),
                MoneyColumn("amount", label=_("Amount"), accessor=amount("amount_minor")),
                MoneyColumn("balance", label=_("Balance"), accessor=amount("balance_minor")),
            ],
            entries[-PREVIEWED:],
            note=note,
            empty=_("Nothing was booked in this time."),
        )

    def perform(self, form: forms.Form) -> str:
        self.issued = issue_statement(
            customer_id=self.object.pk, **form.cleaned_data, today=self.today(), user=self.request.user
        )
        return _("%(document)s is issued; its PDF is being made.") % {"document": self.issued}

    def back_url(self) -> str:
        if self.issued is not None and self.request.user.has_perm("cms_billing_faktura.view_document"):
            return reverse("billing-document:inspect", args=[self.issued.pk])
        return super().back_url()


# -- where they are found -------------------------------------------------------------------------------------------


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


def document_actions() -> list[Action]:
    return [Action(gettext_lazy("Write off"), "billing_write_off", "minus", WRITE_OFF, when=is_owed)]


def is_owed(document: Any) -> bool:
    item = getattr(document, "open_item", None)
    return item is not None and item.open_minor > 0
