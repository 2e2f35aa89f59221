"""Those who do not pay: their page, and what was agreed with those who called."""

from datetime import date

import pytest

from cms_billing.dunning.models import Agreement, Case, Hold
from cms_billing.faktura.models import Document, Issuer
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.memberships.services import book_next_due
from cms_billing.paywall.models import ArrearsPage
from sandbox.site.demo import arrears, billing
from sandbox.site.demo.billing import Story

pytestmark = pytest.mark.usefixtures("demo")

DAY = date(2026, 3, 31)


def test_each_issuer_has_a_page_in_both_languages_that_is_made_once():
    found = {(page.issuer.name, page.language) for page in ArrearsPage.objects.live()}
    assert found == {(name, code) for name in (billing.ACADEMY, billing.STUDIO) for code in ("de", "en")}
    for issuer in Issuer.objects.all():
        arrears.build_arrears_pages(issuer)
    assert ArrearsPage.objects.count() == 4


def test_what_was_agreed_with_those_who_called_is_settled_once():
    issuer = Issuer.objects.get(name=billing.ACADEMY)
    for username in arrears.SITUATIONS:
        billing.sign(Story(username, "monat", 0), date(2026, 1, 1))
    book_next_due(issuer=issuer, today=date(2026, 1, 1))
    issue_next_invoices(issuer=issuer, today=date(2026, 1, 1))
    for invoice in Document.objects.filter(kind="invoice"):
        Case.objects.create(
            issuer=issuer,
            customer=invoice.customer,
            document=invoice,
            level=2,
            opened_on=DAY,
            waiting_since=DAY,
        )
    for _again in range(2):
        arrears.settle_situations(issuer, DAY)
    kinds = Agreement.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["instalments", "promise"]
    assert [hold.kind for hold in Hold.objects.all()] == ["dispute"]
