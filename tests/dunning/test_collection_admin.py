"""Agencies, hand-overs and status files in Wagtail's admin: who sees what, and what the buttons do."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from wagtail.models import ModelLogEntry
from wagtail.test.utils.form_data import inline_formset, nested_form_data

from cms_billing.core import clock
from cms_billing.dunning.models import Agency, Case, HandOver, HandOverClaim, StatusFile
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .collection import agency_of, document_of, given_to, ready_cases, work
from .conftest import case_of, invoice_due, run
from .test_admin import accountant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

ALL = (
    "view_case",
    "view_agency",
    "change_agency",
    "add_agency",
    "view_handover",
    "view_handoverclaim",
    "view_statusfile",
    "release_handover",
    "download_handover",
    "recall_handover",
    "import_agencystatus",
    "record_payment",
    "write_off_document",
    "write_off_without_limit",
)


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 3, 12, 10, tzinfo=UTC)):
        yield


@pytest.fixture
def case(customer) -> Case:
    [case] = ready_cases(customer)
    return case


@pytest.fixture
def agency(issuer) -> Agency:
    return agency_of(issuer, is_default=True)


def hand_over_url(*cases: Case) -> str:
    url = reverse("wagtail_bulk_action", args=["cms_billing_dunning", "case", "hand_over"])
    return f"{url}?{'&'.join(f'id={case.pk}' for case in cases)}&next=/admin/"


def test_ready_cases_are_released_from_their_list(client, issuer, case, agency):
    accountant(client, issuer, *ALL)
    page = client.get(reverse("billing-collection-ready:index")).content.decode()
    assert document_of(case).number in page
    assert reverse("billing-dunning:inspect", args=[case.pk]) in page
    assert "hand_over" in page
    asked = client.get(hand_over_url(case)).content.decode()
    assert f'<option value="{agency.pk}" selected>' in asked
    client.post(hand_over_url(case), {"agency": agency.pk, "ids": str(case.pk)})
    made = HandOver.objects.get()
    assert made.user is not None
    case.refresh_from_db()
    assert case.state == Case.State.HANDED_OVER
    assert (
        document_of(case).number not in client.get(reverse("billing-collection-ready:index")).content.decode()
    )


def test_cases_are_handed_over_from_the_list_of_all_cases(client, issuer, customer, case, agency):
    """Those that are not ready stay, and say why."""
    late = invoice_due(CustomerFactory(issuer=issuer), date(2026, 3, 1))
    run(issuer, date(2026, 3, 10))
    young = case_of(late)
    accountant(client, issuer, *ALL)
    assert "hand_over_cases" in client.get(reverse("billing-dunning:index")).content.decode()
    url = hand_over_url(case, young).replace("/hand_over/", "/hand_over_cases/")
    asked = client.get(url).content.decode()
    assert "not ready for collection" in asked
    assert f'<option value="{agency.pk}" selected>' in asked
    client.post(url, {"agency": agency.pk, "ids": f"{case.pk},{young.pk}"})
    made = HandOver.objects.get()
    assert list(made.claims.values_list("case", flat=True)) == [case.pk]
    assert {c.pk: c.state for c in Case.objects.all()} == {case.pk: "handed_over", young.pk: "open"}


def test_the_neighbours_cases_are_not_handed_over(client, case, agency):
    accountant(client, IssuerFactory(), *ALL)
    url = hand_over_url(case).replace("/hand_over/", "/hand_over_cases/")
    client.post(url, {"agency": agency.pk, "ids": str(case.pk)})
    assert not HandOver.objects.exists()


def test_pages_of_a_hand_over_its_claim_and_its_agency(client, issuer, case, agency):
    made = given_to(agency, case)
    work()
    user = accountant(client, issuer, *ALL)
    claim = HandOverClaim.objects.get()
    for url, texts in {
        reverse("billing-hand-over:index"): [made.reference, "Inkasso Nord"],
        reverse("billing-hand-over:inspect", args=[made.pk]): ["manifest.json", made.file.sha256 or "SHA"],
        reverse("billing-agency-claim:index"): [document_of(case).number],
        reverse("billing-agency-claim:inspect", args=[claim.pk]): ["Recall", "Write off", "49.00"],
        reverse("billing-agency:index"): ["Inkasso Nord"],
        reverse("billing-agency:inspect", args=[agency.pk]): ["Uebergabe_ID", "RE-2026-000042"],
        reverse("billing-agency:edit", args=[agency.pk]): ["Columns", "Host key", "Art. 5 GDPR"],
        reverse("billing-status-file:index"): [],
        reverse("billing-dunning:inspect", args=[case.pk]): ["At an agency", made.reference],
    }.items():
        response = client.get(url)
        assert response.status_code == 200, url
        for text in texts:
            assert text in response.content.decode(), (url, text)
    response = client.get(reverse("billing-hand-over:download", args=[made.pk]))
    assert b"".join(response.streaming_content).startswith(b"PK")
    assert response["X-Content-Type-Options"] == "nosniff"
    entry = ModelLogEntry.objects.filter(action="cms_billing.download_hand_over").get()
    assert entry.user == user
    sample = client.get(reverse("billing-agency:sample", args=[agency.pk]))
    assert sample.content.startswith(b"\xef\xbb\xbf")


def test_an_agency_with_columns_is_made_on_one_page(client, issuer):
    accountant(client, issuer, *ALL)
    data = {
        "name": "Kanzlei Süd", "kind": "lawyer", "issuer": issuer.pk, "client_number": "4711", "slug": "sued",
        "is_active": "on", "minimum": "25.00", "paid_to": "agency", "country": "DE",
        "transport": "download", "sftp_port": 22, "encoding": "cp1252", "unknown_letters": "replace",
        "delimiter": ";", "quoting": "all", "line_end": "crlf", "decimal_sign": ",", "date_format": "%d.%m.%Y",
        "with_header": "on", "status_hand_over": "A", "status_document": "B", "status_status": "C",
        "columns": inline_formset(
            [{"key": "total", "heading": "Betrag", "ORDER": 1}, {"key": "last_name", "heading": "", "ORDER": 0}]
        ),
        "status_words": inline_formset([{"word": "E7", "status": "closed"}]),
    }  # fmt: skip
    response = client.post(reverse("billing-agency:add"), nested_form_data(data))
    assert response.status_code == 302, response.context["form"].errors
    made = Agency.objects.get(slug="sued")
    assert made.minimum_minor == 2500
    assert made.chosen_columns() == [("last_name", "Nachname"), ("total", "Betrag")]


def test_recall_and_write_off_by_buttons(client, issuer, case, agency):
    given_to(agency, case)
    accountant(client, issuer, *ALL)
    claim = HandOverClaim.objects.get()
    client.post(
        reverse("billing-agency-claim:recall", args=[claim.pk]), {"reason": "Settled", "state": "stopped"}
    )
    claim.refresh_from_db()
    assert claim.recall_reason == "Settled"
    client.post(reverse("billing-agency-claim:write_off", args=[claim.pk]), {"note": ""})
    claim.document.open_item.refresh_from_db()
    assert claim.document.open_item.open_minor == 0


def test_a_status_file_is_uploaded_looked_at_and_applied(client, issuer, case, agency):
    made = given_to(agency, case)
    accountant(client, issuer, *ALL)
    number = document_of(case).number
    text = f"Uebergabe_ID;Belegnummer;Status;Gezahlt\n{made.reference};{number};bezahlt;9,00\nx;y;z;\n"
    upload = SimpleUploadedFile("<b>März</b>.csv", text.encode(), "text/csv")
    response = client.post(reverse("billing-agency:import", args=[agency.pk]), {"file": upload})
    file = StatusFile.objects.get()
    assert response["Location"] == reverse("billing-status-file:inspect", args=[file.pk])
    page = client.get(response["Location"]).content.decode()
    assert "No claim of this hand-over" in page
    assert "<b>März" not in page
    client.post(reverse("billing-status-file:apply", args=[file.pk]), {"way": "transfer"})
    case.document.open_item.refresh_from_db()
    assert case.document.open_item.open_minor == 4000
    again = client.post(
        reverse("billing-agency:import", args=[agency.pk]),
        {"file": SimpleUploadedFile("x.csv", text.encode(), "text/csv")},
    )
    assert "came in before" in again.content.decode()


def test_payments_in_a_file_need_the_right_to_enter_them(client, issuer, case, agency):
    made = given_to(agency, case)
    accountant(client, issuer, *(set(ALL) - {"record_payment"}))
    text = f"Uebergabe_ID;Belegnummer;Status;Gezahlt\n{made.reference};{document_of(case).number};bezahlt;9\n"
    upload = SimpleUploadedFile("x.csv", text.encode())
    client.post(reverse("billing-agency:import", args=[agency.pk]), {"file": upload})
    file = StatusFile.objects.get()
    client.post(reverse("billing-status-file:apply", args=[file.pk]), {"way": "transfer"})
    file.refresh_from_db()
    assert file.state == "read"


def addresses(made: HandOver) -> dict[str, str]:
    claim, agency = made.claims.get(), made.agency
    return {
        "hand-over": reverse("billing-hand-over:inspect", args=[made.pk]),
        "download": reverse("billing-hand-over:download", args=[made.pk]),
        "send": reverse("billing-hand-over:send", args=[made.pk]),
        "claim": reverse("billing-agency-claim:inspect", args=[claim.pk]),
        "recall": reverse("billing-agency-claim:recall", args=[claim.pk]),
        "write off": reverse("billing-agency-claim:write_off", args=[claim.pk]),
        "agency": reverse("billing-agency:inspect", args=[agency.pk]),
        "edit": reverse("billing-agency:edit", args=[agency.pk]),
        "test": reverse("billing-agency:test", args=[agency.pk]),
        "sample": reverse("billing-agency:sample", args=[agency.pk]),
        "import": reverse("billing-agency:import", args=[agency.pk]),
    }


def test_the_neighbours_agencies_and_claims_are_not_there(client, case, agency):
    made = given_to(agency, case)
    work()
    neighbour = IssuerFactory()
    own = agency_of(neighbour, name="Kanzlei Süd")
    accountant(client, neighbour, *ALL)
    for name, url in addresses(made).items():
        assert client.get(url).status_code == 404, name
        assert client.post(url, {"reason": "x", "state": "open", "note": ""}).status_code in (404, 405), name
    for name in ("billing-hand-over", "billing-agency-claim", "billing-agency", "billing-collection-ready"):
        page = client.get(reverse(f"{name}:index")).content.decode()
        assert "Inkasso Nord" not in page
        assert document_of(case).number not in page
    assert (
        reverse("billing-agency:inspect", args=[own.pk])
        in client.get(reverse("billing-agency:index")).content.decode()
    )


def test_the_neighbour_releases_nothing(client, case, agency):
    neighbour = IssuerFactory()
    own = agency_of(neighbour)
    accountant(client, neighbour, *ALL)
    for chosen in (own.pk, agency.pk):
        client.post(hand_over_url(case), {"agency": chosen, "ids": str(case.pk)})
    assert not HandOver.objects.exists()


def test_looking_is_not_doing(client, issuer, case, agency):
    made = given_to(agency, case)
    work()
    accountant(client, issuer, "view_case", "view_agency", "view_handover", "view_handoverclaim")
    for name, url in addresses(made).items():
        if name in ("hand-over", "claim", "agency", "sample"):
            assert client.get(url).status_code == 200, name
        else:
            assert client.get(url).status_code == 302, name
    client.post(hand_over_url(case), {"agency": agency.pk, "ids": str(case.pk)})
    assert HandOver.objects.count() == 1


def test_lists_cost_the_same_however_long(client, issuer, agency, django_assert_max_num_queries):
    cases = ready_cases(*CustomerFactory.create_batch(8, issuer=issuer))
    for case in cases[:4]:
        given_to(agency, case)
    accountant(client, issuer, *ALL)
    for name in ("billing-hand-over", "billing-agency-claim", "billing-collection-ready"):
        client.get(reverse(f"{name}:index"))
        with django_assert_max_num_queries(25):
            client.get(reverse(f"{name}:index"))


def test_what_the_agency_gave_up_stands_on_the_to_do_list(client, issuer, case, agency):
    given_to(agency, case)
    accountant(client, issuer, *ALL, "view_dailyrun", "view_parkedrow")
    HandOverClaim.objects.update(status="uncollectable")
    page = client.get(reverse("billing_todo")).content.decode()
    assert "Given up by the agency" in page
    assert document_of(case).number in page
    HandOverClaim.objects.update(recalled_on=date(2026, 3, 11))
    assert "Given up by the agency" not in client.get(reverse("billing_todo")).content.decode()
