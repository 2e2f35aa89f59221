"""Reads for members' pages and the apps above."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from cms_billing.core.money import Money

from .crediting import LineLeft
from .models import (
    ArchiveRecord,
    Delivery,
    Document,
    DocumentKind,
    DocumentLine,
    Issuer,
    LedgerEntry,
    OpenItem,
)
from .reservations import reserved_credit
from .totals import Amounts

PDF = "application/pdf"


class Standing(Enum):
    """Where a document stands for the person who reads it."""

    PAID = "paid"
    OPEN = "open"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"
    NOTHING_OWED = "nothing_owed"

    @property
    def label(self) -> Any:
        return STANDING_LABELS[self]


STANDING_LABELS = {
    Standing.PAID: _("paid"),
    Standing.OPEN: _("open"),
    Standing.OVERDUE: _("overdue"),
    Standing.CANCELLED: _("cancelled"),
    Standing.NOTHING_OWED: "",
}


@dataclass(frozen=True)
class AccountDocument:
    """A document with what its owner wants to know of it; ``open_amount`` is zero where nothing is owed."""

    document: Document
    standing: Standing
    open_amount: Money
    due_on: date | None
    has_pdf: bool

    @property
    def is_payable(self) -> bool:
        return self.open_amount.minor > 0

    @property
    def corrected_by(self) -> str:
        """Numbers of what corrects it, for a row of ``documents_of_user``."""
        return ", ".join(sorted(document.number for document in self.document.corrections.all()))


def documents_of_user(user: Any) -> QuerySet[Document]:
    """Issued documents of all the user's customer records, newest first, ready for ``account_document``."""
    documents = with_standing(Document.objects.of_user(user)).select_related("corrects", "issuer")
    return documents.prefetch_related("corrections").order_by("-issued_on", "-pk")


@dataclass(frozen=True)
class Credit:
    """What an issuer owes the reader; ``on_its_way`` of it is being paid back."""

    issuer: Issuer
    amount: Money
    on_its_way: Money


def credits_of_user(user: Any) -> list[Credit]:
    """One for each of the user's accounts and currencies with a credit, for the page of their documents."""
    sums = (
        LedgerEntry.objects.filter(customer__user_id=user.pk, document=None)
        .order_by("issuer__name", "currency")
        .values_list("customer", "issuer", "currency")
        .annotate(s=Sum("amount_minor"))
        .filter(s__lt=0)
    )
    rows = list(sums)
    issuers = Issuer.objects.in_bulk({issuer for _customer, issuer, _currency, _minor in rows})
    return [
        Credit(issuers[issuer], Money(-minor, currency), Money(reserved_credit(customer, currency), currency))
        for customer, issuer, currency, minor in rows
    ]


def open_items_of_user(user: Any) -> QuerySet[OpenItem]:
    """What all the user's customer records still owe."""
    return OpenItem.objects.open().filter(customer__user=user)


def with_standing(documents: QuerySet[Document]) -> QuerySet[Document]:
    cancellation = Document.objects.filter(corrects=OuterRef("pk"), kind=DocumentKind.CANCELLATION)
    pdf = ArchiveRecord.objects.filter(document=OuterRef("pk"), content_type=PDF)
    return documents.select_related("open_item").annotate(
        is_cancelled=Exists(cancellation), has_pdf=Exists(pdf)
    )


def account_documents(documents: Iterable[Document], *, today: date) -> list[AccountDocument]:
    """``documents`` come from ``with_standing``; no further queries."""
    return [_account_document(document, today=today) for document in documents]


def _account_document(document: Any, *, today: date) -> AccountDocument:
    item = getattr(document, "open_item", None)
    open_minor = item.open_minor if item else 0
    if document.is_cancelled:
        standing = Standing.CANCELLED
    elif item is None:
        standing = Standing.NOTHING_OWED
    elif open_minor <= 0:
        standing = Standing.PAID
    else:
        standing = Standing.OVERDUE if item.due_on < today else Standing.OPEN
    return AccountDocument(
        document=document,
        standing=standing,
        open_amount=Money(max(open_minor, 0), document.currency),
        due_on=item.due_on if item else None,
        has_pdf=document.has_pdf,
    )


def left_to_credit(document: Document) -> list[LineLeft]:
    """Every line of an issued document with what corrections have left of it, in order; two queries."""
    taken = (
        DocumentLine.objects.filter(corrects_line__document=document)
        .order_by()
        .values("corrects_line")
        .annotate(
            units=Sum("returned"), nets=Sum("net_minor"), taxes=Sum("tax_minor"), sums=Sum("gross_minor")
        )
    )
    by_line = {row["corrects_line"]: row for row in taken}
    return [_left(line, by_line.get(line.pk)) for line in document.lines.all()]


def _left(line: DocumentLine, taken: Mapping[str, Any] | None) -> LineLeft:
    amounts, quantity = Amounts(line.net_minor, line.tax_minor, line.gross_minor), line.quantity
    if taken:
        # Corrections are negative. Those of older versions did not say how many came back: they took all.
        quantity -= line.quantity if taken["units"] is None else taken["units"]
        amounts = amounts - Amounts(-taken["nets"], -taken["taxes"], -taken["sums"])
    return LineLeft(line.pk, line.position, line.description, line.quantity, quantity, amounts)


def open_deposits(customer_id: int) -> QuerySet[Document]:
    """Deposits of a customer that no final invoice has taken off yet, oldest first."""
    cancellation = Document.objects.filter(corrects=OuterRef("pk"), kind=DocumentKind.CANCELLATION)
    of_final = Document.objects.filter(corrects=OuterRef("document"), kind=DocumentKind.CANCELLATION)
    taken_off = DocumentLine.objects.filter(~Exists(of_final), deducts=OuterRef("pk"))
    return Document.objects.filter(
        ~Exists(cancellation),
        ~Exists(taken_off),
        customer=customer_id,
        is_deposit=True,
        state=Document.State.ISSUED,
    ).order_by("issued_on", "pk")


def final_invoice_of(deposit: Document, *, but: Document | None = None) -> str | None:
    """Number of the invoice that takes this deposit off, or of the draft that is about to; None: nobody does."""
    cancellation = Document.objects.filter(corrects=OuterRef("document"), kind=DocumentKind.CANCELLATION)
    final = (
        DocumentLine.objects.filter(~Exists(cancellation), deducts=deposit)
        .exclude(document=but)
        .select_related("document")
        .first()
    )
    return (final.document.number or str(final.document)) if final else None


def documents_without_delivery() -> QuerySet[Document]:
    """Archived documents that nobody has sent: the customer had no e-mail address. To be printed and sent by post.

    ``services.mark_sent_by_post`` or ``send_again`` takes one off the list.
    """
    archived = ArchiveRecord.objects.filter(document=OuterRef("pk"), content_type=PDF)
    delivery = Delivery.objects.filter(document=OuterRef("pk"))
    return Document.objects.filter(Exists(archived), ~Exists(delivery), state=Document.State.ISSUED)
