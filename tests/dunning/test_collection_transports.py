"""Files to agencies over real servers on this machine: SFTP, SMTP; and by download."""

from __future__ import annotations

import contextlib
import email
import email.policy
import hashlib
import os
import socket
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paramiko
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from django.core.exceptions import ValidationError

from cms_billing.core import clock, copies
from cms_billing.core.exceptions import BillingError, CopySendsNothing
from cms_billing.dunning.collection import keys, mailing, secrets, sftp
from cms_billing.dunning.models import Agency, HandOverFile, HandOverSending
from cms_billing.dunning.services import send_file, send_hand_over_again, try_connection
from tests.faktura.mail_servers import mail_server  # noqa: F401

from .collection import agency_of, box_of, given_to, ready_cases, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

PASSWORD = "Geheim-und-lang-26"


# -- a real SFTP server ----------------------------------------------------------------------------------------------


class Accounts(paramiko.ServerInterface):
    def __init__(self, server: SftpServer) -> None:
        self.server = server

    def check_auth_password(self, username: str, password: str) -> int:
        self.server.logins.append(username)
        known = username == "cms" and password == PASSWORD
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.server.logins.append(username)
        return paramiko.AUTH_SUCCESSFUL if key == self.server.client_key else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class Folder(paramiko.SFTPServerInterface):
    """A folder on disk, as an SFTP client sees it."""

    def __init__(self, server: Accounts, *args: object, **kwargs: object) -> None:
        super().__init__(server)
        self.root = server.server.root
        self.server_state = server.server

    def _path(self, path: str) -> Path:
        return self.root / self.canonicalize(path).lstrip("/")

    def open(self, path: str, flags: int, attr: object) -> paramiko.SFTPHandle | int:
        if self.server_state.read_only:
            return paramiko.SFTP_PERMISSION_DENIED
        try:
            handle = os.open(self._path(path), flags, 0o600)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        made = paramiko.SFTPHandle(flags)
        made.filename = str(self._path(path))
        made.readfile = made.writefile = os.fdopen(handle, "wb" if flags & os.O_WRONLY else "r+b")
        made.stat = lambda: paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        return made

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        self._path(oldpath).replace(self._path(newpath))
        return paramiko.SFTP_OK

    def remove(self, path: str) -> int:
        self._path(path).unlink()
        return paramiko.SFTP_OK


class SftpServer:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.host_key = paramiko.ECDSAKey.generate()
        self.client_key = paramiko.ECDSAKey.generate()
        self.read_only = False
        self.logins: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.transports: list[paramiko.Transport] = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            transport.add_server_key(self.host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Folder)
            self.transports.append(transport)
            try:
                transport.start_server(server=Accounts(self))
            except (paramiko.SSHException, EOFError):
                transport.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for transport in self.transports:
            transport.close()
        self.thread.join(timeout=5)

    @property
    def line(self) -> str:
        return f"{self.host_key.get_name()} {self.host_key.get_base64()}"


@pytest.fixture
def server(tmp_path) -> Iterator[SftpServer]:
    (tmp_path / "eingang").mkdir()
    running = SftpServer(tmp_path)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def agency(issuer, server, settings) -> Agency:
    made = agency_of(
        issuer,
        transport="sftp",
        sftp_host="127.0.0.1",
        sftp_port=server.port,
        sftp_user="cms",
        sftp_folder="eingang",
        sftp_host_key=server.line,
    )
    accounts = {made.slug: {"PASSWORD": PASSWORD}}
    settings.CMS_BILLING = settings.CMS_BILLING | {"COLLECTION_ACCOUNTS": accounts}
    return made


def sent(agency: Agency, customer) -> HandOverSending:
    [case] = ready_cases(customer)
    given_to(agency, case)
    work()
    return HandOverSending.objects.get()


def test_the_file_lies_in_the_agencys_folder(agency, customer, server):
    row = sent(agency, customer)
    assert (row.work_state, row.encrypted, row.last_error) == ("done", True, "")
    [file] = (server.root / "eingang").iterdir()
    assert file.name == f"{row.hand_over.reference}.zip"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == HandOverFile.objects.get().sha256
    assert stat.S_ISREG(file.stat().st_mode)


