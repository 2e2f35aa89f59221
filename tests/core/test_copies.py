"""A copy of the database sends nothing, counts nothing, and goes on where it stopped once a person confirms."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from oscar.core.loading import get_model
from wagtail.models import ModelLogEntry

from cms_billing.core import checks_site, clock, copies, outbox, tasks
from cms_billing.core.exceptions import CopySendsNothing, NotYet
from cms_billing.core.models import Installation
from cms_billing.core.services import confirm_installation
from cms_billing.daily.services import run_daily
from cms_billing.dunning.models import (
    Agency,
    Agreement,
    AgreementNotice,
    HandOver,
    HandOverSending,
    ThankYou,
)
from cms_billing.faktura.models import Delivery, Document, MailText, Rendering
from cms_billing.faktura.services import issue_next_invoices, send_test_mail
from cms_billing.payments.credentials import account_of
from cms_billing.payments.exceptions import CannotOpenPage
from cms_billing.payments.models import (
    Comparison,
    MemberNotice,
    MethodRemoval,
    Payment,
    PaymentMethod,
    PaymentSession,
    Refund,
    WebhookEvent,
)
from cms_billing.payments.providers import pace
from cms_billing.payments.services import (
    Visit,
    collect_due,
    look_up_open_sessions,
    open_session,
    resync,
    resync_refund,
)
from cms_billing.payments.services.methods import payer_for
from cms_billing.paywall.models import CachePurge
from cms_billing.shop.models import OrderConfirmation
from cms_billing.testing.factories import (
    BookingFactory,
    CustomerFactory,
    PaymentMethodFactory,
    ProviderAccountFactory,
    UserFactory,
)
from cms_billing.testing.models import FakeCharge
from tests.dunning.test_at_once import at_once

TODAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
# Kinds of work that reach somebody; whoever adds one decides here whether it waits on a copy.
OUTSIDE = [
    Delivery,
    Payment,
    PaymentSession,
    Refund,
    WebhookEvent,
    OrderConfirmation,
    MemberNotice,
    MethodRemoval,
    Comparison,
    ThankYou,
    AgreementNotice,
    HandOverSending,
    CachePurge,
]


@pytest.fixture(autouse=True)
def _noon():
    with clock.frozen(NOON):
        yield


@pytest.fixture
def on_a_copy(db, settings) -> None:
    """The database is restored on the staging site."""
    copies.installation()
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITE_URL": "https://staging.example.org"}


def confirm() -> Installation:
    return confirm_installation(fingerprint=copies.current_fingerprint(), now=clock.now(), by="a test")


def charge_due() -> Document:
    customer = CustomerFactory(issuer__payment_days=0, email="anna@example.org")
    BookingFactory(customer=customer, period_start=TODAY, period_end=TODAY)
    PaymentMethodFactory(customer=customer, reference="card-1")
    return issue_next_invoices(issuer=customer.issuer, today=TODAY).done[0]


def state(row) -> tuple:
    row.refresh_from_db()
    return row.work_state, row.attempts, row.next_try_at, row.last_error, row.claim


UNTOUCHED = ("pending", 0, None, "", None)


# -- whose database it is ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_new_database_belongs_to_the_first_who_uses_it():
    assert not copies.is_copy()
    row = Installation.objects.get()
    assert (row.site, row.confirmed_at, row.confirmed_by) == ("testserver", NOON, "")
    copies.require_original()


def test_another_address_makes_a_copy(on_a_copy):
    assert copies.is_copy()
    [found] = copies.differences_to_original()
    assert (found.field, found.confirmed, found.found) == ("site", "testserver", "staging.example.org")


def test_a_provider_call_on_a_copy_is_refused_as_not_yet(on_a_copy):
    with pytest.raises(CopySendsNothing, match="this site runs on a copy of its database"):
        copies.require_original()
    assert issubclass(CopySendsNothing, NotYet)


def test_a_name_tells_installations_apart_at_the_same_address(db, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "INSTALLATION": "production"}
    assert not copies.is_copy()
    settings.CMS_BILLING = {**settings.CMS_BILLING, "INSTALLATION": "staging"}
    assert copies.is_copy()


@pytest.mark.django_db
def test_a_running_site_becomes_a_copy_when_a_dump_replaces_its_database():
    assert not copies.is_copy()
    Installation.objects.update(site="www.example.org")
    assert copies.is_copy()


@pytest.mark.django_db
def test_a_question_costs_one_query():
    copies.is_copy()
    with CaptureQueriesContext(connection) as captured:
        assert not copies.is_copy()
    assert len(captured) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_who_use_a_new_database_at_once_write_one_row():
    assert at_once(*[copies.installation] * 6) == []
    assert Installation.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgresql_tells_its_servers_apart():
    assert copies.current_fingerprint().server.isdigit()


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_server_that_may_not_be_asked_has_no_identity():
    """Asked by a user without the right, in the middle of a transaction, which goes on."""
    with connection.cursor() as cursor:
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        cursor.execute("CREATE ROLE nobody_in_particular")
        cursor.execute("SET LOCAL ROLE nobody_in_particular")
        copies._server_identity.cache_clear()
        try:
            assert copies._server_identity(copies.database_address()) == ""
        finally:
            copies._server_identity.cache_clear()
            cursor.execute("RESET ROLE")
    assert not copies.is_copy()


# -- the gate ---------------------------------------------------------------------------------------------------------


def test_every_kind_of_work_is_known_to_leave_the_house_or_not():
    leaving = {model for model in outbox.registered() if model not in outbox._in_the_house}
    assert leaving == set(OUTSIDE)


@pytest.mark.parametrize("model", OUTSIDE, ids=lambda model: model.__name__)
def test_nothing_of_this_kind_is_claimed_on_a_copy(on_a_copy, model):
    pk = row_of(model)
    before = state(model.objects.get(pk=pk))
    assert outbox.drain(model, now=NOON) == outbox.Drained()
    assert outbox.work_on(model, pk, now=NOON) is outbox.Outcome.NOT_MINE
    assert state(model.objects.get(pk=pk)) == before == UNTOUCHED
    assert outbox.waiting() == {model: 1}
    confirm()
    assert outbox.workable(model, now=NOON).get().pk == pk


def resync_payment_of() -> None:
    resync(Payment.objects.get(pk=row_of(Payment)), today=TODAY)


def resync_refund_of() -> None:
    resync_refund(Refund.objects.get(pk=row_of(Refund)))


# Work that concerns no customer: what a row of it needs.
OF_NOBODY = {
    CachePurge: {"path": "00010001", "title": "Home"},
    WebhookEvent: {"provider": "fake", "body": b"{}", "digest": "0" * 64, "references": []},
}


def row_of(model) -> int:
    """A row as restored from a dump: nobody has looked at it."""
    if model is OrderConfirmation:
        order = get_model("order", "Order").objects.create(
            number="100001", currency="EUR", total_incl_tax="9.90", total_excl_tax="8.32"
        )
        return OrderConfirmation.objects.create(order=order).pk
    if model in OF_NOBODY:
        return model.objects.create(**OF_NOBODY[model]).pk
    document = charge_due()
    if model is Delivery:
        return Delivery.objects.create(document=document, purpose="again", to="anna@example.org").pk
    money = {"issuer": document.issuer, "customer": document.customer, "amount_minor": 990, "currency": "EUR"}
    if model is PaymentSession:
        return a_visit(document).pk
    if model in (AgreementNotice, HandOverSending, ThankYou):
        return row_of_dunning(model, document)
    if model is MemberNotice:
        to = document.customer.email
        return MemberNotice.objects.create(customer=document.customer, kind="card_expires", to=to).pk
    if model is MethodRemoval:
        return MethodRemoval.objects.create(method=PaymentMethod.objects.get()).pk
    if model is Comparison:
        account = ProviderAccountFactory(issuer=document.issuer, provider="fake")
        return Comparison.objects.create(issuer=document.issuer, account=account, day=TODAY).pk
    if model is Refund:
        paid = {"provider": "fake", "way": "provider", "state": "settled", "work_state": "done"}
        money["payment"] = Payment.objects.create(**paid, **money)
    return model.objects.create(provider="fake", way="provider", **money).pk


def row_of_dunning(model, document: Document) -> int:
    whose = {"issuer": document.issuer, "customer": document.customer}
    if model is AgreementNotice:
        promised = {"kind": "promise", "amount_minor": 990, "currency": "EUR"}
        agreement = Agreement.objects.create(**whose, **promised, starts_on=TODAY, until=TODAY)
        return model.objects.create(agreement=agreement, kind="agreement_made", to="anna@example.org").pk
    if model is HandOverSending:
        agency = Agency.objects.create(issuer=document.issuer, name="Inkasso", slug="inkasso")
        over = {"agency": agency, "kind": "claims", "number": 1, "day": TODAY}
        hand_over = HandOver.objects.create(issuer=document.issuer, **over)
        return model.objects.create(issuer=document.issuer, hand_over=hand_over, way="mail").pk
    return model.objects.create(customer=document.customer, day=TODAY, to="anna@example.org").pk


def a_visit(document) -> PaymentSession:
    """The payer was on the provider's page when the dump was made."""
    account = ProviderAccountFactory(issuer=document.issuer, provider="fake")
    return PaymentSession.objects.create(
        issuer=document.issuer,
        account=account,
        payer=payer_for(account=account),
        customer=document.customer,
        purpose="documents",
        subject=f"documents:{document.pk}",
        amount_minor=document.gross_minor,
        currency="EUR",
        reference="page-1",
        url="https://pay.example.com/page-1",
        state="open",
    )


