"""The parts of a case's page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    DateColumn,
    Event,
    Fact,
    Facts,
    LinkColumn,
    MoneyColumn,
    Section,
    StateColumn,
    TableSection,
    date_text,
    money_text,
)
from cms_billing.core.money import Money
from cms_billing.core.ui.timeline import name_of
from cms_billing.faktura.models import Document, DocumentKind, LedgerEntry
from cms_billing.faktura.selectors import with_standing
from cms_billing.payments.events import next_charge_text
from cms_billing.payments.models import ChargePlan, Payment

from .. import desk
from ..breakdowns import breakdown_of
from ..models import Case, CaseStep
from .case_list import case_url, document_url, level_name

Kind = CaseStep.Kind
_TONES = {
    Kind.LETTER: "warning",
    Kind.READY: "critical",
    Kind.HANDED_OVER: "critical",
    Kind.CAME_BACK: "critical",
    Kind.CLOSED: "good",
    Kind.PAYMENT: "good",
    Kind.THANKED: "good",
}


def claim(case: Case) -> Section:
    """What was claimed, what came in, and what is open of each part."""
    parts = breakdown_of(case.document_id, case.document.currency)

    def part(label: str, claimed: int, left: int) -> Fact | None:
        if not claimed and not left:
            return None
        text = money_text(parts.money(claimed))
        if left != claimed:
            text = _("%(left)s open of %(claimed)s") % {
                "left": money_text(parts.money(left)),
                "claimed": text,
            }
        return Fact(label, text, tone="critical" if left > 0 else "good")

    facts = (
        part(_("Principal"), parts.principal - parts.credits, parts.principal_open),
        part(_("Dunning fees"), parts.fees, parts.fees_open),
        part(_("Fees of returned payments"), parts.return_fees, parts.return_fees_open),
        part(_("Flat compensation"), parts.flat, parts.flat_open),
        part(_("Default interest"), parts.interest, parts.interest_open),
        part(_("Collection costs"), parts.collection_costs, parts.collection_costs_open),
        Fact(_("Received"), money_text(parts.money(parts.payments)), tone="good") if parts.payments else None,
    )
    note = _(
        "What comes in covers costs, then interest, then the claim (§ 367 BGB), unless the payer said otherwise."
    )
    return Facts(_("Claim"), filter(None, facts), note=note if parts.charges else "")


def access(case: Case) -> Section:
    """Each contract the document pays for: open or locked, why, and what opens it."""
    return TableSection(
        _("What dunning locks"),
        [
            LinkColumn("contract", label=_("Contract"), get_url=lambda row: contract_url(row.contract)),
            StateColumn(
                "state",
                label=_("State"),
                accessor=lambda row: pgettext("access", "locked") if row.is_locked else _("open"),
                good=lambda row: not row.is_locked,
            ),
            Column("why", label=_("Why"), accessor=_why),
            Column("opens", label=_("What opens it"), accessor=opens_text),
        ],
        desk.access_effect(case),
        empty=_("The document pays for no contract."),
        note=_("Periods that are paid stay open whatever stands here."),
    )


def contract_url(number: str) -> str | None:
    """To the list of contracts, where the site has one: dunning knows contracts by their number only."""
    try:
        return f"{reverse('billing-contract:index')}?q={number}"
    except NoReverseMatch:
        return None


def _why(row: desk.Access) -> str:
    if row.is_locked:
        return ", ".join(
            _("%(document)s on level %(level)s") % {"document": case.document.number, "level": case.level}
            for case in row.locked_by
        )
    return _("The lock is announced.") if row.announced else ""


def opens_text(row: desk.Access) -> str:
    """The claims themselves open it; fees and interest stay owed, but lock nothing (``CaseQuerySet.locking``)."""
    if not row.is_locked:
        return ""
    items = [case.document.open_item for case in row.locked_by]
    claims = _sums((item.currency, item.open_minor - item.charges_minor) for item in items)
    owed = _sums((item.currency, item.open_minor) for item in items)
    if claims == owed:
        return _("payment of %(amounts)s, or stopping the case") % {"amounts": owed}
    return _(
        "payment of %(claims)s for the claim itself, or stopping the case; with fees and interest %(amounts)s are owed"
    ) % {"claims": claims, "amounts": owed}


def _sums(amounts: Iterable[tuple[str, int]]) -> str:
    """By currency."""
    sums: dict[str, int] = {}
    for currency, minor in amounts:
        sums[currency] = sums.get(currency, 0) + minor
    return ", ".join(money_text(Money(minor, currency)) for currency, minor in sums.items())


def letters(case: Case) -> Section:
    rows = Document.objects.filter(kind=DocumentKind.DUNNING_LETTER, dunning_steps__case=case).distinct()
    return TableSection(
        _("Letters"),
        [
            LinkColumn("number", label=_("Letter"), get_url=document_url),
            DateColumn("issued_on", label=_("Date")),
            Column("level", label=_("Level"), accessor=lambda letter: letter.extra.get("level", "")),
            Column("claims", label=_("Claims"), accessor=_claims_text),
            MoneyColumn("total", label=_("Asked for in all"), accessor=_asked),
            LinkColumn("pdf", label=_("PDF"), accessor=_pdf_text, get_url=_pdf_url),
            LinkColumn("mail", label=_("Mail"), accessor=_sent_text, get_url=_mail_url),
        ],
        with_standing(rows).prefetch_related("deliveries").order_by("pk"),
        empty=_("No letter yet."),
    )


def _claims_text(letter: Document) -> str:
    return ", ".join(f"{claim['number']} ({claim['level']})" for claim in letter.extra.get("claims", []))


def _asked(letter: Document) -> Money | None:
    minor = letter.extra.get("total_minor")
    return None if minor is None else Money(minor, letter.currency)


def _pdf_text(letter: Any) -> str:
    return _("Open the PDF") if letter.has_pdf else _("not made yet")


def _pdf_url(letter: Any) -> str | None:
    return reverse("billing-document:pdf", args=[letter.pk]) if letter.has_pdf else None


def _sent_text(letter: Document) -> str:
    return ", ".join(_delivery_text(delivery) for delivery in letter.deliveries.all())


def _delivery_text(delivery: Any) -> str:
    if delivery.sent_at:
        return _("%(to)s, sent %(at)s") % {"to": delivery.to, "at": date_text(delivery.sent_at)}
    state = str(delivery.get_work_state_display())
    return ": ".join(filter(None, [delivery.to, state, delivery.last_error]))


def _mail_url(letter: Document) -> str | None:
    deliveries = list(letter.deliveries.all())
    return reverse("billing-delivery:inspect", args=[deliveries[-1].pk]) if deliveries else None


def payments(case: Case) -> Section:
    """What came in or was tried for the document, and when it is tried again."""
    rows = (
        Payment.objects.filter(Q(document=case.document_id) | Q(allocations__document=case.document_id))
        .distinct()
        .order_by("pk")
    )
    plan = ChargePlan.objects.filter(document=case.document_id).first()
    is_owed = case.document.open_item.open_minor > 0
    return TableSection(
        _("Payments and attempts"),
        [
            LinkColumn(
                "payment",
                label=_("Payment"),
                accessor=str,
                get_url=lambda row: reverse("billing-payment:inspect", args=[row.pk]),
            ),
            DateColumn("on", label=_("Date"), accessor=lambda row: row.received_on or row.created_at),
            Column("provider", label=_("Provider")),
            StateColumn(
                "state",
                label=_("State"),
                accessor="get_state_display",
                good=lambda row: row.state == Payment.State.SETTLED,
            ),
            Column("reason", label=_("Reason")),
        ],
        rows,
        empty=_("Nothing has been paid or charged."),
        note=_("Automatic charges: %(plan)s.") % {"plan": next_charge_text(plan)} if plan and is_owed else "",
    )


def other_claims(case: Case) -> Iterator[Section]:
    """What else the customer owes, in dunning or not."""
    items = desk.other_claims(case)
    if not items:
        return
    yield TableSection(
        _("Other open claims of the customer"),
        [
            LinkColumn(
                "document",
                label=pgettext("billing", "Document"),
                accessor=lambda item: str(item.document),
                get_url=lambda item: document_url(item.document),
            ),
            DateColumn("due_on", label=_("Due on")),
            LinkColumn(
                "case",
                label=_("Case"),
                accessor=lambda item: _case_text(item.case) if item.case else "",
                get_url=lambda item: case_url(item.case) if item.case else None,
            ),
            MoneyColumn("open_amount", label=_("Open")),
        ],
        items,
    )


def _case_text(case: Case) -> str:
    return f"{level_name(case.level)}, {case.get_state_display()}"


def ledger(case: Case) -> Section:
    return TableSection(
        _("Postings"),
        [
            DateColumn("booked_on", label=_("Date")),
            Column("kind", label=_("Entry"), accessor="get_kind_display"),
            Column("note", label=_("Note")),
            MoneyColumn("amount", label=_("Amount")),
        ],
        LedgerEntry.objects.filter(document=case.document_id),
    )


def events(case: Case) -> Iterable[Event]:
    """Every step with its reason and who took it; what was paid, and when letters left."""
    steps = list(case.steps.select_related("letter", "user").order_by("pk"))
    for step in steps:
        number = step.letter.number if step.letter else ""
        yield Event(
            step.at,
            _step_text(step),
            who=name_of(step.user),
            detail=" ".join(filter(None, [number, step.reason])),
            url=document_url(step.letter),
            tone=_TONES.get(Kind(step.kind), ""),
        )
    paid = (LedgerEntry.Kind.PAYMENT, LedgerEntry.Kind.CHARGEBACK)
    for entry in LedgerEntry.objects.filter(document=case.document_id, kind__in=paid):
        tone = "good" if entry.kind == LedgerEntry.Kind.PAYMENT else "critical"
        detail = f"{money_text(entry.amount)} {entry.note}".strip()
        yield Event(entry.created_at, entry.get_kind_display(), detail=detail, tone=tone)


def _step_text(step: CaseStep) -> str:
    if step.kind in (Kind.LETTER, Kind.MOVED):
        return _("%(step)s, level %(level)s") % {"step": step.get_kind_display(), "level": step.level}
    return step.get_kind_display()
