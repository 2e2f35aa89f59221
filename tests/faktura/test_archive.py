"""What has been issued is kept, proves itself, and is found out when somebody touches it."""

import errno
import os
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from cms_billing.core import freezing
from cms_billing.faktura import archive
from cms_billing.faktura.models import ArchiveHead, ArchiveRecord, Delivery, OpenItem, Rendering
from cms_billing.faktura.selectors import documents_without_delivery
from cms_billing.faktura.services import mark_sent_by_post, send_again
from cms_billing.faktura.signals import document_archived
from cms_billing.testing.factories import CustomerFactory

from .documents import archived, issue, render

pytestmark = pytest.mark.django_db


class FullDisk(FileSystemStorage):
    """Takes the first bytes of a file and then has no room."""

    def path(self, name: str) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class LosesBytes(InMemoryStorage):
    def _save(self, name, content):
        content.truncate(10)
        return super()._save(name, content)


def use_storage(monkeypatch, storage) -> None:
    monkeypatch.setattr(archive, "archive_storage", lambda: storage)


def archive_file(record: ArchiveRecord) -> Path:
    location = settings.STORAGES["cms_billing_archive"]["OPTIONS"]["location"]
    return Path(location) / archive.storage_name(record.sha256)


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("billing_verify", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def verify_fails(*arguments: str) -> str:
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("billing_verify", *arguments, stdout=out, no_color=True)
    assert error.value.returncode == 1
    return out.getvalue()


def with_frozen_tables_open(statement: str, *parameters) -> None:
    """As somebody with the database's password would do it."""
    freezing.drop_triggers(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    freezing.install_triggers(connection)


def test_rendering_archives_the_pdf_and_makes_the_first_delivery(django_capture_on_commit_callbacks):
    heard = []
    document_archived.connect(lambda **news: heard.append(news["document_id"]), weak=False, dispatch_uid="t")
    document = issue()
    with django_capture_on_commit_callbacks(execute=True):
        assert render(document).done == 1
    document_archived.disconnect(dispatch_uid="t")
    record = ArchiveRecord.objects.get(document=document)
    assert archive.archived_pdf(document).startswith(b"%PDF-")
    assert (record.sequence, record.filename, record.size) == (
        1,
        "RE-2026-000001.pdf",
        archive_file(record).stat().st_size,
    )
    delivery = Delivery.objects.get(document=document)
    assert (delivery.to, delivery.purpose, delivery.work_state) == (
        document.recipient_email,
        "first",
        "pending",
    )
    assert heard == [document.pk]


def test_rendering_twice_archives_once():
    document = archived()
    Rendering.objects.filter(document=document).update(work_state="pending")
    assert render(document).done == 1
    assert ArchiveRecord.objects.count() == 1
    assert Delivery.objects.count() == 1


def test_records_are_chained_for_each_issuer():
    customer = CustomerFactory()
    for _ in range(3):
        archived(customer)
    archived()
    records = list(ArchiveRecord.objects.filter(issuer=customer.issuer).order_by("sequence"))
    assert [record.sequence for record in records] == [1, 2, 3]
    assert [record.previous_hash for record in records] == ["", *(r.chain_hash for r in records[:-1])]
    assert ArchiveHead.objects.get(issuer=customer.issuer).chain_hash == records[-1].chain_hash
    assert ArchiveHead.objects.count() == 2


def test_customer_without_an_address_waits_for_the_post():
    document = archived(CustomerFactory(email=""))
    assert not Delivery.objects.exists()
    assert list(documents_without_delivery()) == [document]
    mark_sent_by_post(document=document)
    assert not documents_without_delivery().exists()


def test_a_document_without_pdf_cannot_be_sent_again():
    document = issue()
    with pytest.raises(archive.NotArchivedYet, match="has no PDF yet"):
        send_again(document=document, to="neu@example.org")
    with pytest.raises(archive.NotArchivedYet):
        archive.archived_pdf(document)


@pytest.mark.parametrize("storage", [FullDisk(location="/nowhere")])
def test_full_disk_leaves_nothing_and_is_tried_again(monkeypatch, storage):
    document = issue()
    with monkeypatch.context() as patch:
        use_storage(patch, storage)
        assert render(document).retry == 1
    rendering = Rendering.objects.get()
    assert "disk of the archive is full" in rendering.last_error
    assert rendering.work_state == "pending"
    assert not ArchiveRecord.objects.exists()
    assert not Delivery.objects.exists()
    Rendering.objects.update(next_try_at=None)
    assert render(document).done == 1


def test_disk_that_fills_up_while_writing_leaves_no_file(monkeypatch, tmp_path):
    storage = FileSystemStorage(location=tmp_path)
    use_storage(monkeypatch, storage)

    def no_room(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(archive.os, "fsync", no_room)
    with pytest.raises(archive.ArchiveNotWritable, match="Make room"):
        archive.store_bytes(b"content")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_storage_that_loses_bytes_is_found_out(monkeypatch):
    use_storage(monkeypatch, LosesBytes())
    with pytest.raises(archive.ArchiveNotWritable, match="other bytes"):
        archive.store_bytes(b"more than ten bytes")


def test_object_storage_keeps_the_same_bytes_once(monkeypatch):
    storage = InMemoryStorage()
    use_storage(monkeypatch, storage)
    first, second = archive.store_bytes(b"content"), archive.store_bytes(b"content")
    assert first == second
    assert storage.listdir(first.sha256[:2])[1] == [first.sha256]


def test_half_a_file_of_a_crash_is_replaced(monkeypatch):
    storage = InMemoryStorage()
    use_storage(monkeypatch, storage)
    stored = archive.store_bytes(b"content")
    with storage.open(archive.storage_name(stored.sha256), "wb") as file:
        file.write(b"con")
    assert archive.store_bytes(b"content") == stored
    assert storage.open(archive.storage_name(stored.sha256)).read() == b"content"


def test_verify_is_content_with_what_was_issued():
    customer = CustomerFactory()
    archived(customer)
    archived(customer)
    assert "Everything is as it was issued." in verify()
    assert "archive: good" in verify("--issuer", customer.issuer.name)


def test_flipped_byte_is_named_and_not_shown():
    customer = CustomerFactory()
    documents = [archived(customer) for _ in range(3)]
    record = ArchiveRecord.objects.get(document=documents[1])
    path = archive_file(record)
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    report = verify_fails("--issuer", str(customer.issuer_id))
    assert "Archive record 2: The archived file of RE-2026-000002.pdf has been changed" in report
    assert "RE-2026-000001" not in report
    assert "RE-2026-000003" not in report
    with pytest.raises(archive.ArchiveDamaged):
        archive.archived_pdf(documents[1])


def test_missing_file_is_named():
    document = archived()
    archive_file(ArchiveRecord.objects.get(document=document)).unlink()
    assert "RE-2026-000001.pdf cannot be read" in verify_fails()


def test_changed_record_breaks_the_chain_where_it_was_changed():
    customer = CustomerFactory()
    for _ in range(3):
        archived(customer)
    with_frozen_tables_open(
        f"UPDATE {ArchiveRecord._meta.db_table} SET filename = %s WHERE sequence = 2", "other.pdf"
    )
    assert "Archive record 2 (other.pdf) has been changed" in verify_fails()


def test_removed_record_is_missed_in_the_middle_and_at_the_end():
    customer = CustomerFactory()
    for _ in range(3):
        archived(customer)
    with transaction.atomic():
        with_frozen_tables_open(f"DELETE FROM {ArchiveRecord._meta.db_table} WHERE sequence = 3")
        assert "ends at record 2 but had 3" in verify_fails()
        with_frozen_tables_open(f"DELETE FROM {ArchiveRecord._meta.db_table} WHERE sequence = 1")
        assert "Archive record 1 is missing" in verify_fails()


def test_open_item_that_is_not_its_ledger_is_named():
    document = archived()
    OpenItem.objects.filter(pk=document.pk).update(open_minor=989)
    report = verify_fails()
    assert "RE-2026-000001: open are 9.89 EUR, but its ledger entries add up to 9.90 EUR" in report


def test_gap_in_the_numbers_is_named():
    customer = CustomerFactory()
    documents = [archived(customer) for _ in range(3)]
    with_frozen_tables_open(
        f"UPDATE {type(documents[0])._meta.db_table} SET sequence = 7, number = 'RE-2026-000007' WHERE id = %s",
        documents[1].pk,
    )
    report = verify_fails()
    assert "number 2 is missing" in report
    assert "the next one to be given is 4" in report


def test_verify_of_an_unknown_issuer_names_those_there_are():
    customer = CustomerFactory()
    with pytest.raises(CommandError, match=f"Known: {customer.issuer.name}"):
        verify("--issuer", "nobody")
