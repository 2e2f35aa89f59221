"""Are the goods of every correction accounted for? For ``manage.py billing_verify``."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F, Q, Sum
from django.utils.translation import gettext as _

from cms_billing.faktura.models import DocumentLine, Issuer

from .selectors import ORDER_LINE


def stock_findings(issuer: Issuer) -> Iterator[str]:
    """Lines of corrections whose goods should have been rebooked, and were not, or not all."""
    lines = DocumentLine.objects.filter(
        document__issuer=issuer,
        restock__isnull=False,
        returned__gt=0,
        corrects_line__booking__source=ORDER_LINE,
    )
    lines = lines.annotate(moved=Sum("stock_movements__quantity"))
    for line in (
        lines.filter(Q(moved=None) | Q(moved__lt=F("returned"))).select_related("document").order_by("pk")
    ):
        yield _(
            "%(document)s, line %(position)d: %(returned)s units came back, %(moved)d are accounted for."
        ) % {
            "document": line.document,
            "position": line.position,
            "returned": f"{line.returned.normalize():f}" if line.returned else "0",
            "moved": line.moved or 0,
        }
