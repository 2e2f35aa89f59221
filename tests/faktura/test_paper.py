"""Letters on paper: who gets them, in which order, once; and what a print file holds."""

import io

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from pypdf import PdfReader
from wagtail.models import ModelLogEntry

from cms_billing.core import clock, outbox
from cms_billing.faktura import archive, delivery_vetoes
from cms_billing.faktura.models import Delivery, DocumentKind, PaperLetter, PrintFile
from cms_billing.faktura.printing import postal_order
from cms_billing.faktura.selectors import documents_without_delivery
from cms_billing.faktura.services import (
    InLineAlready,
    NothingToPrint,
    NotPrinted,
    content_of,
    make_print_files,
    mark_sent_by_post,
    post_print_file,
    print_again,
    send_again,
)
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory

from .documents import issue, render

pytestmark = pytest.mark.django_db


def customer_at(issuer, postal_code: str, city: str, **changes):
    return CustomerFactory(
        issuer=issuer, postal_code=postal_code, city=city, street="Weg 1", **{"email": "", **changes}
    )


def archived(*customers):
    documents = [issue(customer) for customer in customers]
    render()
    return documents


def print_all(issuer, **changes) -> PrintFile:
    [file] = make_print_files(issuer=issuer, **changes)
    assert outbox.drain(PrintFile, now=clock.now()).done == 1
    file.refresh_from_db()
    return file


def texts_of(file: PrintFile) -> list[str]:
    reader = PdfReader(io.BytesIO(content_of(file)))
    return [" ".join(page.extract_text().split()) for page in reader.pages]


@pytest.fixture
def issuer():
    return IssuerFactory(name="Akademie", country="DE")


def test_addresses_in_the_order_of_the_post():
    addresses = [
        ("Z\nWeg 1\n99999 Ort", "DE"),
        ("A\nWeg 1\n1010 Wien", "AT"),
        ("B\nWeg 1\n01067 Dresden", "DE"),
        ("C\nWeg 1\n10115 Berlin", "DE"),
        ("A\nWeg 1\n10115 Berlin", "DE"),
        ("D\nohne Ort", "DE"),
        ("E\nStraat 1\n1012 AB Amsterdam", "NL"),
    ]
    ordered = sorted(addresses, key=lambda one: postal_order(*one, home="DE"))
    assert [address.splitlines()[0] for address, _country in ordered] == ["B", "A", "C", "Z", "D", "A", "E"]


def test_without_an_address_a_letter_waits_for_print_with_the_reason(issuer):
    [document] = archived(customer_at(issuer, "10115", "Berlin"))
    row = PaperLetter.objects.get()
    assert (row.document, row.cause, row.state) == (document, "no_address", "waiting for print")
    assert list(documents_without_delivery()) == [document]
    assert not Delivery.objects.exists()


def test_print_file_has_every_letter_once_in_postal_order_behind_its_list(issuer):
    _south, north = archived(customer_at(issuer, "80331", "München"), customer_at(issuer, "20095", "Hamburg"))
    file = print_all(issuer)
    assert (file.letters, file.pages, file.work_state) == (2, 6, "done")
    pages = texts_of(file)
    assert pages[0].index("20095 Hamburg") < pages[0].index("80331 München")
    assert "20095 Hamburg" in pages[2]
    assert "80331 München" in pages[4]
    assert [pages[1], pages[3], pages[5]] == ["", "", ""]  # the backs of the sheets
    assert list(file.letters_in_it.order_by("position").values_list("first_page", "pages")) == [
        (3, 1),
        (5, 1),
    ]
    letter = archive.archived_pdf(north)
    assert PdfReader(io.BytesIO(letter)).pages[0].extract_text() == (
        PdfReader(io.BytesIO(content_of(file))).pages[2].extract_text()
    )
    with pytest.raises(NothingToPrint):
        make_print_files(issuer=issuer)


def test_one_sided_print_has_no_empty_pages(issuer):
    archived(customer_at(issuer, "80331", "München"), customer_at(issuer, "20095", "Hamburg"))
    assert print_all(issuer, two_sided=False).pages == 3


def test_large_batches_become_several_files(issuer, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "PRINT_FILE_LETTERS": 2}
    archived(*(customer_at(issuer, f"1011{n}", "Berlin") for n in range(3)))
    files = make_print_files(issuer=issuer)
    assert [file.letters for file in files] == [2, 1]


def test_posted_letters_count_as_sent(issuer):
    [document] = archived(customer_at(issuer, "10115", "Berlin"))
    [file] = make_print_files(issuer=issuer)
    with pytest.raises(NotPrinted, match="being made"):
        post_print_file(file_id=file.pk)
    outbox.drain(PrintFile, now=clock.now())
    assert post_print_file(file_id=file.pk) == 1
    row = Delivery.objects.get()
    assert (row.document, row.purpose, row.to, row.work_state) == (document, "first", "", "done")
    assert row.sent_at
    assert PaperLetter.objects.get().state == "posted"
    assert not documents_without_delivery().exists()
    with pytest.raises(NotPrinted, match="in the post already"):
        post_print_file(file_id=file.pk)


