"""Mail servers that greylist, hang up, forget to answer, or do not like us: one mail arrives, and a person is told."""

from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from cms_billing.core import clock, outbox
from cms_billing.faktura import archive
from cms_billing.faktura.models import Delivery, MailText
from cms_billing.faktura.services import AlreadySent, NoAddress, send_elsewhere
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .documents import archived, deliver
from .mail_servers import MailServer, free_port, smtp_at

pytestmark = pytest.mark.django_db

ANNA, BEN, FILES = "anna@example.org", "ben@example.org", "ablage@example.org"


def later(minutes: int = 2) -> outbox.Drained:
    return outbox.drain(Delivery, now=clock.now() + timedelta(minutes=minutes))


def only() -> Delivery:
    return Delivery.objects.get()


def test_mail_whose_answer_was_lost_comes_again_under_the_same_id_and_date(scripted_server):
    archived()
    with scripted_server("lost", "ok") as server:
        assert deliver().retry == 1
        assert later().done == 1
    first, second = server.taken
    assert first["Message-ID"] == second["Message-ID"] == only().message_id
    assert first.as_bytes() == second.as_bytes(), "a mail program may drop the second one"


def test_server_that_hangs_up_in_the_middle_of_the_mail_gets_it_later(scripted_server):
    archived()
    with scripted_server("close-in-data", "ok") as server:
        assert deliver().retry == 1
        assert "did not answer" in only().last_error
        assert later().done == 1
    assert len(server.taken) == 1


@pytest.mark.parametrize("busy", ["421", "421-rcpt"])
def test_busy_server_gets_the_mail_later(scripted_server, busy):
    archived()
    with scripted_server(busy, "ok") as server:
        assert deliver().retry == 1
        assert "421 4.3.2" in only().last_error
        assert later().done == 1
    assert len(server.taken) == 1


def test_server_without_encryption_is_not_given_the_mail_in_the_clear(mail_server):
    archived()
    with smtp_at(_port_of_settings(), EMAIL_USE_TLS=True):
        assert deliver().retry == 1
    assert "EMAIL_USE_TLS" in only().last_error
    assert mail_server.taken == []


def test_broken_encryption_is_told(scripted_server):
    archived()
    with scripted_server("bad-tls", EMAIL_USE_TLS=True) as server:
        assert deliver().retry == 1
    assert "no encrypted connection" in only().last_error
    assert server.taken == []


def _port_of_settings() -> int:
    from django.conf import settings

    return settings.EMAIL_PORT


def test_wrong_login_says_which_settings_to_correct():
    archived()
    controller = Controller(
        MailServer(),
        hostname="127.0.0.1",
        port=free_port(),
        auth_require_tls=False,
        authenticator=lambda *_args: AuthResult(success=False, handled=False),
    )
    controller.start()
    try:
        with smtp_at(controller.port, EMAIL_HOST_USER="billing", EMAIL_HOST_PASSWORD="wrong"):
            assert deliver().retry == 1
    finally:
        controller.stop()
    assert "EMAIL_HOST_PASSWORD" in only().last_error
    assert "535" in only().last_error


def test_greylisted_mail_arrives_once_with_its_copies_once(mail_server):
    mail_server.answers[ANNA] = "451 4.7.1 greylisted"
    archived(CustomerFactory(email=ANNA, issuer=IssuerFactory(mail_copy_to=FILES)))
    assert deliver().retry == 1
    assert mail_server.taken == [], "copies wait until it is settled whether the customer gets the mail"
    mail_server.answers.clear()
    assert later().done == 1
    assert [to for to, _message in mail_server.taken] == [ANNA, FILES]
    assert only().copies == {FILES: ""}


def test_refused_copy_stops_neither_the_customer_nor_the_other_copy(mail_server):
    mail_server.answers["weg@example.org"] = "550 5.1.1 no such user"
    issuer = IssuerFactory(mail_copy_to=f"weg@example.org, {FILES}")
    archived(CustomerFactory(email=ANNA, issuer=issuer))
    assert deliver().done == 1
    assert [to for to, _message in mail_server.taken] == [ANNA, FILES]
    assert only().copies[FILES] == ""
    assert "550 5.1.1 no such user" in only().copies["weg@example.org"]


def test_refused_mail_goes_elsewhere_and_its_copy_is_not_sent_twice(mail_server):
    mail_server.answers["weg@example.org"] = "550 5.1.1 no such user"
    customer = CustomerFactory(email="weg@example.org", issuer=IssuerFactory(mail_copy_to=FILES))
    archived(customer)
    assert deliver().failed == 1
    row = send_elsewhere(delivery_id=only().pk, to=ANNA, keep_address=True)
    assert (row.to, row.work_state, row.last_error) == (ANNA, "pending", "")
    assert deliver().done == 1
    assert [to for to, _message in mail_server.taken] == [FILES, ANNA]
    customer.refresh_from_db()
    assert customer.email == ANNA


def test_mail_on_its_way_goes_nowhere_else(mail_server):
    archived(CustomerFactory(email=ANNA))
    deliver()
    with pytest.raises(AlreadySent, match="not waiting for you"):
        send_elsewhere(delivery_id=only().pk, to=BEN)
    assert only().to == ANNA


def test_elsewhere_must_be_an_address(mail_server):
    mail_server.answers[ANNA] = "550 no"
    archived(CustomerFactory(email=ANNA))
    deliver()
    with pytest.raises(NoAddress, match="is no e-mail"):
        send_elsewhere(delivery_id=only().pk, to="ben@")


def test_copies_of_one_customer_never_reach_another(mail_server):
    issuer = IssuerFactory()
    MailText.objects.create(issuer=issuer, purpose="invoice", language="en", cc="english@example.org")
    MailText.objects.create(issuer=issuer, purpose="invoice", language="de", bcc="deutsch@example.org")
    archived(CustomerFactory(issuer=issuer, language="en", email=ANNA))
    archived(CustomerFactory(issuer=issuer, language="de", email=BEN))
    assert deliver().done == 2
    got = [(to, message["To"]) for to, message in mail_server.taken]
    assert got == [(ANNA, ANNA), ("english@example.org", ANNA), (BEN, BEN), ("deutsch@example.org", BEN)]
    english, german = mail_server.taken[0][1], mail_server.taken[2][1]
    assert (english["Cc"], german["Cc"], german["Bcc"]) == ("english@example.org", None, None)


def test_message_is_archived_as_the_server_got_it(mail_server):
    document = archived(CustomerFactory(email=ANNA))
    assert deliver().done == 1
    record = only().archived_message
    assert (record.content_type, record.document) == ("message/rfc822", document)
    assert record.filename == f"RE-2026-000001-{only().pk}.eml"
    assert archive.read_record(record).rstrip() == mail_server.contents[0].rstrip()


def test_full_disk_sends_no_mail_that_could_not_be_archived(mail_server, monkeypatch):
    document = archived()

    def full(content):
        raise archive.ArchiveNotWritable("The disk of the archive is full.")

    monkeypatch.setattr(archive, "store_bytes", full)
    assert deliver(document).retry == 1
    assert mail_server.taken == []
