"""Retry policies and refusal rules in the admin, and where a document says what its next charge is."""

from datetime import date

import pytest
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import OpenItem
from cms_billing.payments.models import Payment, RefusalRule, RetryPolicy
from cms_billing.payments.services import collect_due
from cms_billing.testing.factories import PaymentMethodFactory

TODAY = date(2026, 3, 31)

pytestmark = pytest.mark.django_db


def refuse(business, method: str) -> Payment:
    """The business's open document is charged and refused today, a Tuesday."""
    OpenItem.objects.filter(pk=business.open.pk).update(due_on=TODAY)
    PaymentMethodFactory(customer=business.customer, reference=method)
    collect_due(issuer=business.issuer, today=TODAY)
    outbox.drain(Payment, now=clock.now())
    return Payment.objects.get(document=business.open)


def policy_of(business, **values) -> RetryPolicy:
    return RetryPolicy.objects.create(issuer=business.issuer, valid_from=date(2026, 1, 1), **values)


def text_of(client, name: str, pk: int) -> str:
    return client.get(reverse(name, args=[pk])).content.decode()


def test_preview_says_what_would_happen_today(accountant, ours):
    page = text_of(accountant, "billing-retrypolicy:inspect", policy_of(ours, waits="2,4", attempts=3).pk)
    assert "What would happen to a charge refused today" in page
    days = ["Attempt 1 on 03/31/2026", "next attempt on 04/02/2026", "Attempt 2 on 04/02/2026"]
    for text in [*days, "next attempt on 04/06/2026", "no further attempt: all attempts have been made"]:
        assert text in page
    assert "no further attempt: the member has to do something" in page


def form(ours, **values) -> dict:
    return {
        "issuer": ours.issuer.pk,
        "provider": "fake",
        "kind": "card",
        "valid_from": "2026-04-01",
        "waits": "3,5,7",
        "attempts": "4",
        "window_days": "21",
        "gap_hours": "24",
        "cap": "15",
        "cap_days": "30",
        "clearing_days": "0",
        **values,
    }


def test_accountant_makes_a_policy_for_the_own_issuer(accountant, ours):
    answer = accountant.post(reverse("billing-retrypolicy:add"), form(ours))
    assert answer.status_code == 302
    policy = RetryPolicy.objects.get()
    assert (policy.issuer, policy.provider, policy.terms().waits) == (ours.issuer, "fake", (3, 5, 7))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("issuer", "", "Only administrators make policies for all issuers"),
        ("waits", "soon", "Write numbers of days"),
        ("waits", "0,3", "Write numbers of days"),
        ("gap_hours", "3", "greater than or equal to 24"),
        ("cap", "50", "less than or equal to 20"),
        ("provider", "bank_transfer", "not one of the available choices"),
    ],
)
def test_what_cannot_be_a_policy_is_said_at_its_field(accountant, ours, field, value, said):
    page = accountant.post(reverse("billing-retrypolicy:add"), form(ours, **{field: value}))
    assert said in page.content.decode()
    assert not RetryPolicy.objects.exists()


def test_policies_of_all_issuers_are_for_administrators(accountant, admin_client, ours):
    policy = RetryPolicy.objects.create(valid_from=TODAY)
    url = reverse("billing-retrypolicy:edit", args=[policy.pk])
    assert accountant.get(url).status_code == 404
    assert admin_client.get(url).status_code == 200


def test_refusal_rule_shows_what_holds_without_it(accountant):
    values = {"provider": "fake", "code": " lost_card ", "refusal_class": "soft", "valid_from": "2026-04-01"}
    assert accountant.post(reverse("billing-refusalrule:add"), values).status_code == 302
    assert RefusalRule.objects.get().code == "lost_card"
    page = accountant.get(reverse("billing-refusalrule:index")).content.decode()
    assert "card reported lost or stolen (lost_card)" in page
    assert "never again with this card or account" in page


def test_document_and_payment_say_when_the_next_attempt_is_and_why(accountant, ours):
    payment = refuse(ours, "fail-soft")
    document = text_of(accountant, "billing-document:inspect", ours.open.pk)
    assert "Next attempt on 04/03/2026" in document
    assert "not enough money (insufficient_funds)" in document
    page = text_of(accountant, "billing-payment:inspect", payment.pk)
    assert "next attempt on 04/03/2026" in page
    assert "not enough money (insufficient_funds)" in page


def test_document_says_why_there_is_no_further_attempt(accountant, ours):
    refuse(ours, "refuse-stolen_card")
    page = text_of(accountant, "billing-document:inspect", ours.open.pk)
    assert "No further attempt: this card or account is never charged again" in page
    assert "card reported lost or stolen (stolen_card)" in page


def test_settled_document_says_nothing_of_attempts(accountant, ours):
    refuse(ours, "fail-soft")
    OpenItem.objects.filter(pk=ours.open.pk).update(open_minor=0, settled_on=TODAY)
    assert "ext attempt on" not in text_of(accountant, "billing-document:inspect", ours.open.pk)