def test_sent_twice_it_lies_there_once(agency, customer, server):
    row = sent(agency, customer)
    send_file(row)  # a worker that died before it could say so
    send_hand_over_again(hand_over_id=row.hand_over_id)
    work()
    assert len(list((server.root / "eingang").iterdir())) == 1
    assert HandOverSending.objects.filter(work_state="done").count() == 2


def test_half_a_file_is_overwritten(agency, customer, server):
    (server.root / "eingang" / f"U-{agency.issuer_id}-000001.zip.part").write_bytes(b"x" * 100_000)
    sent(agency, customer)
    [file] = (server.root / "eingang").iterdir()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == HandOverFile.objects.get().sha256


def test_another_server_in_its_place_gets_nothing(agency, customer, server):
    agency.sftp_host_key = SftpServer.line.fget(other_key())
    agency.save()
    row = sent(agency, customer)
    assert row.work_state == "failed"
    assert "another host key" in row.last_error
    assert server.logins == [], "not even the password was told"


def other_key():
    class Other:
        host_key = paramiko.ECDSAKey.generate()

    return Other


def test_a_wrong_password_is_said_and_not_shown(agency, customer, server, settings):
    settings.CMS_BILLING = settings.CMS_BILLING | {
        "COLLECTION_ACCOUNTS": {agency.slug: {"PASSWORD": "wrong-Sesam"}}
    }
    row = sent(agency, customer)
    assert row.work_state == "failed"
    assert "cms" in row.last_error
    assert "Sesam" not in row.last_error


def test_a_key_lets_in_as_well(agency, customer, server, settings):
    import io

    text = io.StringIO()
    server.client_key.write_private_key(text)
    settings.CMS_BILLING = settings.CMS_BILLING | {
        "COLLECTION_ACCOUNTS": {agency.slug: {"PRIVATE_KEY": text.getvalue()}}
    }
    assert sent(agency, customer).work_state == "done"


def test_no_login_no_folder_no_right_and_no_server(agency, customer, server, settings):
    assert "written there" in try_connection(agency)
    assert list((server.root / "eingang").iterdir()) == []
    server.read_only = True
    with pytest.raises(BillingError, match="may not write"):
        try_connection(agency)
    server.read_only = False
    agency.sftp_folder = "nirgends"
    with pytest.raises(BillingError, match="nirgends"):
        try_connection(agency)
    settings.CMS_BILLING = settings.CMS_BILLING | {"COLLECTION_ACCOUNTS": {}}
    with pytest.raises(BillingError, match=secrets.variable(agency.slug, "PASSWORD")):
        try_connection(agency)
    server.close()
    settings.CMS_BILLING = settings.CMS_BILLING | {
        "COLLECTION_ACCOUNTS": {agency.slug: {"PASSWORD": PASSWORD}}
    }
    with pytest.raises(sftp.NotTransferred):
        try_connection(agency)


def test_the_environment_holds_secrets_too(agency, settings, monkeypatch):
    settings.CMS_BILLING = settings.CMS_BILLING | {"COLLECTION_ACCOUNTS": {}}
    monkeypatch.setenv(secrets.variable(agency.slug, "PASSWORD"), PASSWORD)
    login = secrets.login_of(agency.slug)
    assert login.password == PASSWORD
    assert PASSWORD not in repr(login)


def test_a_copy_of_the_database_sends_nothing(agency, server, monkeypatch):
    monkeypatch.setattr(copies, "is_copy", lambda: True)
    with pytest.raises(CopySendsNothing):
        try_connection(agency)
    assert server.logins == []


@pytest.mark.parametrize(
    "line", ["", "ssh-ed25519", "ssh-ed25519 !!!", "hello world", "ssh-rsa AAAA\nssh-rsa BBBB"]
)
def test_what_is_no_host_key_is_refused(line):
    with pytest.raises(ValidationError):
        keys.validate_host_key(line)


# -- mail ------------------------------------------------------------------------------------------------------------


