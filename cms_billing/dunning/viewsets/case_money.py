"""What a case is about in money: the parts of the claim, and the charges with how they were worked out."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    DateColumn,
    Fact,
    LinkColumn,
    MoneyColumn,
    Section,
    TableSection,
    money_text,
)
from cms_billing.core.money import Money

from ..breakdowns import Breakdown, breakdown_of
from ..models import Case, Charge
from .case_list import document_url


def parts_of_claim(case: Case) -> Iterable[Fact]:
    """What of the open amount is principal, fees and interest; nothing where no charge was ever claimed."""
    owed = breakdown_of(case.document_id, case.document.currency)
    if not owed.charges and not owed.costs_open and not owed.interest_open:
        return
    for label, minor in _parts(owed):
        if minor:
            yield Fact(label, money_text(owed.money(minor)))
    if case.in_default_since:
        yield Fact(_("In default since"), date_format(case.in_default_since, "SHORT_DATE_FORMAT"))


def _parts(owed: Breakdown) -> list[tuple[str, int]]:
    return [
        (_("Of it the claim itself"), owed.principal_open),
        (_("Of it reminder fees"), owed.fees_open),
        (_("Of it fees for returned payments"), owed.return_fees_open),
        (_("Of it flat compensation"), owed.flat_open),
        (_("Of it collection costs"), owed.collection_costs_open),
        (_("Of it interest"), owed.interest_open),
    ]


def charges_of_case(case: Case) -> Iterable[Section]:
    charges = case.charges.select_related("letter").order_by("pk")
    if not charges:
        return
    yield TableSection(
        _("Fees and interest"),
        [
            DateColumn("booked_on", label=_("Date")),
            Column("kind", label=_("What"), accessor="get_kind_display"),
            LinkColumn(
                "letter",
                label=_("Letter"),
                accessor=lambda charge: charge.letter.number if charge.letter else _("waived"),
                get_url=lambda charge: document_url(charge.letter),
            ),
            Column("details", label=_("Worked out"), accessor=worked_out),
            MoneyColumn("amount", label=_("Amount")),
        ],
        charges,
    )


def worked_out(charge: Charge) -> str:
    """All interest from the first day of default: amount, rate and days, part by part."""
    return " · ".join(
        _("%(amount)s at %(percent)s %% for %(days)s days: %(interest)s")
        % {
            "amount": money_text(Money(row["base_minor"], charge.currency)),
            "percent": row["percent"],
            "days": row["days"],
            "interest": money_text(Money(row["minor"], charge.currency)),
        }
        for row in charge.details
    )
