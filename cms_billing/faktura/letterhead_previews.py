"""A letterhead shown with real data: the issuer's latest document, or samples that strain a design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from cms_billing.core.money import Money

from .models import Document, DocumentKind, Issuer, Letterhead
from .models.letterheads import inherited
from .previews import sample
from .rendering import DocumentData, document_data, render_pdf
from .rendering.data import LineData, TaxData
from .rendering.design import DesignData
from .rendering.footers import finished

RATES = ("19", "7", "0", "20", "10", "13", "21", "5.5", "8.1", "25")


def preview_pdf(letterhead: Letterhead, mode: str, user: Any) -> bytes:
    """The PDF of a letterhead, saved or not, in a mode of ``Letterhead.PREVIEWS``."""
    return render_pdf(preview_data(letterhead, mode, user))


def preview_data(letterhead: Letterhead, mode: str, user: Any) -> DocumentData:
    kind = DocumentKind.DUNNING_LETTER if mode == "letter" else letterhead.kind or DocumentKind.INVOICE
    document = _latest(letterhead, user) if mode == "latest" else None
    data = document_data([document.pk])[0] if document else _sample(letterhead.issuer, kind, mode)
    design = DesignData.from_stored(inherited([letterhead, *_below(letterhead)]))
    return replace(data, design=finished(design, data.issuer))


def _below(letterhead: Letterhead) -> list[Letterhead]:
    """What an unsaved letterhead inherits from."""
    if not letterhead.kind:
        return []
    rows = Letterhead.objects.for_documents(letterhead.issuer, "")
    return [row for row in rows if row.pk != letterhead.pk]


def _latest(letterhead: Letterhead, user: Any) -> Document | None:
    if not user.has_perm("cms_billing_faktura.view_document"):
        return None
    documents = Document.objects.visible_to(user).filter(
        issuer=letterhead.issuer, state=Document.State.ISSUED, kind=letterhead.kind or DocumentKind.INVOICE
    )
    return documents.order_by("-issued_on", "-pk").first()


def _sample(issuer: Issuer, kind: str, mode: str) -> DocumentData:
    language = issuer.language
    with translation.override(language):
        if mode == "many":
            return _with_lines(sample(issuer, DocumentKind.INVOICE, language), _many())
        if mode == "taxes":
            return _with_lines(sample(issuer, DocumentKind.INVOICE, language), _taxed())
        if mode == "one":
            return sample(issuer, DocumentKind.INVOICE, language)
        return sample(issuer, kind, language)


def _many() -> list[tuple[str, int, int, str]]:
    names = (
        _("Course “Bread baking for beginners”"),
        _("Book “Sourdough, step by step”, hardcover"),
        _("Membership, one month"),
        _(
            "Weekend workshop with overnight stay, meals and all materials, including the recipes to take home"
        ),
    )
    return [(names[n % 4], 1 + n % 3, 490 + 735 * (n % 7), "7" if n % 4 == 1 else "19") for n in range(60)]


def _taxed() -> list[tuple[str, int, int, str]]:
    return [
        (_("Goods at %(rate)s %%") % {"rate": rate}, 1, 1190 + 210 * n, rate) for n, rate in enumerate(RATES)
    ]


def _with_lines(data: DocumentData, wanted: Sequence[tuple[str, int, int, str]]) -> DocumentData:
    """``wanted``: text, quantity, unit price in the smallest unit including tax, percent."""
    lines = tuple(_line(data, number, one) for number, one in enumerate(wanted, start=1))
    percents = dict.fromkeys(line.tax_percent for line in lines)
    groups = tuple(
        _group(percent, [line for line in lines if line.tax_percent == percent]) for percent in percents
    )
    net, tax, gross = (_sum([getattr(group, name) for group in groups]) for name in ("net", "tax", "gross"))
    due = data.issued_on + timedelta(days=data.issuer.payment_days)
    return replace(data, lines=lines, tax_groups=groups, net=net, tax=tax, gross=gross, due_on=due)


def _line(data: DocumentData, position: int, wanted: tuple[str, int, int, str]) -> LineData:
    text, quantity, unit, percent = wanted
    rate, gross = Decimal(percent), unit * quantity
    tax = int((gross * rate / (100 + rate)).quantize(Decimal(1), ROUND_HALF_UP))
    return replace(
        data.lines[0],
        position=position,
        description=text,
        quantity=Decimal(quantity),
        unit_price=Money(unit, data.currency),
        tax_percent=rate,
        net=Money(gross - tax, data.currency),
        tax=Money(tax, data.currency),
        gross=Money(gross, data.currency),
    )


def _group(percent: Decimal, lines: Sequence[LineData]) -> TaxData:
    net, tax, gross = (_sum([getattr(line, name) for line in lines]) for name in ("net", "tax", "gross"))
    return TaxData("standard", percent, net, tax, gross, "" if percent else _("Free of VAT."))


def _sum(amounts: Sequence[Money]) -> Money:
    return sum(amounts[1:], amounts[0])
