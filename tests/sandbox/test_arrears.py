"""Those who do not pay: their page, what was agreed with those who called, and what went to the agency."""

from datetime import date, timedelta

import pytest

from cms_billing.core.money import Money
from cms_billing.dunning.models import Agreement, Case, HandOver, Hold
from cms_billing.faktura.models import Document, Issuer
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.memberships.services import book_next_due
from cms_billing.paywall.models import ArrearsPage
from sandbox.site.demo import arrears, billing, collection
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


def test_the_claim_for_the_agency_is_released_once_and_a_part_paid_to_us():
    issuer = Issuer.objects.get(name=billing.ACADEMY)
    billing.sign(Story(collection.DEBTOR, "monat", 0), date(2026, 1, 1))
    book_next_due(issuer=issuer, today=date(2026, 1, 1))
    issue_next_invoices(issuer=issuer, today=date(2026, 1, 1))
    invoice = Document.objects.get(kind="invoice")
    Case.objects.create(
        issuer=issuer,
        customer=invoice.customer,
        document=invoice,
        level=3,
        state="ready_for_collection",
        opened_on=DAY,
        waiting_since=DAY,
    )
    last_day = DAY + timedelta(days=collection.HANDED_OVER)
    for day in (DAY, DAY, last_day - timedelta(days=collection.PAID_US)):
        collection.live_with_collection(issuer, day, last_day=last_day)
    assert HandOver.objects.get().agency.name.startswith("Nordwind")
    assert invoice.open_item.open_amount == Money.of("4.90", "EUR")
