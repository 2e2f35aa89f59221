"""What every provider has to do, against its vendor's stand-in. A vendor's tests derive ``ProviderConformance``.

    class TestStripe(ProviderConformance):
        vendor = "stripe"
        path = "cms_billing.payments.providers.stripe.StripeProvider"
        secrets = {"SECRET_KEY": "sk_test_1", "WEBHOOK_SECRET": "whsec_1"}
        charge_path = "/v1/payment_intents"
        refund_path = "/v1/refunds"

Where a vendor differs, it overrides the small methods of ``ProviderStage``, not the tests.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cms_billing.core import clock, outbox
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.credentials import account_of
from cms_billing.payments.models import Payer, Payment, PaymentMethod, WebhookEvent
from cms_billing.payments.providers import (
    AccountProvider,
    AccountRefused,
    MethodProvider,
    OutcomeUnknown,
    PageProvider,
    PageStatus,
    PayoutProvider,
    Provider,
    ProviderDown,
    RefundRequest,
    RefundStatus,
    Status,
)
from cms_billing.payments.services import collect_due
from cms_billing.testing.factories import PaymentMethodFactory
from cms_billing.testing.models import VendorWebhook
from cms_billing.testing.vendors import deliver_vendor_webhooks
from cms_billing.testing.vendors.behaviours import Behaviour

from .stage import NOON, TEN, TODAY, Fault, ProviderStage


@pytest.mark.django_db
class ProviderConformance(ProviderStage):
    # -- what it is -----------------------------------------------------------------------------------------------

    def test_keeps_every_protocol_it_says_it_keeps(self, provider):
        can = provider.capabilities
        assert isinstance(provider, Provider)
        assert isinstance(provider, AccountProvider) is can.accounts
        assert isinstance(provider, PageProvider) or not can.pages
        assert isinstance(provider, MethodProvider) or not can.methods
        assert isinstance(provider, PayoutProvider) or not can.payouts
        assert provider.code == self.vendor

    def test_probe_tells_whose_account_it_is(self, provider):
        assert provider.probe().name
        assert provider.probe().is_live is False

    def test_secrets_are_in_no_repr(self, account, provider):
        shown = f"{account_of(account)!r} {provider!r} {vars(provider)!r}"
        assert not [secret for secret in self.secrets.values() if secret in shown]

    # -- charges --------------------------------------------------------------------------------------------------

    def test_good_card_is_charged(self, provider):
        request, notice = self.charged(provider, Behaviour.GOOD_CARD)
        assert notice.reference
        later = self.known(provider, request, notice.reference)
        assert (later.status, later.reference) == (Status.SETTLED, notice.reference)
        assert later.idempotency_key == request.idempotency_key

    def test_soft_refusal_tells_its_code_and_is_not_final(self, provider):
        request, notice = self.charged(provider, Behaviour.EMPTY_CARD)
        notice = notice if notice.status is Status.FAILED else self.known(provider, request, notice.reference)
        assert (notice.status, notice.final) == (Status.FAILED, False)
        assert notice.code
        assert notice.reason

    def test_hard_refusal_is_final(self, provider):
        request, notice = self.charged(provider, Behaviour.STOLEN_CARD)
        notice = notice if notice.status is Status.FAILED else self.known(provider, request, notice.reference)
        assert (notice.status, notice.final) == (Status.FAILED, True)
        assert notice.code

    def test_direct_debit_is_pending_and_settles_days_later(self, provider):
        request, notice = self.charged(provider, Behaviour.GOOD_ACCOUNT)
        assert notice.status is Status.PENDING
        with clock.frozen(clock.now() + timedelta(days=14)):
            self.stand_in.let_time_pass()
            assert self.known(provider, request, notice.reference).status is Status.SETTLED

    def test_same_key_is_the_same_charge(self, provider):
        request, notice = self.charged(provider, Behaviour.GOOD_CARD)
        assert provider.charge(request).reference == notice.reference

    def test_same_key_for_another_amount_is_refused_and_charges_nothing(self, provider):
        request, _notice = self.charged(provider, Behaviour.GOOD_CARD)
        with pytest.raises(PermanentFailure):
            provider.charge(replace(request, amount=Money.of("11.00", "EUR")))

    def test_answer_that_was_lost_is_found_by_the_key_alone(self, provider):
        payer, method = self.stored(provider, Behaviour.GOOD_CARD)
        request = self.charge_request(payer, method)
        self.fault(Fault.TIMEOUT_AFTER, self.charge_path)
        with pytest.raises(OutcomeUnknown):
            provider.charge(request)
        assert self.known(provider, request).status is Status.SETTLED
        assert provider.charge(request).reference == self.known(provider, request).reference

    @pytest.mark.parametrize("kind", [Fault.TIMEOUT_BEFORE, Fault.DOWN, Fault.RATE_LIMITED])
    def test_charge_that_did_not_get_there_is_down_and_leaves_nothing(self, provider, kind):
        payer, method = self.stored(provider, Behaviour.GOOD_CARD)
        request = self.charge_request(payer, method)
        self.fault(kind, self.charge_path)
        with pytest.raises(ProviderDown):
            provider.charge(request)
        assert self.asked(provider, request) is None

    def test_answer_that_is_no_json_leaves_the_outcome_open(self, provider):
        payer, method = self.stored(provider, Behaviour.GOOD_CARD)
        self.fault(Fault.NOT_JSON, self.charge_path)
        with pytest.raises(OutcomeUnknown):
            provider.charge(self.charge_request(payer, method))

    def test_key_that_the_vendor_refuses_lets_nobody_in(self, provider):
        payer, method = self.stored(provider, Behaviour.GOOD_CARD)
        self.fault(Fault.UNAUTHORISED, self.charge_path)
        with pytest.raises(AccountRefused, match=f"{self.vendor}/main"):
            provider.charge(self.charge_request(payer, method))

    def test_unknown_payment_is_none(self, provider):
        assert provider.look_up(reference="unknown_1", idempotency_key=None) is None

    # -- money that goes back -------------------------------------------------------------------------------------

    def test_chargeback_is_told_with_its_sum(self, provider):
        request, notice = self.charged(provider, Behaviour.GOOD_CARD)
        self.stand_in.charge_back_now(notice.reference)
        later = self.known(provider, request, notice.reference)
        assert (later.status, later.charged_back) == (Status.CHARGED_BACK, TEN)

    def test_partial_chargeback_is_told_with_its_part(self, provider):
        request, notice = self.charged(provider, Behaviour.GOOD_CARD)
        self.stand_in.charge_back_now(notice.reference, Money.of("4.00", "EUR"))
        later = self.known(provider, request, notice.reference)
        assert (later.status, later.charged_back) == (Status.CHARGED_BACK, Money.of("4.00", "EUR"))

    def test_won_dispute_is_settled_again(self, provider):
        request, notice = self.charged(provider, Behaviour.GOOD_CARD)
        self.stand_in.charge_back_now(notice.reference)
        self.stand_in.win_dispute(notice.reference)
        later = self.known(provider, request, notice.reference)
        assert later.status is Status.SETTLED

    def test_disputed_card_charges_back_after_ten_days(self, provider):
        request, notice = self.charged(provider, Behaviour.DISPUTED_CARD)
        assert self.known(provider, request, notice.reference).status is Status.SETTLED
        with clock.frozen(clock.now() + timedelta(days=10)):
            self.stand_in.let_time_pass()
            assert self.known(provider, request, notice.reference).status is Status.CHARGED_BACK

    @pytest.mark.parametrize("minor", [1000, 300])
    def test_refund_whole_or_part_is_paid_in_the_end(self, provider, minor):
        charge, notice = self.charged(provider, Behaviour.GOOD_CARD)
        request, told = self.refunded(provider, notice.reference, minor)
        assert told.status in (RefundStatus.PENDING, RefundStatus.PAID)
        with clock.frozen(clock.now() + timedelta(days=10)):
            self.stand_in.let_time_pass()
            assert self.known_refund(provider, request, told.reference).status is RefundStatus.PAID
            assert self.known(provider, charge, notice.reference).refunded == Money(minor, "EUR")

    def test_refund_whose_answer_was_lost_is_found_by_its_key_and_made_once(self, provider):
        _charge, notice = self.charged(provider, Behaviour.GOOD_CARD)
        self.fault(Fault.TIMEOUT_AFTER, self.refund_path)
        request = RefundRequest(uuid.uuid4(), notice.reference, Money(300, "EUR"), "Credit note 1", 1)
        with pytest.raises(OutcomeUnknown):
            provider.refund(request)
        found = self.known_refund(provider, request)
        assert provider.refund(request).reference == found.reference

    def test_refund_that_the_bank_sent_back_has_failed(self, provider):
        _charge, notice = self.charged(provider, Behaviour.GOOD_CARD)
        request, told = self.refunded(provider, notice.reference, 300)
        self.stand_in.fail_refund_now(told.reference)
        failed = self.known_refund(provider, request, told.reference)
        assert failed.status is RefundStatus.FAILED
        assert failed.reason

    # -- pages ----------------------------------------------------------------------------------------------------

    def test_page_is_open_until_the_payer_decides(self, provider):
        request = self.page_request()
        page = provider.open_page(request)
        assert page.url.startswith("http")
        notice = self.look_up_page(provider, page, request)
        assert (notice.status, notice.payment, notice.method) == (PageStatus.OPEN, None, None)

    def test_paid_page_tells_payment_and_method(self, provider):
        request = self.page_request()
        page = provider.open_page(request)
        self.choose(page, Behaviour.GOOD_CARD)
        notice = self.look_up_page(provider, page, request)
        assert (notice.status, notice.payment.status) == (PageStatus.COMPLETED, Status.SETTLED)
        assert notice.idempotency_key == request.idempotency_key
        assert notice.method.kind == "card"
        assert notice.method.label.endswith("•••• 4242")
        assert notice.method.expires_on
        assert (notice.method.expires_on + timedelta(days=1)).day == 1
        assert notice.method.fingerprint
        assert notice.payer_reference

    def test_page_without_storing_keeps_no_method(self, provider):
        notice = self.visited(provider, Behaviour.GOOD_CARD, stores_method=False)
        assert (notice.status, notice.payment.status, notice.method) == (
            PageStatus.COMPLETED,
            Status.SETTLED,
            None,
        )

    def test_zero_amount_only_stores_a_method(self, provider):
        notice = self.visited(provider, self.stored_for_nothing, amount=Money.zero("EUR"))
        assert (notice.status, notice.payment) == (PageStatus.COMPLETED, None)
        assert notice.method.usable

    def test_page_paid_from_a_slow_bank_is_completed_and_pending(self, provider):
        request = self.page_request()
        page = provider.open_page(request)
        self.choose(page, self.pending_page)
        notice = self.look_up_page(provider, page, request)
        assert (notice.status, notice.payment.status) == (PageStatus.COMPLETED, Status.PENDING)
        with clock.frozen(clock.now() + timedelta(days=14)):
            self.stand_in.let_time_pass()
            assert self.look_up_page(provider, page, request).payment.status is Status.SETTLED

    def test_cancelled_page_took_no_money(self, provider):
        request = self.page_request()
        page = provider.open_page(request)
        assert "cancelled=1" in self.cancel(page)
        notice = self.look_up_page(provider, page, request)
        assert notice.status in (PageStatus.CANCELLED, PageStatus.OPEN)
        assert notice.method is None
        assert notice.payment is None or notice.payment.status is Status.FAILED

    def test_page_nobody_came_to_expires(self, provider):
        request = self.page_request()
        page = provider.open_page(request)
        self.expire(page)
        assert self.look_up_page(provider, page, request).status is PageStatus.EXPIRED

    def test_closed_page_takes_no_money(self, provider):
        request = self.page_request()
        page = provider.open_page(request)
        if provider.close_page(reference=page.reference):
            assert self.look_up_page(provider, page, request).status is not PageStatus.OPEN
        else:
            assert self.look_up_page(provider, page, request).status is PageStatus.OPEN

    def test_paid_page_cannot_be_closed(self, provider):
        request = self.page_request()
        page = provider.open_page(request)
        self.choose(page, Behaviour.GOOD_CARD)
        assert provider.close_page(reference=page.reference) is False

    def test_same_key_is_the_same_page(self, provider):
        request = self.page_request()
        assert provider.open_page(request).reference == provider.open_page(request).reference

    # -- methods --------------------------------------------------------------------------------------------------

    def test_stored_methods_are_listed_and_forgotten(self, provider):
        payer, method = self.stored(provider, Behaviour.GOOD_CARD)
        listed = provider.methods_of(payer_reference=payer)
        assert [one.reference for one in listed if one.usable] == [method.reference]
        provider.forget_method(reference=method.reference, payer_reference=payer)
        assert not [one for one in provider.methods_of(payer_reference=payer) if one.usable]
        provider.forget_method(reference=method.reference, payer_reference=payer)

    def test_charge_of_a_revoked_method_is_refused_for_good(self, provider):
        payer, method = self.stored(provider, Behaviour.GOOD_CARD)
        self.stand_in.revoke_method(method.reference)
        notice = provider.charge(self.charge_request(payer, method))
        assert (notice.status, notice.final) == (Status.FAILED, True)
        assert notice.code
        assert not [one for one in provider.methods_of(payer_reference=payer) if one.usable]

    # -- webhooks -------------------------------------------------------------------------------------------------

    def collected(self, invoice: Any, account: Any, provider: Any, behaviour: Behaviour) -> Payment:
        """A due document charged by the real daily step and outbox."""
        payer, method = self.stored(provider, behaviour)
        VendorWebhook.objects.all().delete()
        document = invoice(issued_on=TODAY, gross_minor=1000)
        account.issuer = document.issuer
        account.save()
        PaymentMethodFactory(
            customer=document.customer,
            provider=self.vendor,
            account=account,
            payer=Payer.objects.create(account=account, reference=payer),
            reference=method.reference,
            kind=method.kind,
        )
        collect_due(issuer=document.issuer, today=TODAY)
        outbox.drain(Payment, now=clock.now())
        return Payment.objects.get()

    def heard(self, **how: Any) -> None:
        assert set(deliver_vendor_webhooks(vendor=self.vendor, **how)) <= {200}
        outbox.drain(WebhookEvent, now=clock.now())

    def test_news_of_a_late_settlement_come_through_the_real_endpoint(self, invoice, account, provider):
        payment = self.collected(invoice, account, provider, Behaviour.GOOD_ACCOUNT)
        assert payment.state == Payment.State.PENDING
        with clock.frozen(NOON + timedelta(days=14)):
            self.heard(times=2, order="shuffled")
            payment.refresh_from_db()
        assert payment.state == Payment.State.SETTLED

    def test_news_of_a_chargeback_come_through_the_real_endpoint(self, invoice, account, provider):
        payment = self.collected(invoice, account, provider, Behaviour.GOOD_CARD)
        self.heard()
        payment.refresh_from_db()
        assert payment.state == Payment.State.SETTLED
        with clock.frozen(NOON + timedelta(days=1)):
            self.stand_in.charge_back_now(payment.reference)
            self.heard(times=3, order="reversed")
            payment.refresh_from_db()
        assert payment.state == Payment.State.CHARGED_BACK

    def test_refused_charge_revokes_a_dead_method(self, invoice, account, provider):
        payment = self.collected(invoice, account, provider, Behaviour.STOLEN_CARD)
        self.heard()
        payment.refresh_from_db()
        assert payment.state == Payment.State.FAILED
        assert payment.refusal_code
        assert PaymentMethod.objects.get().state == PaymentMethod.State.REVOKED
