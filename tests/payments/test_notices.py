"""Mails to members: a charge they have to do something about, a card that expires. Never two for one."""

from datetime import UTC, date, datetime

import pytest
from django.core import mail

from cms_billing.core import clock, outbox
from cms_billing.daily.steps import Deliver
from cms_billing.faktura.models import Attach, MailText
from cms_billing.payments.models import MemberNotice, Payment, PaymentMethod
from cms_billing.payments.services import collect_due, record_payment
from cms_billing.payments.services.notices import announce_refusal
from cms_billing.testing.factories import CustomerFactory, PaymentMethodFactory, PlanFactory, signed_contract

MONDAY = date(2026, 3, 9)
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITE_URL": "https://www.example.org"}
    with clock.frozen(NOON):
        yield


def refused(invoice, method: str, **customer) -> Payment:
    document = invoice(CustomerFactory(issuer__payment_days=0, **customer), method=method)
    PaymentMethod.objects.update(label="Visa •••• 4242")
    collect_due(issuer=document.issuer, today=MONDAY)
    outbox.drain(Payment, now=clock.now())
    return Payment.objects.get(document=document)


def send() -> list[mail.EmailMessage]:
    outbox.drain(MemberNotice, now=clock.now())
    return mail.outbox


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("refuse-expired_card", "Your card has expired."),
        ("refuse-stolen_card", "Your bank has blocked this card."),
        ("refuse-authentication_required", "Your bank wants you to confirm this payment yourself."),
        ("fail-hard", "This account does not exist any more, or takes no direct debits."),
    ],
)
def test_member_hears_at_once_what_they_have_to_do(invoice, method, reason):
    payment = refused(invoice, method, language="en", email="anna@example.org")
    [message] = send()
    assert message.subject == f"We could not collect your payment for {payment.document.number}"
    assert reason in message.body
    assert "Visa •••• 4242" in message.body
    assert "https://www.example.org/billing/pay/" in message.body
    assert "_" not in message.body.split("http")[0]
    assert not message.attachments
    notice = MemberNotice.objects.get()
    assert (notice.payment, notice.to) == (payment, "anna@example.org")
    assert notice.sent_at == NOON


def test_refusals_that_may_pass_are_not_told(invoice):
    refused(invoice, "fail-soft", email="anna@example.org")
    assert send() == []


def test_customers_without_address_get_no_mail_and_stop_nobody(invoice):
    assert refused(invoice, "refuse-expired_card", email="").state == "failed"
    assert send() == []


def test_one_refusal_is_one_mail_however_often_it_is_told(invoice):
    payment = refused(invoice, "refuse-expired_card", email="anna@example.org")
    send()
    announce_refusal(payment, [payment.document.charge_plan])
    assert len(send()) == 1


def test_what_was_paid_meanwhile_is_not_asked_for(invoice):
    payment = refused(invoice, "refuse-expired_card", email="anna@example.org")
    record_payment(
        customer_id=payment.customer_id,
        amount=payment.amount,
        received_on=MONDAY,
        way="cash",
        today=MONDAY,
    )
    assert send() == []
    notice = MemberNotice.objects.get()
    assert (notice.work_state, notice.sent_at) == ("done", None)


@pytest.mark.parametrize(
    ("language", "greeting", "reason"),
    [
        ("de", "Guten Tag", "Ihre Karte ist abgelaufen."),
        ("fr", "Bonjour", "Votre carte a expiré."),
        ("nl", "Geachte", "Uw kaart is verlopen."),
    ],
)
def test_mail_speaks_the_customers_language(invoice, language, greeting, reason):
    refused(invoice, "refuse-expired_card", language=language, email="anna@example.org")
    [message] = send()
    assert greeting in message.body
    assert reason in message.body


def test_editors_write_their_own_words(invoice):
    payment = refused(invoice, "refuse-expired_card", language="de", email="anna@example.org")
    text = MailText(
        issuer=payment.issuer,
        purpose="charge_refused",
        subject="Bitte kurz nachsehen: {number}",
        body="{refusal_reason}\n{payment_link}",
        attach=Attach.PDF,
    )
    text.full_clean()
    text.save()
    [message] = send()
    assert message.subject == f"Bitte kurz nachsehen: {payment.document.number}"
    assert not message.attachments


def test_server_that_is_down_is_tried_again(invoice, settings):
    refused(invoice, "refuse-expired_card", email="anna@example.org")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    outbox.drain(MemberNotice, now=clock.now())
    notice = MemberNotice.objects.get()
    assert (notice.work_state, notice.attempts) == ("pending", 1)


@pytest.fixture
def member(db):
    """With a running contract and a card that expires at the end of March."""

    def make(**values):
        customer = CustomerFactory(language="en", email="anna@example.org", **values)
        plan = PlanFactory(issuer=customer.issuer)
        signed_contract(start=date(2026, 1, 1), plan=plan, customer=customer, today=date(2026, 1, 1))
        PaymentMethodFactory(customer=customer, label="Visa •••• 4242", expires_on=date(2026, 3, 31))
        return customer

    return make


def deliver(issuer, day: date = MONDAY) -> list[mail.EmailMessage]:
    Deliver().run(issuer, day, park=lambda problems: None, progress=lambda done, failed: None)
    return mail.outbox


def test_card_that_expires_is_told_once(member):
    customer = member()
    [message] = deliver(customer.issuer)
    assert message.subject == "Your card expires soon"
    assert "Visa •••• 4242" in message.body
    assert "Mar 31, 2026" in message.body
    assert len(deliver(customer.issuer, date(2026, 3, 10))) == 1


def test_renewed_card_is_told_again_when_its_new_date_comes(member):
    customer = member()
    deliver(customer.issuer)
    PaymentMethod.objects.update(expires_on=date(2029, 3, 31))
    deliver(customer.issuer, date(2029, 2, 28))
    assert len(deliver(customer.issuer, date(2029, 3, 10))) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"is_default": False},
        {"state": "revoked"},
        {"expires_on": date(2026, 4, 30)},
        {"expires_on": date(2026, 2, 28)},
        {"expires_on": None},
    ],
)
def test_other_cards_are_left_in_peace(member, change):
    customer = member()
    PaymentMethod.objects.update(**change)
    assert deliver(customer.issuer) == []


def test_nobody_without_a_running_contract_is_asked_for_a_card(member):
    customer = member()
    customer.contracts.update(state="terminated")
    assert deliver(customer.issuer) == []


def test_notices_of_cards_can_be_switched_off(member, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "CARD_EXPIRY_NOTICE_DAYS": 0}
    assert deliver(member().issuer) == []


def test_card_replaced_before_the_mail_left_is_not_told(member):
    customer = member()
    MemberNotice.objects.create(
        customer=customer,
        kind="card_expires",
        method=PaymentMethod.objects.get(),
        expires_on=date(2026, 3, 31),
        to="anna@example.org",
    )
    PaymentMethod.objects.update(expires_on=date(2029, 3, 31))
    assert send() == []
