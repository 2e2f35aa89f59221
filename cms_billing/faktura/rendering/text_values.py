"""What the placeholders of texts stand for, out of what is frozen with a document: mails and the document agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .data import DocumentData


def text_values(data: DocumentData) -> dict[str, str]:
    """As people of the document's language write them; see ``placeholders.text_placeholders_of``."""
    formats = data.formats
    values = {
        "name": data.recipient_name,
        "customer_number": data.customer_number,
        "number": data.number,
        "date": formats.day(data.issued_on),
        "amount": formats.money(data.letter.total if data.letter else data.gross),
        "due_date": formats.day(data.pay_until),
        "issuer": data.issuer.legal_name,
        "original_number": data.corrects.number if data.corrects else "",
        "original_date": formats.day(data.corrects.issued_on) if data.corrects else "",
        "reason": data.reason,
    }
    return values | _of_refund(data) | _of_statement(data)


def _of_refund(data: DocumentData) -> dict[str, str]:
    refund, formats = data.refund, data.formats
    if refund is None:
        return {"refund_way": "", "refund_date": "", "refund_reference": ""}
    return {
        "refund_way": refund.way,
        "refund_date": formats.day(refund.paid_on),
        "refund_reference": refund.reference,
        "amount": formats.money(refund.amount),
    }


def _of_statement(data: DocumentData) -> dict[str, str]:
    statement, formats = data.statement, data.formats
    if statement is None:
        return {}
    return {
        "period_start": formats.day(statement.since),
        "period_end": formats.day(statement.until),
        "opening_balance": formats.money(statement.opening),
        "balance": formats.money(statement.closing),
        "amount": formats.money(statement.closing),
    }
