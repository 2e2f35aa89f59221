"""Visits to a provider's page: opened once, completed once, whoever tells of it and when."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.daily.steps import Collect
from cms_billing.faktura.models import OpenItem
from cms_billing.payments.exceptions import AlreadyCompleted
from cms_billing.payments.links import session_url
from cms_billing.payments.models import Payment, PaymentMethod, PaymentSession, WebhookEvent
from cms_billing.payments.providers import Status
from cms_billing.payments.services import (
    Visit,
    book_on_account,
    cancel_session,
    look_up_late_methods,
    look_up_open_sessions,
    open_session,
    sync_session,
)
from cms_billing.payments.signals import session_closed
from cms_billing.payments.tasks import look_up_pages
from cms_billing.testing.factories import ProviderAccountFactory

from . import page_provider
from .page_provider import PAGES, pay

Purpose, State = PaymentSession.Purpose, PaymentSession.State


pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pages")]


@pytest.fixture
def account(invoice):
    document = invoice(gross_minor=2000)
    account = ProviderAccountFactory(issuer=document.issuer, provider="pages")
    account.document = document
    return account


def visit(document, **changes) -> Visit:
    facts = {
        "purpose": Purpose.DOCUMENTS,
        "subject": f"documents:{document.pk}",
        "amount": Money(document.open_item.open_minor, "EUR"),
        "description": document.number,
        "customer_id": document.customer_id,
        "documents": [document.pk],
    }
    return Visit(**{**facts, **changes})


def opened(account, **changes) -> PaymentSession:
    return open_session(account=account, visit=visit(account.document, **changes), now=clock.now())


def come_back(session) -> str:
    return Client().get(session_url(session))["Location"]


def tell(account, *references: str) -> None:
    address = reverse("cms_billing:account_webhook", args=["pages", account.slug])
    answer = Client().post(
        address, " ".join(references), content_type="text/plain", headers={"X-Signed": "yes"}
    )
    assert answer.status_code == 200
    work()


def work() -> None:
    for model in (WebhookEvent, PaymentSession):
        outbox.drain(model, now=clock.now())


def open_minor(document) -> int:
    return OpenItem.objects.get(pk=document.pk).open_minor


def test_page_is_opened_from_a_committed_row_and_used_again_for_the_same(account):
    session = opened(account)
    assert (session.state, session.url) == (State.OPEN, f"https://pages.example/{session.reference}")
    assert opened(account).pk == session.pk
    assert len(PAGES) == 1


def test_page_for_another_amount_closes_the_one_before(account):
    first = opened(account)
    second = opened(account, amount=Money(1000, "EUR"))
    first.refresh_from_db()
    assert (first.state, PAGES[first.reference].closed, second.pk != first.pk) == (
        State.CANCELLED,
        True,
        True,
    )


def test_lost_answer_opens_the_same_page_again(account):
    page_provider.LOST_ANSWERS.append("lost")
    assert opened(account).state == State.OPEN
    assert len(PAGES) == 1


@pytest.mark.parametrize("way", ["redirect", "webhook", "sweeper", "all of them"])
def test_paid_page_settles_the_document_once_whoever_tells(account, way):
    session = opened(account)
    pay(session.reference)
    if way in ("webhook", "all of them"):
        tell(account, session.reference)
        tell(account, f"pay_{session.reference}")
    if way in ("redirect", "all of them"):
        come_back(session)
    if way in ("sweeper", "all of them"):
        look_up_open_sessions(now=clock.now(), older_than=clock.now() - clock.now())
        work()
    payment = Payment.objects.get()
    assert (payment.state, payment.account, payment.amount) == ("settled", account, Money(2000, "EUR"))
    assert open_minor(account.document) == 0


def test_money_under_way_settles_by_webhook(account):
    session = opened(account)
    pay(session.reference, Status.PENDING)
    come_back(session)
    assert (Payment.objects.get().state, open_minor(account.document)) == ("pending", 2000)
    pay(session.reference)
    tell(account, f"pay_{session.reference}")
    assert (Payment.objects.get().state, open_minor(account.document)) == ("settled", 0)


def test_page_paid_behind_our_back_is_found_when_another_is_asked_for(account):
    session = opened(account)
    pay(session.reference)
    with pytest.raises(AlreadyCompleted) as error:
        opened(account, amount=Money(500, "EUR"))
    assert error.value.session.pk == session.pk


def test_money_on_a_page_that_was_given_up_still_counts(account):
    first = opened(account)
    opened(account, amount=Money(1500, "EUR"))
    pay(first.reference)
    tell(account, first.reference)
    assert Payment.objects.get().session == first
    assert open_minor(account.document) == 0


def test_cancelled_visit_pays_nothing(account):
    session = opened(account)
    assert Client().get(session_url(session) + "?cancelled=1").status_code == 302
    session.refresh_from_db()
    assert (session.state, Payment.objects.count()) == (State.CANCELLED, 0)


def test_method_stored_on_the_page_becomes_the_customers_default(account):
    session = opened(account, stores_method=True)
    pay(session.reference)
    tell(account, session.reference)
    method = PaymentMethod.objects.get()
    assert (method.customer, method.label, method.is_default) == (
        account.document.customer,
        "Visa •••• 4242",
        True,
    )
    assert method.payer == session.payer


@pytest.mark.parametrize("way", ["webhook", "daily run"])
def test_method_that_the_provider_knows_days_later_is_kept_then(account, way):
    session = opened(account, stores_method=True)
    pay(session.reference, Status.PENDING, method=None)
    come_back(session)
    assert not PaymentMethod.objects.exists()
    pay(session.reference)
    if way == "webhook":
        tell(account, f"pay_{session.reference}")
    for _again in range(2):
        look_up_late_methods(now=clock.now(), issuer=account.issuer)
    method = PaymentMethod.objects.get()
    assert (method.customer, method.is_default) == (account.document.customer, True)
    assert Payment.objects.get().method == method


def test_method_that_never_comes_is_not_asked_for_for_ever(account):
    session = opened(account, stores_method=True)
    pay(session.reference, method=None)
    come_back(session)
    look_up_late_methods(now=clock.now() + timedelta(days=31), issuer=account.issuer)
    session.refresh_from_db()
    assert (session.awaits_method, PaymentMethod.objects.count()) == (False, 0)


def test_webhook_of_another_account_moves_nothing(account):
    other = ProviderAccountFactory(issuer=account.issuer, provider="pages", slug="other")
    session = opened(account)
    pay(session.reference)
    tell(other, session.reference)
    session.refresh_from_db()
    assert (session.state, Payment.objects.count()) == (State.OPEN, 0)


def test_address_of_an_account_that_is_not_there_answers_404(account):
    address = reverse("cms_billing:account_webhook", args=["pages", "nobody"])
    assert Client().post(address, "x", content_type="text/plain").status_code == 404
    assert (
        Client()
        .post(reverse("cms_billing:webhook", args=["pages"]), "x", content_type="text/plain")
        .status_code
        == 404
    )


def test_tampered_way_back_leads_nowhere():
    assert Client().get(reverse("cms_billing:session_back", args=["x:y:z"])).status_code == 404


def test_page_given_up_by_the_payer_takes_no_money_and_is_told_once(account):
    told = []
    receiver = lambda sender, session_id, **kwargs: told.append(session_id)  # noqa: E731
    session_closed.connect(receiver)
    session = cancel_session(opened(account))
    cancel_session(session)
    session_closed.disconnect(receiver)
    assert (session.state, PAGES[session.reference].closed, told) == (State.CANCELLED, True, [session.pk])


def test_page_paid_before_it_is_given_up_is_completed(account):
    session = opened(account)
    pay(session.reference)
    assert cancel_session(session).state == State.COMPLETED
    work()
    assert open_minor(account.document) == 0


def test_success_after_a_failure_on_the_same_page_is_booked(account):
    session = opened(account)
    pay(session.reference, Status.FAILED)
    come_back(session)
    session.refresh_from_db()
    assert (session.state, session.money, Payment.objects.count()) == (State.COMPLETED, "failed", 0)
    pay(session.reference)
    tell(account, session.reference)
    assert (Payment.objects.get().state, open_minor(account.document)) == ("settled", 0)


def test_money_to_go_back_settles_nothing_that_is_open(account):
    session = opened(account, documents=[])
    pay(session.reference)
    session = sync_session(session)
    facts = {"notice": PAGES[session.reference].notice, "asked_at": clock.now()}
    for _again in range(2):
        book_on_account(session_id=session.pk, customer_id=account.document.customer_id, **facts)
    allocation = Payment.objects.get().allocations.get()
    assert (allocation.document, allocation.amount_minor) == (None, 2000)
    assert open_minor(account.document) == 2000


def test_schedule_asks_about_pages_nobody_came_back_from(account):
    session = opened(account)
    pay(session.reference)
    assert look_up_pages() == 0
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        assert look_up_pages() == 1
        work()
    assert open_minor(account.document) == 0


def test_daily_run_finds_and_books_pages_nobody_came_back_from(account):
    session = opened(account)
    pay(session.reference)
    run = Collect()
    with clock.frozen(clock.now() + timedelta(hours=2)):
        run.run(account.issuer, clock.today(), park=lambda problems: None, progress=lambda done, failed: None)
    assert open_minor(account.document) == 0
