"""Every method of the provider against the stand-in, over HTTP shapes, with real signatures."""

import uuid
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from cms_billing.core import clock
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.models import WebhookEvent
from cms_billing.payments.providers import ChargeRequest, PageStatus, RefundRequest, RefundStatus, Status
from cms_billing.payments.selectors import history_of, reports_told
from cms_billing.testing.models import VendorObject
from cms_billing.testing.vendors import adyen as stand_in
from cms_billing.testing.vendors import deliver_vendor_webhooks
from cms_billing.testing.vendors.adyen.hosted import cancel, pay
from cms_billing.testing.vendors.behaviours import Behaviour

from .conftest import PAYER

pytestmark = pytest.mark.django_db

MARCH_1 = datetime(2026, 3, 1, 9, tzinfo=UTC)


def brought(address):
    return dict(parse_qsl(urlsplit(address).query))


def told(account, *references):
    return history_of(account.pk, [str(reference) for reference in references])


@pytest.fixture
def stored(provider, page_request):
    """``stored(behaviour)``: the method a payer stored on a page of no amount."""

    def make(behaviour=Behaviour.GOOD_CARD):
        key = uuid.uuid4()
        page = provider.open_page(page_request(key, minor=0))
        query = brought(pay(page.reference, behaviour))
        notice = provider.look_up_page(
            reference=page.reference, idempotency_key=key, payer_reference=PAYER, returned_with=query
        )
        return notice.method

    return make


@pytest.fixture
def charge(provider, stored):
    def make(behaviour=Behaviour.GOOD_CARD, *, key=None, minor=990):
        method = stored(behaviour)
        return provider.charge(
            ChargeRequest(
                idempotency_key=key or uuid.uuid4(),
                amount=Money(minor, "EUR"),
                method_reference=method.reference,
                description="R-2026-0002",
                issuer_id=1,
                payer_reference=PAYER,
                kind=method.kind,
                webhook_url="https://example.org/hook/",
            )
        )

    return make


def test_probe_names_the_merchant_account_and_its_methods(provider):
    probed = provider.probe()

    assert (probed.name, probed.is_live) == ("AkademieECOM", False)
    assert "Cards" in probed.details


def test_page_without_amount_stores_a_card(provider, stored):
    method = stored()

    assert (method.kind, method.label) == ("card", "Visa •••• 4242")
    assert method.expires_on.day == 31
    assert [m.reference for m in provider.methods_of(payer_reference=PAYER)] == [method.reference]


def test_paid_page_is_known_from_the_way_back_before_any_webhook(provider, page_request):
    key = uuid.uuid4()
    page = provider.open_page(page_request(key))
    query = brought(pay(page.reference, Behaviour.GOOD_CARD))

    notice = provider.look_up_page(
        reference=page.reference, idempotency_key=key, payer_reference=PAYER, returned_with=query
    )

    assert (notice.status, notice.payment.status) == (PageStatus.COMPLETED, Status.SETTLED)
    assert notice.method.kind == "card"


def test_paid_page_is_known_from_the_webhook_of_a_payer_who_never_came_back(provider, account, page_request):
    key = uuid.uuid4()
    page = provider.open_page(page_request(key))
    pay(page.reference, Behaviour.GOOD_CARD)
    assert provider.look_up_page(reference=page.reference, idempotency_key=key).status is PageStatus.OPEN

    assert set(deliver_vendor_webhooks(vendor="adyen")) == {200}

    notice = provider.look_up_page(
        reference=page.reference, idempotency_key=key, payer_reference=PAYER, history=told(account, key)
    )
    assert (notice.status, notice.payment.status) == (PageStatus.COMPLETED, Status.SETTLED)
    assert notice.payment.idempotency_key == key


def test_changed_session_result_says_nothing(provider, page_request):
    key = uuid.uuid4()
    page = provider.open_page(page_request(key))
    query = brought(pay(page.reference, Behaviour.GOOD_CARD))

    notice = provider.look_up_page(
        reference=page.reference,
        idempotency_key=key,
        payer_reference=PAYER,
        returned_with={"sessionResult": query["sessionResult"] + "x"},
    )

    assert (notice.status, notice.payment, notice.method) == (PageStatus.OPEN, None, None)


