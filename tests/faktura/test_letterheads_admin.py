"""Letterheads in the admin: whose they are, what the form takes, what the preview shows."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from cms_billing.core.roles import create_groups
from cms_billing.faktura.models import Letterhead
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, LetterheadFactory, UserFactory

from . import letterhead_files as files
from .documents import issue

pytestmark = pytest.mark.django_db
UPLOAD = "billing-letterhead:upload"


@pytest.fixture
def letterhead():
    return LetterheadFactory(
        issuer=IssuerFactory(name="Akademie", legal_name="Akademie GmbH"), template="modern"
    )


@pytest.fixture
def editor(client, letterhead):
    """One of the billing editors, who sees one issuer."""
    create_groups()
    user = UserFactory(is_staff=True)
    group = Group.objects.get(name="Billing editors")
    user.groups.add(group)
    letterhead.issuer.groups.add(group)
    client.force_login(user)
    return client


def edit_url(letterhead: Letterhead) -> str:
    return reverse("billing-letterhead:edit", args=[letterhead.pk])


def form_of(letterhead: Letterhead, **changes) -> dict:
    return {"issuer": letterhead.issuer_id, "kind": letterhead.kind, "template": "bold", **changes}


def test_editors_change_the_letterheads_of_their_issuers(editor, letterhead):
    assert editor.get(reverse("billing-letterhead:index")).status_code == 200
    response = editor.post(edit_url(letterhead), form_of(letterhead, accent_color="#aa3322", show_qr="false"))
    assert response.status_code == 302
    letterhead.refresh_from_db()
    assert (letterhead.template, letterhead.accent_color) == ("bold", "#aa3322")
    assert (letterhead.show_qr, letterhead.show_bank) == (False, None)


def test_the_neighbours_letterhead_is_not_there(editor):
    other = LetterheadFactory()
    assert editor.get(edit_url(other)).status_code == 404
    assert editor.get(reverse("billing-letterhead:preview_on_edit", args=[other.pk])).status_code == 404
    assert str(other.issuer) not in editor.get(reverse("billing-letterhead:index")).content.decode()


def test_a_letterhead_cannot_be_given_to_a_neighbour(editor, letterhead):
    response = editor.post(edit_url(letterhead), form_of(letterhead, issuer=IssuerFactory().pk))
    assert response.status_code == 200
    assert "issuer" in response.context["form"].errors


def test_without_the_permission_nothing_is_edited_or_uploaded(client, letterhead):
    user = UserFactory(is_staff=True)
    group = Group.objects.create(name="Lesende")
    group.permissions.add(
        Permission.objects.get(codename="access_admin"), Permission.objects.get(codename="view_letterhead")
    )
    user.groups.add(group)
    letterhead.issuer.groups.add(group)
    client.force_login(user)
    assert client.get(reverse("billing-letterhead:index")).status_code == 200
    for response in (
        client.get(edit_url(letterhead)),
        client.post(reverse(UPLOAD), {"file": SimpleUploadedFile("a.pdf", b"%PDF-")}),
    ):
        assert response.status_code in (302, 403)
    assert client.get(reverse(UPLOAD)).status_code in (302, 403, 405)


def test_an_upload_is_kept_and_used_or_refused_with_its_reason(editor, letterhead):
    paper = SimpleUploadedFile("papier.pdf", files.written(files.drawing()))
    kept = editor.post(reverse(UPLOAD), {"file": paper}).json()
    assert kept["thumbnail"].startswith("data:image/png;base64,")
    editor.post(edit_url(letterhead), form_of(letterhead, first_background=kept["sha256"]))
    letterhead.refresh_from_db()
    assert letterhead.first_background == kept["sha256"]
    response = editor.post(reverse(UPLOAD), {"file": SimpleUploadedFile("x.pdf", b"%PDF-1.7")})
    assert response.status_code == 422
    assert "x.pdf" in response.json()["error"]
    assert editor.post(reverse(UPLOAD)).status_code == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_background", "a" * 64),
        ("template", "gone"),
        ("font", "gone"),
        ("accent_color", "red; } * {"),
        ("margin_left", "3"),
        ("footer_1", "{iben}"),
        ("kind", "invoice"),
    ],
)
def test_what_cannot_be_printed_is_refused_at_its_field(editor, letterhead, field, value):
    LetterheadFactory(issuer=letterhead.issuer, kind="invoice")
    response = editor.post(edit_url(letterhead), form_of(letterhead, **{field: value}))
    assert list(response.context["form"].errors) == [field]


def test_the_preview_shows_the_latest_document_in_the_unsaved_design(client, letterhead, monkeypatch):
    document = issue(CustomerFactory(issuer=letterhead.issuer))
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    shown = []
    monkeypatch.setattr(
        "cms_billing.faktura.letterhead_previews.render_pdf",
        lambda data: shown.append(data) or files.written(files.drawing(pages=6)),
    )
    url = reverse("billing-letterhead:preview_on_edit", args=[letterhead.pk])
    told = client.post(url, form_of(letterhead, accent_color="#aa3322", name="x")).json()
    assert told == {"is_valid": True, "is_available": True}
    page = client.get(url + "?mode=latest").content.decode()
    assert page.count("data:image/png;base64,") == 4
    assert "2 more pages" in page
    assert (shown[0].number, shown[0].design.template, shown[0].design.accent) == (
        document.number,
        "bold",
        "#aa3322",
    )
    for mode, lines in (("one", 1), ("many", 60), ("taxes", 10), ("letter", 0)):
        client.get(f"{url}?mode={mode}")
        assert len(shown[-1].lines) == lines
    letterhead.refresh_from_db()
    assert letterhead.template == "modern"


def test_a_new_letterhead_begins_with_the_only_issuer_and_is_shown_unsaved(editor, letterhead):
    form = editor.get(reverse("billing-letterhead:add")).context["form"]
    assert form["issuer"].value() == letterhead.issuer_id
    url = reverse("billing-letterhead:preview_on_add")
    told = editor.post(url, {"issuer": letterhead.issuer_id, "kind": "invoice", "template": "bold"}).json()
    assert told["is_valid"]
    assert "data:image/png;base64," in editor.get(url + "?mode=one").content.decode()
    assert Letterhead.objects.count() == 1


def test_the_list_asks_the_same_few_questions_for_many(editor, letterhead, django_assert_max_num_queries):
    editor.get(reverse("billing-letterhead:index"))
    for kind in ("invoice", "cancellation", "credit_note", "dunning_letter"):
        LetterheadFactory(issuer=letterhead.issuer, kind=kind)
    with django_assert_max_num_queries(22):
        assert b"Akademie" in editor.get(reverse("billing-letterhead:index")).content
