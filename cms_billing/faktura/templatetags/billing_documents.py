"""``{% load billing_documents %}``: dates and numbers in letters, as people of the active language write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import segno
from django import template
from django.utils.safestring import SafeString, mark_safe

from cms_billing.core.formats import active_formats

from ..printed import ENTRY_KINDS

register = template.Library()


@register.filter
def day(value: date | None) -> str:
    """``31.01.2026`` in German, ``Jan 31, 2026`` in English."""
    return active_formats().day(value)


@register.filter
def number(value: Decimal | None) -> str:
    """Without zeros that say nothing: ``1``, ``2,5``, ``19``."""
    return active_formats().number(value)


@register.filter
def qr_code(content: str) -> SafeString:
    """The text as a QR code, an inline SVG; EPC069-12 asks for error correction M."""
    code = segno.make(content, error="m", micro=False, encoding="utf-8")
    return mark_safe(code.svg_inline(border=0, scale=1, omitsize=True, svgclass="qr"))


@register.filter
def entry_kind(kind: str) -> str:
    """The kind of a ledger entry as an account statement names it."""
    return str(ENTRY_KINDS.get(kind, kind))