def test_cancelled_and_refused_pages_are_told_apart(provider, page_request):
    found = []
    for leave in (cancel, lambda page: pay(page, Behaviour.REFUSED_CARD)):
        key = uuid.uuid4()
        page = provider.open_page(page_request(key))
        query = brought(leave(page.reference))
        notice = provider.look_up_page(reference=page.reference, idempotency_key=key, returned_with=query)
        found.append((notice.status, notice.payment))

    assert found == [(PageStatus.CANCELLED, None), (PageStatus.FAILED, None)]


def test_page_paid_by_debit_is_completed_with_money_under_way(provider, account, page_request):
    key = uuid.uuid4()
    with clock.frozen(MARCH_1):
        page = provider.open_page(page_request(key))
        pay(page.reference, Behaviour.GOOD_ACCOUNT)
        deliver_vendor_webhooks(vendor="adyen")

    notice = provider.look_up_page(
        reference=page.reference, idempotency_key=key, payer_reference=PAYER, history=told(account, key)
    )

    assert (notice.status, notice.payment.status) == (PageStatus.COMPLETED, Status.PENDING)
    assert notice.method.kind == "sepa_debit"


def test_charge_of_a_good_card_settles(charge):
    key = uuid.uuid4()

    notice = charge(key=key)

    assert (notice.status, notice.idempotency_key) == (Status.SETTLED, key)
    assert len(notice.reference) == 16


@pytest.mark.parametrize(
    ("behaviour", "code", "advice", "final"),
    [
        (Behaviour.EMPTY_CARD, "12", "MAC-24", False),
        (Behaviour.STOLEN_CARD, "5", "MAC-03", True),
    ],
)
def test_refused_charge_says_code_and_advice(charge, behaviour, code, advice, final):
    notice = charge(behaviour)

    assert (notice.status, notice.code, notice.advice, notice.final) == (Status.FAILED, code, advice, final)


def test_debit_is_under_way_then_settled_by_its_webhook(provider, account, charge):
    key = uuid.uuid4()
    with clock.frozen(MARCH_1):
        notice = charge(Behaviour.GOOD_ACCOUNT, key=key)
    assert notice.status is Status.PENDING

    with clock.frozen(datetime(2026, 3, 6, 9, tzinfo=UTC)):
        deliver_vendor_webhooks(vendor="adyen", order="reversed")

    found = provider.look_up(
        reference=notice.reference, idempotency_key=key, history=told(account, notice.reference, key)
    )
    assert (found.status, found.reference) == (Status.SETTLED, notice.reference)


def test_returned_debit_is_a_chargeback_with_the_bank_s_code(provider, account, charge):
    key = uuid.uuid4()
    with clock.frozen(MARCH_1):
        notice = charge(Behaviour.EMPTY_ACCOUNT, key=key)
    with clock.frozen(datetime(2026, 3, 6, 9, tzinfo=UTC)):
        deliver_vendor_webhooks(vendor="adyen", order="shuffled", times=2, seed=4)

    found = provider.look_up(
        reference=notice.reference, idempotency_key=key, history=told(account, notice.reference)
    )

    assert (found.status, found.charged_back, found.code) == (
        Status.CHARGED_BACK,
        Money(990, "EUR"),
        "AM04",
    )


def test_same_key_is_the_same_charge(provider, stored):
    method = stored()
    request = ChargeRequest(
        idempotency_key=uuid.uuid4(),
        amount=Money(990, "EUR"),
        method_reference=method.reference,
        description="R-1",
        issuer_id=1,
        payer_reference=PAYER,
        kind="card",
        webhook_url="https://example.org/hook/",
    )

    first, again = provider.charge(request), provider.charge(request)

    assert first == again
    charges = VendorObject.objects.filter(vendor="adyen", kind="payment", data__amount__value=990)
    assert charges.count() == 1


def test_charge_of_a_method_that_is_gone_fails_for_good(provider, stored, charge):
    method = stored()
    provider.forget_method(reference=method.reference, payer_reference=PAYER)

    notice = provider.charge(
        ChargeRequest(
            idempotency_key=uuid.uuid4(),
            amount=Money(990, "EUR"),
            method_reference=method.reference,
            description="",
            issuer_id=1,
            payer_reference=PAYER,
            webhook_url="https://example.org/hook/",
        )
    )

    assert (notice.status, notice.code, notice.final) == (Status.FAILED, "803", True)
    assert list(provider.methods_of(payer_reference=PAYER)) == []
    provider.forget_method(reference=method.reference, payer_reference=PAYER)


