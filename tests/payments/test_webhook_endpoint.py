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


# Addresses of accounts


@pytest.fixture
def account(settings):
    from cms_billing.testing.factories import ProviderAccountFactory
    from tests.payments.desk_provider import ANSWERS, listed

    ANSWERS.reset()
    listed(settings, main={"SECRET_KEY": "sk_test_VerySecret"})
    return ProviderAccountFactory(provider="desk", slug="main")


def post_to(slug: str, body=b"p1 p2", content_type="text/plain", **headers):
    address = reverse("cms_billing:account_webhook", args=["desk", slug])
    return Client().post(address, body, content_type=content_type, headers={"X-Signed": "yes", **headers})


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "ä/ö;;"]
)
def test_body_is_kept_as_it_came_whatever_it_is_called(account, content_type):
    assert post_to("main", content_type=content_type).status_code == 200
    event = WebhookEvent.objects.get()
    assert (event.account, bytes(event.body), event.references) == (account, b"p1 p2", ["p1", "p2"])


@pytest.mark.parametrize("slug", ["nobody", "MAIN"])
def test_unknown_account_is_not_found(account, slug):
    assert post_to(slug).status_code == 404


def test_address_without_an_account_is_not_found(account):
    assert post(b"p1", provider="desk", **{"X-Signed": "yes"}).status_code == 404


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch", "options"])
def test_nothing_but_post_is_answered(account, method):
    address = reverse("cms_billing:account_webhook", args=["desk", "main"])
    answer = getattr(Client(), method)(address)
    assert (answer.status_code, answer.content) == (405, b"")


def test_ten_megabytes_are_refused_before_they_are_read(account):
    from io import BytesIO

    from django.test import RequestFactory

    from cms_billing.payments.views_webhooks import receive_webhook

    class Untouchable(BytesIO):
        def read(self, *args):
            raise AssertionError("The body was read.")

    request = RequestFactory().post("/", b"", content_type="text/plain", headers={"X-Signed": "yes"})
    request.META["CONTENT_LENGTH"] = "10000000"
    request._stream = request.environ["wsgi.input"] = Untouchable()
    assert receive_webhook(request, "desk", "main").status_code == 413


@pytest.mark.parametrize("length", ["-1", "many", "1e9"])
def test_strange_length_is_no_crash(account, length):
    assert post_to("main", **{"Content-Length": length}).status_code in (200, 400, 413)


def test_headers_are_kept_nowhere(account):
    post_to("main", Authorization="Bearer sk_test_VerySecret", Cookie="session=1")
    event = WebhookEvent.objects.get()
    columns = {field.name: getattr(event, field.name) for field in event._meta.concrete_fields}
    assert "VerySecret" not in repr(columns)
    assert "session" not in repr(columns)


def test_one_question_for_the_account_and_one_insert_a_table(account, django_assert_num_queries):
    # Savepoint and its end around the account, a repetition, the event, its references.
    with django_assert_num_queries(6):
        post_to("main")
