"""Mail texts with preview and test mail, and messages as they were sent: to whom they show what."""

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Delivery, Rendering
from cms_billing.faktura.services import test_mails

from .conftest import Business, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_test_mails_yet():
    cache.clear()


def form(business: Business, **changes) -> dict:
    return {
        "issuer": business.issuer.pk,
        "purpose": "invoice",
        "language": "de",
        "subject": "Rechnung {number}",
        "body": "Moin {name}",
        **changes,
    }


def sent(business: Business) -> Delivery:
    outbox.drain(Rendering, now=clock.now())
    outbox.drain(Delivery, now=clock.now())
    return Delivery.objects.filter(document__issuer=business.issuer, work_state="done").first()


def previewed(client, business: Business, **changes) -> str:
    url = reverse("billing-mailtext:preview_on_edit", args=[business.mail_text.pk])
    assert client.post(url, form(business, **changes)).json() == {"is_valid": True, "is_available": True}
    return client.get(f"{url}?mode=text").content.decode()


def test_preview_shows_what_is_being_written_with_the_latest_document(accountant, ours):
    page = previewed(accountant, ours, body="Neu: {name}", cc="buch@example.org")
    assert f"Neu: {ours.customer.name}" in page
    assert "buch@example.org" in page
    ours.mail_text.refresh_from_db()
    assert ours.mail_text.body == "Guten Tag", "nothing is saved"


def test_preview_of_a_text_that_is_being_added(accountant, ours):
    url = reverse("billing-mailtext:preview_on_add")
    data = form(ours, purpose="cancellation", body="Storno {original_number}")
    assert accountant.post(url, data).json()["is_valid"] is True
    page = accountant.get(url).content.decode()
    assert "Storno 2026-000101" in page, "made up: nothing has been cancelled yet"


def test_preview_without_the_right_to_documents_is_made_up(ours):
    client = person("Billing editors", ours.issuer)
    group = client.user.groups.get()
    group.permissions.remove(*group.permissions.filter(codename="view_document"))
    page = previewed(client, ours)
    assert ours.customer.name not in page


def test_preview_and_test_of_a_neighbours_text_do_not_exist(accountant, ours, theirs):
    for name in ("preview_on_edit", "test"):
        url = reverse(f"billing-mailtext:{name}", args=[theirs.mail_text.pk])
        assert accountant.post(url, form(theirs)).status_code == 404
    url = reverse("billing-mailtext:preview_on_add")
    assert accountant.post(url, form(theirs)).json()["is_valid"] is False


def test_test_mail_goes_to_the_editor_alone(accountant, ours, mailoutbox):
    url = reverse("billing-mailtext:test", args=[ours.mail_text.pk])
    answer = accountant.post(url, form(ours, cc="buch@example.org", bcc="ablage@example.org")).json()
    assert answer == {"message": f"A test mail goes to {accountant.user.email}."}
    [message] = mailoutbox
    assert message.recipients() == [accountant.user.email]
    assert message.cc == []
    assert message.subject.startswith("[Test] Rechnung ")
    [(name, content, content_type)] = message.attachments
    assert (name.endswith(".pdf"), content_type, content[:5]) == (True, "application/pdf", b"%PDF-")


def test_test_mails_are_counted(accountant, ours, monkeypatch):
    monkeypatch.setattr(test_mails, "LIMIT", 2)
    url = reverse("billing-mailtext:test")
    answers = [accountant.post(url, form(ours, purpose="cancellation")).json() for _n in range(3)]
    assert ["error" in answer for answer in answers] == [False, False, True]
    assert "Wait a little" in answers[-1]["error"]
    assert len(mail.outbox) == 2


def test_test_mail_of_a_form_with_mistakes_says_which(accountant, ours):
    url = reverse("billing-mailtext:test", args=[ours.mail_text.pk])
    assert "{nmae}" in accountant.post(url, form(ours, body="{nmae}")).json()["error"]
    assert mail.outbox == []


def test_auditor_sends_no_test_mail(auditor, ours):
    url = reverse("billing-mailtext:test", args=[ours.mail_text.pk])
    assert auditor.post(url, form(ours)).status_code == 302
    assert mail.outbox == []


def test_link_instead_of_a_file_needs_the_link_in_the_text(accountant, ours):
    url = reverse("billing-mailtext:edit", args=[ours.mail_text.pk])
    answer = accountant.post(url, form(ours, attach="link"))
    assert "{document_link}" in answer.context["form"].errors["body"][0]


def test_second_text_for_all_languages_is_refused_at_the_form(accountant, ours):
    url = reverse("billing-mailtext:add")
    assert accountant.post(url, form(ours, language="")).status_code == 302
    assert accountant.post(url, form(ours, language="")).context["form"].errors["language"]


def test_message_as_sent_is_read_and_downloaded(auditor, ours):
    row = sent(ours)
    page = auditor.get(reverse("billing-delivery:inspect", args=[row.pk])).content.decode()
    assert row.archived_message.sha256 in page
    answer = auditor.get(reverse("billing-delivery:message", args=[row.pk]))
    assert answer["Content-Type"] == "message/rfc822"
    assert f"To: {row.to}".encode() in answer.content
    html = auditor.get(reverse("billing-delivery:html", args=[row.pk]))
    assert "default-src 'none'" in html["Content-Security-Policy"]
    assert html["X-Frame-Options"] == "SAMEORIGIN"


def test_neighbours_message_does_not_exist(auditor, stranger, ours, theirs):
    row = sent(theirs)
    for name in ("message", "html"):
        url = reverse(f"billing-delivery:{name}", args=[row.pk])
        assert auditor.get(url).status_code == 404
        assert stranger.get(url).status_code in (302, 403)


def test_todo_list_leads_to_another_address(accountant, auditor, ours):
    url = reverse("billing-delivery:elsewhere", args=[ours.failed.pk])
    assert url in accountant.get(reverse("billing_todo")).content.decode()
    assert url not in auditor.get(reverse("billing_todo")).content.decode()
    accountant.post(url, {"to": "richtig@example.org", "keep_address": "on"})
    ours.failed.refresh_from_db()
    ours.customer.refresh_from_db()
    assert (ours.failed.to, ours.failed.work_state) == ("richtig@example.org", "pending")
    assert ours.customer.email == "richtig@example.org"
    assert url not in accountant.get(reverse("billing_todo")).content.decode()