def test_refund_is_under_way_until_the_webhook_says_paid_and_may_still_fail(provider, account, charge):
    payment = charge(minor=2000)
    key = uuid.uuid4()
    request = RefundRequest(key, payment.reference, Money(500, "EUR"), "part", 1)

    refund = provider.refund(request)
    assert refund.status is RefundStatus.PENDING
    assert provider.refund(request) == refund

    def now():
        history = told(account, refund.reference, key)
        return provider.look_up_refund(
            reference=refund.reference,
            payment_reference=payment.reference,
            idempotency_key=key,
            history=history,
        )

    assert now().status is RefundStatus.PENDING
    deliver_vendor_webhooks(vendor="adyen")
    assert now().status is RefundStatus.PAID
    paid = provider.look_up(
        reference=payment.reference, idempotency_key=None, history=told(account, payment.reference)
    )
    assert (paid.status, paid.refunded) == (Status.SETTLED, Money(500, "EUR"))

    stand_in.fail_refund_now(refund.reference)
    deliver_vendor_webhooks(vendor="adyen")
    assert now().status is RefundStatus.FAILED


def test_refund_above_the_payment_fails_by_webhook(provider, account, charge):
    payment, key = charge(), uuid.uuid4()

    refund = provider.refund(RefundRequest(key, payment.reference, Money(5000, "EUR"), "", 1))
    deliver_vendor_webhooks(vendor="adyen")

    found = provider.look_up_refund(
        reference=refund.reference,
        payment_reference=payment.reference,
        idempotency_key=key,
        history=told(account, refund.reference),
    )
    assert (found.status, found.reason) == (RefundStatus.FAILED, "Insufficient balance on payment")


def test_dispute_goes_back_and_forth_in_any_order(provider, account, charge):
    payment = charge()

    def status():
        deliver_vendor_webhooks(vendor="adyen", order="reversed")
        history = told(account, payment.reference)
        return provider.look_up(reference=payment.reference, idempotency_key=None, history=history).status

    stand_in.charge_back_now(payment.reference)
    assert status() is Status.CHARGED_BACK
    stand_in.win_dispute(payment.reference)
    assert status() is Status.SETTLED
    stand_in.charge_back_now(payment.reference)
    assert status() is Status.CHARGED_BACK
    stand_in.win_dispute(payment.reference)
    assert status() is Status.SETTLED


def test_payout_is_read_from_the_report_that_a_webhook_named(provider, account, charge):
    payment = charge(minor=2000)
    refund = provider.refund(RefundRequest(uuid.uuid4(), payment.reference, Money(500, "EUR"), "", 1))
    stand_in.make_payout(date(2026, 3, 9))
    deliver_vendor_webhooks(vendor="adyen")

    [payout] = provider.payouts(since=date(2026, 3, 1), history=reports_told(account, since=date(2026, 1, 1)))

    assert (payout.reference, payout.paid, payout.paid_on) == ("batch-1-EUR", True, date(2026, 3, 9))
    assert payout.amount == Money(2000 - 500 - 50, "EUR")
    lines = {line.reference: line for line in payout.lines}
    assert lines[payment.reference].gross == Money(2000, "EUR")
    assert lines[payment.reference].fee == Money(-25, "EUR")
    assert lines[refund.reference].gross == Money(-500, "EUR")
    assert lines[refund.reference].refund_reference == refund.reference
    assert sum(line.net.minor for line in payout.lines) == payout.amount.minor


def test_webhooks_of_tokens_come_in_signed_as_a_whole(provider, account, stored):
    method = stored()
    deliver_vendor_webhooks(vendor="adyen")
    stand_in.revoke_method(method.reference)

    assert deliver_vendor_webhooks(vendor="adyen") == [200]
    newest = WebhookEvent.objects.latest("pk")
    assert method.reference in newest.references
    assert PAYER in newest.references


def test_report_that_a_person_brings_is_read_alike(provider, charge):
    payment = charge(minor=2000)
    name = stand_in.make_payout(date(2026, 3, 9))
    content = VendorObject.objects.get(object_id=name).data["csv"]

    [payout] = provider.read_report(content.encode("utf-8-sig"))

    assert (payout.reference, [line.payment_reference for line in payout.lines]) == (
        "batch-1-EUR",
        [payment.reference],
    )


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"<html></html>", "Psp Reference\nä\n".encode("latin-1")]
)
def test_file_that_is_no_report_is_refused_with_a_sentence(provider, content):
    with pytest.raises(PermanentFailure, match="adyen/main"):
        provider.read_report(content)
