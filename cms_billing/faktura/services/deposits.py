"""Deposits: invoiced before the service, taken off by the final invoice together with their tax (§ 14 (5) UStG)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from babel.dates import format_date
from django.utils.translation import gettext as _
from django.utils.translation import override

from .. import rules
from ..drafts import DraftLine
from ..exceptions import WrongDeposit
from ..models import Document, DocumentKind, DocumentLine
from ..selectors import final_invoice_of, left_to_credit
from ..totals import Amounts


def deposit_lines(
    *, customer_id: int, deposits: Sequence[Document], prices_include_tax: bool, by: Document | None = None
) -> list[DraftLine]:
    """Lines that take these deposits off a final invoice, one a deposit and tax rate. Raises WrongDeposit.

    ``by``: the draft that takes them off already and is written anew.
    """
    return [
        line
        for deposit in deposits
        for line in _lines(
            _deductible(deposit, customer_id=customer_id, by=by), prices_include_tax=prices_include_tax
        )
    ]


def check_deductions(document: Document, lines: Sequence[DraftLine]) -> None:
    """Before a final invoice is issued: every deposit on it is still there and was not taken off by another.

    The customer is locked by the caller. Raises WrongDeposit.
    """
    wanted: dict[int, Amounts] = {}
    for line in lines:
        if line.deducts_id is not None and line.amounts is not None:
            before = wanted.get(line.deducts_id, Amounts(0, 0, 0))
            wanted[line.deducts_id] = before - line.amounts
    for deposit in Document.objects.filter(pk__in=wanted):
        _deductible(deposit, customer_id=document.customer_id, by=document)
        left = left_to_credit(deposit)
        there = Amounts(
            sum(one.amounts.net for one in left),
            sum(one.amounts.tax for one in left),
            sum(one.amounts.gross for one in left),
        )
        if wanted[deposit.pk] != there:
            raise WrongDeposit(
                _("%(deposit)s has been corrected meanwhile: take it off %(document)s and add it again.")
                % {"deposit": deposit, "document": document}
            )


def _deductible(deposit: Document, *, customer_id: int, by: Document | None = None) -> Document:
    if not deposit.is_deposit or deposit.state != Document.State.ISSUED or deposit.customer_id != customer_id:
        raise WrongDeposit(_("%(deposit)s is no issued deposit of this customer.") % {"deposit": deposit})
    if deposit.corrections.filter(kind=DocumentKind.CANCELLATION).exists():
        raise WrongDeposit(_("%(deposit)s has been cancelled.") % {"deposit": deposit})
    if number := final_invoice_of(deposit, but=by):
        raise WrongDeposit(
            _("%(deposit)s has been taken off by %(invoice)s already.")
            % {"deposit": deposit, "invoice": number}
        )
    return deposit


def _lines(deposit: Document, *, prices_include_tax: bool) -> list[DraftLine]:
    notices = {(g.tax_code, g.tax_percent): g.notice for g in deposit.tax_groups.all()}
    lines: dict[int, DocumentLine] = {line.pk: line for line in deposit.lines.all()}
    groups: dict[tuple[str, Decimal], Amounts] = {}
    for left in left_to_credit(deposit):
        line = lines[left.line_id]
        key = (line.tax_code, line.tax_percent)
        groups[key] = groups.get(key, Amounts(0, 0, 0)) - left.amounts
    return [
        DraftLine(
            description=_description(deposit),
            unit_price_minor=rules.unit_price(
                amounts.gross if prices_include_tax else amounts.net, Decimal(1)
            ),
            tax_code=code,
            tax_percent=percent,
            tax_notice=notices[code, percent],
            deducts_id=deposit.pk,
            amounts=amounts,
        )
        for (code, percent), amounts in groups.items()
        if amounts.gross
    ]


def _description(deposit: Document) -> str:
    with override(deposit.language):
        return _("Deposit %(number)s of %(date)s") % {
            "number": deposit.number,
            "date": format_date(deposit.issued_on, locale=deposit.language.replace("-", "_")),
        }
