"""What the endpoint answers, and what it keeps."""

import pytest
from django.test import Client
from django.urls import reverse

from cms_billing.payments.models import WebhookEvent
from cms_billing.testing.providers import SIGNATURE_HEADER, post_webhook, sign, webhook_body

pytestmark = pytest.mark.django_db

BODY = webhook_body("fake_1", "settled")


def post(body: bytes, provider: str = "fake", **headers: str):
    return Client(enforce_csrf_checks=True).post(
        reverse("cms_billing:webhook", args=[provider]),
        data=body,
        content_type="application/json",
        headers={SIGNATURE_HEADER: sign(body), **headers},
    )


def test_signed_webhook_is_kept_raw_and_answered_without_asking_anybody():
    assert post(BODY).status_code == 200
    event = WebhookEvent.objects.get()
    assert (bytes(event.body), event.references, event.work_state) == (BODY, ["fake_1"], "pending")


def test_forged_signature_is_refused_without_details():
    answer = post(BODY, **{SIGNATURE_HEADER: "0" * 64})
    assert (answer.status_code, answer.content) == (400, b"")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("signature", ["", "ä", "0"])
def test_missing_or_strange_signature_is_refused(signature):
    assert post_webhook(BODY, signature=signature) == 400


def test_changed_body_is_refused():
    assert post_webhook(BODY + b" ", signature=sign(BODY)) == 400


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"{}", b'{"events": 3}', b'{"events": [{}]}'])
def test_signed_but_unreadable_body_is_refused(body):
    assert post_webhook(body) == 400


def test_only_post_is_allowed(client):
    assert client.get(reverse("cms_billing:webhook", args=["fake"])).status_code == 405


@pytest.mark.parametrize("provider", ["nobody", "bank_transfer"])
def test_unknown_provider_and_one_without_webhooks_are_not_found(provider):
    assert post(BODY, provider=provider).status_code == 404


def test_too_large_body_is_refused_before_it_is_kept():
    assert post(b"x" * 1_000_001).status_code == 413
    assert not WebhookEvent.objects.exists()


def test_repeated_delivery_of_a_waiting_event_is_one_row():
    assert [post(BODY).status_code for _again in range(3)] == [200, 200, 200]
    assert WebhookEvent.objects.count() == 1


def test_the_same_body_after_the_first_was_worked_on_is_news_again():
    post(BODY)
    WebhookEvent.objects.update(work_state="done")
    post(BODY)
    assert WebhookEvent.objects.count() == 2


def test_answering_costs_a_handful_of_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        post(BODY)
