"""The charges of a case with how they were worked out."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    DateColumn,
    LinkColumn,
    MoneyColumn,
    Section,
    TableSection,
    money_text,
)
from cms_billing.core.money import Money

from ..models import Case, Charge
from .case_list import document_url


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
    """All interest from the first day of default: amount, rate and days, part by part; less what earlier letters have
    claimed of it."""
    parts = [
        _("%(amount)s at %(percent)s %% for %(days)s days: %(interest)s")
        % {
            "amount": money_text(Money(row["base_minor"], charge.currency)),
            "percent": row["percent"],
            "days": row["days"],
            "interest": money_text(Money(row["minor"], charge.currency)),
        }
        for row in charge.details
    ]
    before = sum(row["minor"] for row in charge.details) - charge.amount_minor
    if parts and before:
        parts.append(
            _("claimed before: %(amount)s") % {"amount": money_text(Money(-before, charge.currency))}
        )
    return " · ".join(parts)