def test_no_page_is_opened_on_a_copy_nor_one_of_the_original_handed_out(on_a_copy):
    document = charge_due()
    session = a_visit(document)
    visit = Visit(
        purpose=session.purpose,
        subject=session.subject,
        amount=session.amount,
        description="Rechnung",
        documents=[document.pk],
    )
    with pytest.raises(CannotOpenPage, match="No payment is taken here"):
        open_session(account=session.account, visit=visit, now=NOON)
    assert look_up_open_sessions(now=NOON + timedelta(days=2), older_than=timedelta(hours=1)) == 0
    assert state(session) == UNTOUCHED
    assert PaymentSession.objects.get().state == "open"


def test_a_claim_that_was_copied_is_not_taken_over(on_a_copy):
    """The dump was made while a worker of the original was charging."""
    pk = row_of(Payment)
    Payment.objects.filter(pk=pk).update(
        work_state="running", attempts=1, claimed_until=NOON - timedelta(days=1)
    )
    assert outbox.drain(Payment, now=NOON) == outbox.Drained()
    assert Payment.objects.get(pk=pk).attempts == 1


def test_the_sweeper_asks_for_work_in_the_house_only_and_says_why(on_a_copy, caplog):
    charge_due()
    row_of(WebhookEvent)
    with caplog.at_level(logging.WARNING, logger="cms_billing.core.tasks"):
        assert tasks.sweep() == Rendering.objects.filter(work_state="pending").count() == 1
    assert "site: 'staging.example.org', not 'testserver'" in caplog.text