def certificate_for(name: str, *, days: int = 30, ago: int = 1):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=ago))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return key, made, made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def mailed(issuer, mail_server) -> Agency:  # noqa: F811
    return agency_of(issuer, transport="mail", mail_to="eingang@nord.example")


def test_a_mail_is_encrypted_for_the_agency_and_nobody_else(mailed, customer, mail_server):  # noqa: F811
    key, certificate, mailed.certificate = certificate_for("Inkasso Nord")
    mailed.save()
    row = sent(mailed, customer)
    assert (row.work_state, row.encrypted, row.last_error) == ("done", True, "")
    message = mail_server.only_message()
    assert message["To"] == "eingang@nord.example"
    assert message["Message-ID"] == row.message_id
    assert message.get_content_type() == "application/pkcs7-mime"
    assert message.get_param("smime-type") == "enveloped-data"
    [raw] = mail_server.contents
    assert b"Berg" not in raw
    opened = pkcs7.pkcs7_decrypt_der(message.get_payload(decode=True), certificate, key, [])
    inner = email.message_from_bytes(opened, policy=email.policy.default)
    [attached] = inner.iter_attachments()
    assert attached.get_filename() == f"{row.hand_over.reference}.zip"
    assert hashlib.sha256(attached.get_content()).hexdigest() == HandOverFile.objects.get().sha256
    assert row.hand_over.reference in inner.get_body(("plain",)).get_content()
    other_private, other, _pem = certificate_for("Somebody else")
    with pytest.raises(ValueError, match=r".+"):
        pkcs7.pkcs7_decrypt_der(message.get_payload(decode=True), other, other_private, [])


def test_a_mail_sent_again_after_a_crash_has_the_same_id(mailed, customer, mail_server):  # noqa: F811
    row = sent(mailed, customer)
    send_file(row)
    ids = {message["Message-ID"] for _to, message in mail_server.taken}
    assert (len(mail_server.taken), ids) == (2, {row.message_id})


def test_without_a_certificate_it_is_a_plain_mail(mailed, customer, mail_server):  # noqa: F811
    row = sent(mailed, customer)
    assert row.encrypted is False
    [attached] = mail_server.only_message().iter_attachments()
    assert box_of(row.hand_over).namelist()
    assert attached.get_content_type() == "application/zip"


def test_an_expired_certificate_stops_the_mail(mailed, customer, mail_server):  # noqa: F811
    _key, _certificate, mailed.certificate = certificate_for("Inkasso Nord", days=-1, ago=30)
    mailed.save()
    row = sent(mailed, customer)
    assert row.work_state == "failed"
    assert "not valid today" in row.last_error
    assert mail_server.taken == []


def test_a_refused_mail_stands_on_the_to_do_list(mailed, customer, mail_server):  # noqa: F811
    mail_server.answers["eingang@nord.example"] = "550 no such user"
    row = sent(mailed, customer)
    assert row.work_state == "failed"
    assert "550" in row.last_error


def test_a_file_too_large_for_mail_says_so(mailed, customer, mail_server, monkeypatch):  # noqa: F811
    monkeypatch.setattr(mailing, "LARGEST", 100)
    row = sent(mailed, customer)
    assert row.work_state == "failed"
    assert "SFTP" in row.last_error


def test_the_test_mail_holds_no_claim(mailed, mail_server):  # noqa: F811
    assert "not encrypted" in try_connection(mailed)
    assert list(mail_server.only_message().iter_attachments()) == []
    key, certificate, mailed.certificate = certificate_for("Inkasso Nord")
    assert "encrypted test mail" in try_connection(mailed)
    sealed = mail_server.taken[1][1].get_payload(decode=True)
    assert pkcs7.pkcs7_decrypt_der(sealed, certificate, key, [])


def test_no_certificate_and_no_private_key_are_taken(mailed):
    key, _certificate, pem = certificate_for("x")
    keys.validate_certificate(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    for text in ("hello", private, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"):
        with pytest.raises(ValidationError):
            keys.validate_certificate(text)
    assert clock.now()
