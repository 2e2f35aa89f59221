"""Reads: what a person may download, why, and from where. A constant number of queries, however much they bought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from oscar.core.loading import get_model

from cms_billing.core.conf import billing_settings
from cms_billing.core.file_links import FileLink, sign_link
from cms_billing.core.money import Money
from cms_billing.core.private_files import PrivateFile
from cms_billing.faktura.models import Document, DocumentKind, DocumentLine
from cms_billing.memberships.access import PlanAccess, access_by_plans

from .download_rules import Answer, Bought, InvoicedLine, Purchase, best, judge
from .models import PlanProduct, ProductDownload
from .selectors import ORDER_LINE

SENTENCES: dict[Answer, Any] = {
    Answer.BOUGHT: _("Bought with order %(order)s."),
    Answer.ORDERED: _("Bought with order %(order)s, to be paid."),
    Answer.UNPAID: _("Waits for the payment of order %(order)s."),
    Answer.OVERDUE: _("Closed: the invoice of order %(order)s is overdue. Opens as soon as it is paid."),
    Answer.CREDITED: _("Closed: order %(order)s was credited."),
    Answer.CANCELLED: _("Closed: order %(order)s was cancelled."),
}


@dataclass(frozen=True)
class DownloadAccess:
    """One file and whether the person may have it. ``concerned``: they bought it or have a plan, so they are told."""

    download: ProductDownload
    granted: bool
    sentence: str
    concerned: bool = True


def downloads_of(user: Any, *, today: date) -> list[DownloadAccess]:
    """What the person bought or has by a plan, also what is closed at the moment, with the reason."""
    rows = access_to(ProductDownload.objects.all(), user, today=today)
    return [row for row in rows if row.concerned]


def access_to(downloads: QuerySet[ProductDownload], user: Any, *, today: date) -> list[DownloadAccess]:
    found = list(downloads.select_related("product").prefetch_related("plans"))
    if not found:
        return []
    plans = plans_by_product({one.product_id for one in found})
    bought = purchases_of(user, {one.product_id for one in found})
    sets = [{plan.pk for plan in one.plans.all()} | plans.get(one.product_id, set()) for one in found]
    by_plan = access_by_plans(user, sets, today=today)
    return [
        _access(one, bought.get(one.product_id, []), answer, today)
        for one, answer in zip(found, by_plan, strict=True)
    ]


def _access(
    download: ProductDownload, purchases: Sequence[Purchase], by_plan: PlanAccess, today: date
) -> DownloadAccess:
    early = download.opens == ProductDownload.Opens.ORDERED
    bought = best([judge(purchase, before_payment=early, today=today) for purchase in purchases])
    if by_plan.granted and not (bought and bought.granted):
        return DownloadAccess(download, True, by_plan.sentence)
    if bought is not None:
        return DownloadAccess(download, bought.granted, sentence(bought))
    return DownloadAccess(download, False, by_plan.sentence, concerned=by_plan.concerned)


def sentence(bought: Bought) -> str:
    return str(SENTENCES[bought.answer]) % {"order": bought.order}


def download_url(download: ProductDownload, user: Any) -> str:
    """A signed link for one person. It expires, and each time it is used the decision is made anew."""
    token = sign_link(FileLink(f"download {download.pk}", str(user.pk)))
    return reverse("cms_billing:product_download", args=[token, download.filename])


def plans_by_product(product_ids: Iterable[int]) -> dict[int, set[int]]:
    """The plan that a product sells, or those of its variants: their buyers hold a contract, which decides."""
    rows = PlanProduct.objects.filter(Q(product__in=product_ids) | Q(product__parent__in=product_ids))
    found: dict[int, set[int]] = {}
    for product, parent, plan in rows.values_list("product", "product__parent", "plan"):
        for key in filter(None, (product, parent)):
            found.setdefault(key, set()).add(plan)
    return found


def purchases_of(user: Any, product_ids: Iterable[int]) -> dict[int, list[Purchase]]:
    """By product, also by that of which a variant was bought. Products that sell plans are not among them."""
    # Somebody whom an audit has made up is in no table, and has bought nothing.
    if not user.is_authenticated or user.pk is None:
        return {}
    wanted = list(product_ids)
    lines = get_model("order", "Line").objects.filter(
        Q(product__in=wanted) | Q(product__parent__in=wanted), order__user=user, billing_contracts=None
    )
    rows = list(lines.select_related("order", "product").order_by("pk"))
    invoiced = _invoiced([row.pk for row in rows])
    found: dict[int, list[Purchase]] = {}
    for row in rows:
        purchase = _purchase(row, invoiced.get(row.pk, ()))
        for key in filter(None, (row.product_id, row.product.parent_id)):
            found.setdefault(key, []).append(purchase)
    return found


def _purchase(line: Any, invoiced: Iterable[InvoicedLine]) -> Purchase:
    return Purchase(
        order=line.order.number,
        product_id=line.product_id,
        gross_minor=Money.of(line.line_price_incl_tax, line.order.currency).minor,
        cancelled=line.order.status == billing_settings().cancelled_order_status,
        invoiced=tuple(invoiced),
    )


def _invoiced(order_lines: Sequence[int]) -> dict[int, list[InvoicedLine]]:
    """What invoices ask for these order lines, and what is left of it after corrections."""
    if not order_lines:
        return {}
    lines = DocumentLine.objects.filter(
        booking__source=ORDER_LINE,
        booking__source_id__in=order_lines,
        document__kind=DocumentKind.INVOICE,
        document__state=Document.State.ISSUED,
    ).annotate(
        order_line=F("booking__source_id"),
        corrected=Sum("correction_lines__gross_minor", default=0),
        open_minor=F("document__open_item__open_minor"),
        charges_minor=F("document__open_item__charges_minor"),
        due_on=F("document__open_item__due_on"),
    )
    found: dict[int, list[InvoicedLine]] = {}
    for line in lines:
        found.setdefault(line.order_line, []).append(
            InvoicedLine(
                left_minor=line.gross_minor + line.corrected,
                owed=(line.open_minor or 0) > (line.charges_minor or 0),
                due_on=line.due_on,
            )
        )
    return found


def private_files() -> Iterator[PrivateFile]:
    """Every download, for audits of who gets it."""
    for download in ProductDownload.objects.order_by("pk").iterator(chunk_size=200):
        yield PrivateFile(
            title=download.title,
            name=str(download.file.name),
            may_have=partial(_may_have, download.pk),
            url_for=partial(download_url, download),
        )


def _may_have(pk: int, user: Any, today: date) -> bool:
    return any(row.granted for row in access_to(ProductDownload.objects.filter(pk=pk), user, today=today))