def test_charge_and_mail_go_out_once_after_confirming(on_a_copy):
    document = charge_due()
    collect_due(issuer=document.issuer, today=TODAY)
    outbox.drain(Rendering, now=NOON)
    assert outbox.waiting() == {Delivery: 1, Payment: 1}
    for model in (Payment, Delivery):
        outbox.drain(model, now=NOON)
    assert (FakeCharge.objects.count(), mail.outbox) == (0, [])
    confirm()
    for model in (Payment, Delivery, Payment, Delivery):
        outbox.drain(model, now=NOON)
    assert FakeCharge.objects.get().amount_minor == document.gross_minor
    assert [message.to for message in mail.outbox] == [["anna@example.org"]]
    assert Payment.objects.get().attempts == Delivery.objects.get().attempts == 1


def test_a_row_claimed_as_the_database_becomes_a_copy_is_put_back_uncounted(db, settings):
    """The gate at the mail server: between the claim and the call the dump was restored."""
    document = charge_due()
    outbox.drain(Rendering, now=NOON)
    row = Delivery.objects.get(document=document)
    [claimed] = outbox._claim(outbox.workable(Delivery, now=NOON), limit=1, now=NOON)
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITE_URL": "https://staging.example.org"}
    assert outbox._perform(claimed, now=NOON) is outbox.Outcome.NOT_YET
    assert state(row)[:2] == ("pending", 0)
    assert mail.outbox == []