def test_printed_again_with_its_reason_only(issuer):
    [document] = archived(customer_at(issuer, "10115", "Berlin"))
    with pytest.raises(InLineAlready):
        print_again(document=document, reason="lost")
    post_print_file(file_id=print_all(issuer).pk)
    print_again(document=document, reason="came back")
    second = print_all(issuer)
    assert second.letters_in_it.get().reason == "came back"
    post_print_file(file_id=second.pk)
    assert list(Delivery.objects.order_by("pk").values_list("purpose", flat=True)) == ["first", "again"]


def test_what_was_mailed_or_posted_by_hand_is_not_printed(issuer):
    first, second = archived(customer_at(issuer, "10115", "Berlin"), customer_at(issuer, "10117", "Berlin"))
    send_again(document=first, to="anna@example.org")
    mark_sent_by_post(document=second)
    with pytest.raises(NothingToPrint):
        make_print_files(issuer=issuer)
    assert "by e-mail instead" in PaperLetter.objects.get(document=first).withdrawn_because


def test_what_is_settled_before_print_is_left_out_and_what_is_damaged_waits(issuer, monkeypatch):
    paid, broken, good = archived(*(customer_at(issuer, f"1011{n}", "Berlin") for n in range(3)))
    monkeypatch.setitem(
        delivery_vetoes._vetoes, DocumentKind.INVOICE, [lambda d: "Paid." if d.pk == paid.pk else ""]
    )
    record = broken.archive_records.get()
    path = archive.archive_storage().path(archive.storage_name(record.sha256))
    with open(path, "ab") as file:
        file.write(b"x")
    made = print_all(issuer)
    assert made.letters == 1
    rows = {row.document_id: row for row in PaperLetter.objects.all()}
    assert rows[paid.pk].withdrawn_because == "Paid."
    assert Delivery.objects.get(document=paid).last_error == "Paid."
    assert (rows[broken.pk].print_file, "has been changed" in rows[broken.pk].problem) == (None, True)
    assert rows[good.pk].position == 3


def test_the_number_of_statements_to_make_a_file_does_not_grow(issuer, django_assert_max_num_queries):
    archived(*(customer_at(issuer, f"1011{n}", "Berlin") for n in range(8)))
    with django_assert_max_num_queries(14):
        make_print_files(issuer=issuer)


# -- the admin ------------------------------------------------------------------------------------------------------


def clerk(client, issuer, *codes):
    group = Group.objects.create(name=f"Post {issuer.pk}")
    group.permissions.set(Permission.objects.filter(codename__in=["access_admin", *codes]))
    issuer.groups.add(group)
    user = UserFactory()
    user.groups.add(group)
    client.force_login(user)
    return user


def test_letters_are_printed_downloaded_and_posted_in_the_admin(client, issuer):
    [document] = archived(customer_at(issuer, "10115", "Berlin"))
    user = clerk(client, issuer, "view_paperletter", "view_printfile", "print_document", "view_document")
    page = client.get(reverse("billing-paperletter:index")).content.decode()
    make = reverse("billing-paperletter:make", args=[issuer.pk])
    assert make in page
    assert "the customer has no e-mail address" in page
    assert client.get(make).status_code == 200
    client.post(make, {"two_sided": "on"})
    outbox.drain(PrintFile, now=clock.now())
    file = PrintFile.objects.get()
    inspect = reverse("billing-printfile:inspect", args=[file.pk])
    assert document.number in client.get(inspect).content.decode()
    assert "Print file" in client.get(reverse("billing-printfile:index")).content.decode()
    response = client.get(reverse("billing-printfile:download", args=[file.pk]))
    assert response.content == content_of(file)
    assert ModelLogEntry.objects.filter(action="cms_billing.download_print_file", user=user).count() == 1
    client.post(reverse("billing-printfile:posted", args=[file.pk]))
    file.refresh_from_db()
    assert file.posted_at
    shown = client.get(reverse("billing-document:inspect", args=[document.pk])).content.decode()
    assert "On paper" in shown
    for state, found in (("posted", True), ("waiting", False)):
        listed = client.get(reverse("billing-paperletter:index") + f"?state={state}").content.decode()
        assert (document.number in listed) is found


def test_the_neighbours_letters_are_not_there_and_looking_is_not_printing(client, issuer):
    archived(customer_at(issuer, "10115", "Berlin"))
    file = print_all(issuer)
    neighbour = IssuerFactory()
    clerk(client, neighbour, "view_paperletter", "view_printfile", "print_document")
    for name in ("inspect", "download", "posted"):
        assert client.get(reverse(f"billing-printfile:{name}", args=[file.pk])).status_code == 404, name
    assert client.get(reverse("billing-paperletter:make", args=[issuer.pk])).status_code == 404
    clerk(client, issuer, "view_paperletter", "view_printfile")
    assert client.get(reverse("billing-printfile:inspect", args=[file.pk])).status_code == 200
    assert client.get(reverse("billing-printfile:download", args=[file.pk])).status_code == 404
    client.post(reverse("billing-printfile:posted", args=[file.pk]))
    file.refresh_from_db()
    assert file.posted_at is None
