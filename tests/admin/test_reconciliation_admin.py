"""Payouts, differences, comparisons, visits and webhooks in the admin: found, read, asked again, settled."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.payments.models import (
    Comparison,
    Payer,
    Payment,
    PaymentSession,
    Payout,
    ProviderAccount,
    ProviderDifference,
    WebhookEvent,
)
from cms_billing.payments.providers import Notice, PayoutNotice, ProviderDown, Status
from cms_billing.payments.providers import PayoutLine as Line
from cms_billing.payments.providers import PayoutLineKind as LineKind
from cms_billing.payments.services import keep_payouts
from cms_billing.testing.factories import ProviderAccountFactory
from tests.payments.desk_provider import ANSWERS, listed, settled

from .conftest import Business

pytestmark = pytest.mark.django_db
KEY = "sk_test_VerySecret4242"


@pytest.fixture(autouse=True)
def desk_pay(settings):
    ANSWERS.reset()
    listed(settings, main={"SECRET_KEY": KEY}, other={"SECRET_KEY": KEY})


@pytest.fixture
def account(ours) -> ProviderAccount:
    return ProviderAccountFactory(issuer=ours.issuer, provider="desk", slug="main", title="Card")


@pytest.fixture
def foreign(theirs) -> ProviderAccount:
    return ProviderAccountFactory(issuer=theirs.issuer, provider="desk", slug="other", title="Rival")


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def payout(reference: str, *movements: tuple[str, int], fee: int = -35, amount: int | None = None):
    lines = [
        Line(LineKind.PAYMENT, name, euros(gross), euros(fee), euros(gross + fee))
        for name, gross in movements
    ]
    total = sum(line.net.minor for line in lines) if amount is None else amount
    return PayoutNotice(reference, euros(total), date(2026, 3, 12), paid=True, lines=lines)


def kept(account, *payouts) -> None:
    keep_payouts(account=account, told=payouts, now=clock.now())


def pending(business: Business, account, reference: str) -> Payment:
    return Payment.objects.create(
        issuer=business.issuer,
        customer=business.customer,
        account=account,
        provider="desk",
        way="provider",
        reference=reference,
        amount_minor=990,
        currency="EUR",
        state="pending",
        work_state="done",
        created_at=datetime(2026, 3, 20, 9, tzinfo=UTC),
    )


def visit(business: Business, account, reference: str) -> PaymentSession:
    session = PaymentSession.objects.create(
        issuer=business.issuer,
        account=account,
        payer=Payer.objects.create(account=account),
        customer=business.customer,
        purpose="documents",
        subject=f"documents:{reference}",
        amount_minor=990,
        currency="EUR",
        state="open",
        reference=reference,
        work_state="done",
    )
    session.documents.add(business.open)
    return session


def event(account, body: bytes = b'{"id": "p1"}', **columns) -> WebhookEvent:
    values = {"provider": "desk", "account": account, "body": body, "digest": "0" * 64, "references": ["p1"]}
    return WebhookEvent.objects.create(**{**values, **columns})


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def html(client, name: str, *args, **query) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


# Payouts


def test_payouts_are_added_up_and_those_that_differ_come_first(accountant, ours, account):
    for reference in ("p1", "p2"):
        pending(ours, account, reference)
    kept(account, payout("po-differs", ("p1", 990), ("stranger", 10_000)), payout("po-agrees", ("p2", 990)))
    page = html(accountant, "billing-payout:index")
    assert "€119.80" in page
    assert "-€1.05" in page
    assert page.index("po-differs") < page.index("po-agrees")
    assert "1 difference" in page
    assert "po-agrees" not in html(accountant, "billing-payout:index", differs="on")


def test_page_of_a_payout_leads_to_our_payments(accountant, ours, account):
    one = pending(ours, account, "p1")
    kept(account, payout("po1", ("p1", 990), ("stranger", 500)))
    page = html(accountant, "billing-payout:inspect", Payout.objects.get().pk)
    assert reverse("billing-payment:inspect", args=[one.pk]) in page
    assert "payment we do not know" in page


def test_export_of_payouts_runs_no_formula(accountant, account):
    kept(account, payout('=cmd|"/C calc"!A0', ("p1", 990)))
    answer = accountant.get(reverse("billing-payout:index"), {"export": "csv"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert "'=cmd" in text
    assert "9.90" in text


def test_lists_cost_the_same_with_more_rows(accountant, ours, account):
    kept(account, payout("po0", ("x0", 990)))
    visit(ours, account, "v0")
    event(account)
    names = ["payout", "providerdifference", "paymentsession", "webhookevent"]
    urls = [reverse(f"billing-{name}:index") for name in names]
    few = [counted(accountant, url) for url in urls]
    kept(account, *(payout(f"po{n}", (f"x{n}", 990)) for n in range(1, 8)))
    for n in range(1, 8):
        visit(ours, account, f"v{n}")
        event(account)
    assert [counted(accountant, url) for url in urls] == few


def counted(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_payouts_are_asked_for_by_hand(accountant, account):
    ANSWERS.payouts = [payout("po1", ("p1", 990))]
    url = reverse("billing-payout:ask", args=[account.pk])
    assert "1 payout; new or changed: 1" in said(accountant.post(url, {"since": "2026-03-01"}, follow=True))
    assert Payout.objects.count() == 1


@pytest.mark.parametrize("since", ["2026-04-01", "2024-01-01", "yesterday", ""])
def test_impossible_day_is_refused(accountant, account, since):
    answer = accountant.post(reverse("billing-payout:ask", args=[account.pk]), {"since": since})
    assert "since" in answer.context["form"].errors
    assert ANSWERS.asked == []


def test_silent_provider_is_told_on_the_form(accountant, account):
    ANSWERS.payouts, ANSWERS.is_down = [payout("po1")], True
    answer = accountant.post(reverse("billing-payout:ask", args=[account.pk]), {"since": "2026-03-01"})
    assert "does not answer" in answer.content.decode()


def test_report_is_read_from_a_file(accountant, account):
    ANSWERS.payouts = [payout("po1", ("p1", 990))]
    url = reverse("billing-payout:report", args=[account.pk])
    answer = accountant.post(url, {"report": SimpleUploadedFile("r.csv", b"report;1")}, follow=True)
    assert "new or changed: 1" in said(answer)
    wrong = accountant.post(url, {"report": SimpleUploadedFile("r.csv", b"\x00\xff")})
    assert "This is no report of Desk Pay." in wrong.content.decode()


def test_report_that_is_too_large_is_not_read(accountant, account, monkeypatch):
    from cms_billing.payments.viewsets import account_actions

    monkeypatch.setattr(account_actions, "LARGEST_REPORT", 5)
    url = reverse("billing-payout:report", args=[account.pk])
    answer = accountant.post(url, {"report": SimpleUploadedFile("r.csv", b"report;1")})
    assert "larger than" in answer.content.decode()


def test_account_page_shows_what_the_provider_kept_by_month(accountant, account):
    kept(account, payout("po1", ("p1", 990)))
    page = html(accountant, "billing-provideraccount:inspect", account.pk)
    assert "March 2026" in page
    assert "-€0.35" in page


# Differences


def test_difference_stands_on_the_to_do_list_until_it_is_settled_with_a_note(accountant, account):
    kept(account, payout("po1", ("stranger", 990)))
    difference = ProviderDifference.objects.get()
    assert "payment we do not know" in html(accountant, "billing_todo")
    url = reverse("billing-providerdifference:settle", args=[difference.pk])
    assert "note" in accountant.post(url, {"note": ""}).context["form"].errors
    accountant.post(url, {"note": "Sold in the other shop."})
    difference.refresh_from_db()
    assert (difference.settled_by, difference.note) == (accountant.user, "Sold in the other shop.")
    assert "payment we do not know" not in html(accountant, "billing_todo")
    assert "settled already" in said(accountant.get(url, follow=True))


def test_many_differences_are_settled_at_once(accountant, account, foreign):
    kept(account, payout("po1", ("s1", 990), ("s2", 990)))
    kept(foreign, payout("po9", ("s9", 990)))
    pks = list(ProviderDifference.objects.values_list("pk", flat=True))
    url = reverse("wagtail_bulk_action", args=["cms_billing_payments", "providerdifference", "settle"])
    query = "&".join(f"id={pk}" for pk in pks)
    accountant.post(f"{url}?{query}", {"note": "Other shop", "ids": ",".join(map(str, pks))})
    assert list(ProviderDifference.objects.open().values_list("account", flat=True)) == [foreign.pk]


def test_editor_may_not_settle_or_ask(editor, ours, account):
    kept(account, payout("po1", ("stranger", 990)))
    one = pending(ours, account, "p1")
    difference = ProviderDifference.objects.get()
    for url in (
        reverse("billing-providerdifference:settle", args=[difference.pk]),
        reverse("billing-payout:ask", args=[account.pk]),
        reverse("billing-payout:compare", args=[account.pk]),
        reverse("billing-payout:report", args=[account.pk]),
        reverse("billing-comparison:payment", args=[one.pk]),
        reverse("billing-comparison:customer", args=[ours.customer.pk]),
        reverse("billing-webhookevent:again", args=[event(account).pk]),
    ):
        editor.post(url, {"note": "x", "day": "2026-03-01", "since": "2026-03-01"})
    assert ANSWERS.asked == []
    assert not Comparison.objects.exists()
    assert ProviderDifference.objects.open().exists()


# Asking again


def test_payment_asked_about_again_shows_before_and_after(accountant, ours, account):
    one = pending(ours, account, "p1")
    settled("main", "p1")
    url = reverse("billing-comparison:payment", args=[one.pk])
    assert url in html(accountant, "billing-payment:inspect", one.pk)
    assert "Before: under way. Now: received" in said(accountant.post(url, follow=True))
    assert "Nothing has changed" in said(accountant.post(url, follow=True))


def test_provider_that_does_not_know_the_payment_or_is_silent_says_so(accountant, ours, account):
    one = pending(ours, account, "p1")
    url = reverse("billing-comparison:payment", args=[one.pk])
    assert "does not know this payment" in said(accountant.post(url, follow=True))
    ANSWERS.is_down = True
    assert "Desk Pay does not answer." in accountant.post(url).content.decode()


def test_cash_cannot_be_asked_about(accountant, ours, account):
    url = reverse("billing-comparison:payment", args=[ours.payment.pk])
    assert "did not go through a provider" in said(accountant.post(url, follow=True))


def test_customer_is_asked_about_by_a_worker(accountant, ours, account):
    one = pending(ours, account, "p1")
    settled("main", "p1")
    accountant.post(reverse("billing-comparison:customer", args=[ours.customer.pk]))
    comparison = Comparison.objects.get()
    assert "look-again.js" in html(accountant, "billing-comparison:inspect", comparison.pk)
    outbox.drain(Comparison, now=clock.now())
    one.refresh_from_db()
    assert one.state == "settled"
    assert "look-again.js" not in html(accountant, "billing-comparison:inspect", comparison.pk)


def test_day_is_compared_from_the_page_of_the_account(accountant, ours, account):
    ANSWERS.made = ["stranger"]
    url = reverse("billing-payout:compare", args=[account.pk])
    assert "day" in accountant.post(url, {"day": "2026-03-31"}).context["form"].errors
    accountant.post(url, {"day": "2026-03-20"})
    again = accountant.post(url, {"day": "2026-03-20"})
    assert "is being asked about this already" in again.content.decode()
    outbox.drain(Comparison, now=clock.now())
    assert "stranger" in html(accountant, "billing-providerdifference:index", state="open")


# Visits and webhooks


def test_visit_is_found_and_leads_to_what_it_pays(accountant, ours, account):
    session = visit(ours, account, "page_1")
    assert "waits for the payer" in html(accountant, "billing-paymentsession:index", q="page_1")
    assert "page_1" not in html(accountant, "billing-paymentsession:index", state="completed")
    page = html(accountant, "billing-paymentsession:inspect", session.pk)
    assert reverse("billing-document:inspect", args=[ours.open.pk]) in page
    assert session.payer.name_at_provider in page


def test_webhook_is_found_by_its_reference_and_shown_readable(accountant, account):
    from cms_billing.payments.models import WebhookReference

    one = event(account, body=b'{"id":"p1","name":"<script>alert(1)</script>"}')
    WebhookReference.objects.create(event=one, reference="p1")
    inspect = reverse("billing-webhookevent:inspect", args=[one.pk])
    assert inspect in html(accountant, "billing-webhookevent:index", q="p1")
    assert inspect not in html(accountant, "billing-webhookevent:index", q="p2")
    page = html(accountant, "billing-webhookevent:inspect", one.pk)
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


def test_long_and_unreadable_bodies_are_cut_and_shown(accountant, account):
    long = event(account, body=b"\xff\xfe" + b"x" * 50_000)
    page = html(accountant, "billing-webhookevent:inspect", long.pk)
    assert "characters more" in page
    assert len(page) < 80_000


def test_webhook_is_worked_on_again(accountant, ours, account):
    one = pending(ours, account, "p1")
    done = event(account, work_state="done", concerned=0)
    assert "not ours" in html(accountant, "billing-webhookevent:index")
    settled("main", "p1")
    accountant.post(reverse("billing-webhookevent:again", args=[done.pk]))
    outbox.drain(WebhookEvent, now=clock.now())
    done.refresh_from_db()
    one.refresh_from_db()
    assert (one.state, done.concerned, done.work_state) == ("settled", 1, "done")


def test_webhook_a_worker_has_is_left_alone(accountant, account):
    busy = event(account, work_state="running")
    answer = accountant.post(reverse("billing-webhookevent:again", args=[busy.pk]))
    assert "A worker is at it just now" in answer.content.decode()


# The neighbours


def test_neighbours_rows_are_on_no_page_and_move_by_no_post(accountant, ours, theirs, account, foreign):
    one = pending(theirs, foreign, "p-rival")
    ANSWERS.notices["other", "p-rival"] = Notice("p-rival", Status.SETTLED)
    kept(foreign, payout("po-rival", ("s-rival", 990)))
    difference = ProviderDifference.objects.get()
    rows = {
        "billing-payout:inspect": Payout.objects.get().pk,
        "billing-payout:history": Payout.objects.get().pk,
        "billing-providerdifference:inspect": difference.pk,
        "billing-providerdifference:settle": difference.pk,
        "billing-paymentsession:inspect": visit(theirs, foreign, "v-rival").pk,
        "billing-webhookevent:inspect": event(foreign).pk,
        "billing-webhookevent:again": event(foreign).pk,
        "billing-payout:ask": foreign.pk,
        "billing-payout:report": foreign.pk,
        "billing-payout:compare": foreign.pk,
        "billing-comparison:payment": one.pk,
        "billing-comparison:customer": theirs.customer.pk,
        "billing-comparison:inspect": Comparison.objects.create(
            issuer=theirs.issuer, customer=theirs.customer, work_state="done"
        ).pk,
    }
    for name, pk in rows.items():
        url = reverse(name, args=[pk])
        assert accountant.get(url).status_code == 404, name
        answer = accountant.post(url, {"note": "x", "day": "2026-03-01", "since": "2026-03-01"})
        assert answer.status_code in (404, 405), name
    for name in ("payout", "providerdifference", "paymentsession", "webhookevent", "comparison"):
        assert "rival" not in html(accountant, f"billing-{name}:index").lower()
    assert ANSWERS.asked == []
    assert Comparison.objects.count() == 1


def test_secret_in_a_providers_answer_is_on_no_form(accountant, account):
    class Leaky(list):
        def __iter__(self):
            raise ProviderDown(f"500 for Bearer {KEY}")

    ANSWERS.payouts = Leaky()
    answer = accountant.post(reverse("billing-payout:ask", args=[account.pk]), {"since": "2026-03-01"})
    assert KEY not in answer.content.decode()
    assert "500 for Bearer •••" in answer.content.decode()


def test_events_that_are_not_ours_are_filtered(accountant, account):
    not_ours = event(account, work_state="done", concerned=0)
    ours = event(account, work_state="done", concerned=1)
    page = html(accountant, "billing-webhookevent:index", concerned="none")
    assert reverse("billing-webhookevent:inspect", args=[not_ours.pk]) in page
    assert reverse("billing-webhookevent:inspect", args=[ours.pk]) not in page