def test_no_test_mail_leaves_a_copy(on_a_copy):
    document = charge_due()
    text = MailText(issuer=document.issuer, purpose="invoice", language="de", subject="Rechnung", body="Tag")
    with pytest.raises(CopySendsNothing):
        send_test_mail(text=text, user=UserFactory(email="kim@example.org", is_superuser=True))
    assert mail.outbox == []


def test_no_request_to_an_account_leaves_a_copy(on_a_copy):
    """The last door: every request of a provider with accounts goes through it, whoever forgot to ask."""
    row = ProviderAccountFactory(provider="fake")
    with pytest.raises(CopySendsNothing):
        pace.wait(account_of(row))
    confirm()
    pace.wait(account_of(row))


@pytest.mark.parametrize("ask", [resync_payment_of, resync_refund_of], ids=["payment", "refund"])
def test_a_copy_asks_no_provider_for_news(on_a_copy, ask):
    with pytest.raises(CopySendsNothing):
        ask()


def test_the_daily_run_books_and_issues_and_says_that_nothing_went_out(on_a_copy):
    customer = CustomerFactory(issuer__payment_days=0, email="anna@example.org")
    BookingFactory(customer=customer, period_start=TODAY, period_end=TODAY)
    PaymentMethodFactory(customer=customer, reference="card-1")
    run = run_daily(issuer=customer.issuer, today=TODAY)
    done = {step.name: step.done for step in run.steps.all()}
    assert (done["issue"], done["render"], done["collect"], done["deliver"]) == (1, 1, 0, 0)
    assert run.report["sent"] is False
    # Not even written: the original may have made this charge already.
    assert not Payment.objects.exists()
    assert state(Delivery.objects.get()) == UNTOUCHED
    confirm()
    run = run_daily(issuer=customer.issuer, today=TODAY)
    assert (run.report["sent"], FakeCharge.objects.count(), len(mail.outbox)) == (True, 1, 1)


# -- confirming -------------------------------------------------------------------------------------------------------


def test_confirming_is_recorded_with_what_changed(on_a_copy):
    kim = UserFactory(username="kim")
    row = confirm_installation(fingerprint=copies.current_fingerprint(), now=NOON, user=kim)
    assert (row.site, row.confirmed_by, row.confirmed_at) == ("staging.example.org", str(kim), NOON)
    entry = ModelLogEntry.objects.get(action="cms_billing.confirm_installation")
    assert entry.user == kim
    assert (entry.data["before"]["site"], entry.data["after"]["site"]) == (
        "testserver",
        "staging.example.org",
    )


def test_confirming_again_changes_and_records_nothing(on_a_copy):
    confirm()
    with clock.frozen(NOON + timedelta(days=1)):
        assert confirm().confirmed_at == NOON
    assert ModelLogEntry.objects.filter(action="cms_billing.confirm_installation").count() == 1


def test_the_command_shows_a_copy_and_what_waits(on_a_copy):
    row_of(WebhookEvent)
    text = told()
    assert "This is a copy: nothing is sent to anybody." in text
    assert "address of the site: staging.example.org; of the original: testserver" in text
    assert "waiting: 1 × webhook event" in text
    assert copies.is_copy()


def test_the_command_makes_a_copy_the_original(on_a_copy):
    assert "This is the original" in told("--confirm")
    assert not copies.is_copy()
    assert Installation.objects.get().confirmed_by == "console"


def test_the_command_confirms_nothing_on_the_original(db):
    text = told("--confirm")
    assert "by the first use of the database" in text
    assert not ModelLogEntry.objects.filter(action="cms_billing.confirm_installation").exists()


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("billing_installation", *arguments, stdout=out)
    return out.getvalue()


def test_the_check_warns_on_a_copy_only(on_a_copy):
    [found] = checks_site.is_the_original(None, databases=["default"])
    assert found.id == "cms_billing.W025"
    assert checks_site.is_the_original(None, databases=None) == []
    confirm()
    assert checks_site.is_the_original(None, databases=["default"]) == []


@pytest.mark.django_db
def test_the_check_takes_no_database_for_its_own():
    assert checks_site.is_the_original(None, databases=["default"]) == []
    assert not Installation.objects.exists()
