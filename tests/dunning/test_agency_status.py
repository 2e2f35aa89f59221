"""Status files of agencies: matched line by line, applied once, and never guessed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cms_billing.core.money import Money
from cms_billing.dunning.collection.exceptions import BadStatusFile
from cms_billing.dunning.models import AgencyStatusWord, Case, HandOverClaim, StatusLine
from cms_billing.dunning.services import (
    apply_status_file,
    discard_status_file,
    read_status_file,
    recall_claim,
    report_changes,
)
from cms_billing.payments.models import Payment
from cms_billing.testing.factories import CustomerFactory

from .collection import READY, agency_of, document_of, given_to, ready_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

LATER = READY + timedelta(days=20)
HEAD = "Uebergabe_ID;Belegnummer;Status;Gezahlt;Kosten;Datum;Bemerkung\n"


@pytest.fixture
def agency(issuer):
    return agency_of(issuer)


@pytest.fixture
def cases(customer, issuer) -> list[Case]:
    return ready_cases(customer, *CustomerFactory.create_batch(2, issuer=issuer))


def file_of(agency, made, *lines: tuple[Case, str], name: str = "status.csv"):
    body = "".join(f"{made.reference};{document_of(case).number};{rest}\n" for case, rest in lines)
    return read_status_file(agency_id=agency.pk, name=name, data=(HEAD + body).encode(), today=LATER)


def apply(file) -> int:
    return apply_status_file(file_id=file.pk, way="transfer", today=LATER)


def test_reading_changes_nothing_and_applying_does(agency, cases, after_commit):
    made = given_to(agency, *cases)
    file = file_of(
        agency,
        made,
        (cases[0], "Bezahlt;49,00;;20.03.2026;all of it"),
        (cases[1], "in Bearbeitung;;;;"),
        (cases[2], "uneinbringlich;;;21.03.2026;moved away"),
    )
    assert not Payment.objects.exists()
    assert set(HandOverClaim.objects.values_list("status", flat=True)) == {"sent"}
    with after_commit():
        assert apply(file) == 3
    claims = list(HandOverClaim.objects.order_by("position"))
    assert [claim.status for claim in claims] == ["paid", "in_progress", "uncollectable"]
    payment = Payment.objects.get()
    assert (payment.amount, payment.way) == (Money(4900, "EUR"), "transfer")
    assert "Inkasso Nord" in payment.note
    cases[0].refresh_from_db()
    assert cases[0].state == Case.State.CLOSED
    assert cases[2].steps.latest("pk").reason == "uncollectable moved away"


def test_what_the_agency_told_is_not_told_back(agency, cases, issuer):
    made = given_to(agency, *cases)
    apply(file_of(agency, made, (cases[0], "bezahlt;20,00;;;")))
    assert report_changes(issuer=issuer, today=LATER) == []
    change = HandOverClaim.objects.get(case=cases[0]).changes.get()
    assert (change.kind, change.amount_minor, change.from_agency) == ("payment", -2000, True)


def test_costs_are_shown_and_booked_only_where_wanted(agency, cases):
    made = given_to(agency, *cases)
    apply(file_of(agency, made, (cases[0], "laufend;;27,00;;")))
    claim = HandOverClaim.objects.get(case=cases[0])
    assert (claim.costs_minor, claim.document.open_item.open_minor) == (2700, 4900)
    agency.book_costs = True
    agency.save()
    apply(file_of(agency, made, (cases[1], "bezahlt;76,00;27,00;;")))
    claim = HandOverClaim.objects.get(case=cases[1])
    assert (claim.costs_minor, claim.document.open_item.open_minor) == (2700, 0)
    charge = cases[1].charges.get(kind="collection")
    assert charge.amount_minor == 2700


def test_applied_twice_it_counts_once(agency, cases):
    made = given_to(agency, *cases)
    file = file_of(agency, made, (cases[0], "bezahlt;10;;;"))
    apply(file)
    with pytest.raises(BadStatusFile):
        apply(file)
    type(file).objects.update(state="read")  # killed before the file was marked
    assert apply(file) == 0
    assert Payment.objects.count() == 1


def test_the_same_file_comes_in_once_unless_it_was_discarded(agency, cases):
    made = given_to(agency, *cases)
    first = file_of(agency, made, (cases[0], "laufend;;;;"))
    with pytest.raises(BadStatusFile, match="before"):
        file_of(agency, made, (cases[0], "laufend;;;;"), name="other-name.csv")
    discard_status_file(file_id=first.pk)
    again = file_of(agency, made, (cases[0], "laufend;;;;"))
    apply(again)
    with pytest.raises(BadStatusFile):
        discard_status_file(file_id=again.pk)


def test_lines_that_cannot_be_meant_change_nothing(agency, cases, issuer):
    made = given_to(agency, *cases)
    recall_claim(claim_id=HandOverClaim.objects.get(case=cases[2]).pk, reason="x", today=LATER)
    number = document_of(cases[0]).number
    rows = [
        f"{made.reference};RE-0000;laufend;;;;",
        f"U-9-000009;{number};laufend;;;;",
        f"{made.reference};{document_of(cases[2]).number};bezahlt;5;;;",
        f"{made.reference};{number};verschollen;;;;",
        f"{made.reference};{number};laufend;5;;;",
        f"{made.reference};{number};bezahlt;;;;",
        f"{made.reference};{number};bezahlt;5;;31.12.2099;",
        f"{made.reference};{document_of(cases[1]).number};bezahlt;5;;;",
        f"{made.reference};{document_of(cases[1]).number};bezahlt;6;;;",
    ]
    data = (HEAD + "\n".join(rows)).encode()
    file = read_status_file(agency_id=agency.pk, name="s.csv", data=data, today=LATER)
    problems = list(StatusLine.objects.order_by("line").values_list("problem", flat=True))
    for part, problem in zip(
        ["No claim", "No claim", "recalled", "verschollen", "amount", "no amount", "future", "", "twice"],
        problems,
        strict=True,
    ):
        assert (part in problem) if part else problem == ""
    assert apply(file) == 1
    assert [payment.amount_minor for payment in Payment.objects.all()] == [500]


def test_another_agencys_claims_are_not_its(agency, cases, issuer):
    made = given_to(agency, *cases)
    other = agency_of(issuer, slug="other", name="Kanzlei Süd")
    file = file_of(other, made, (cases[0], "bezahlt;5;;;"))
    assert file.lines.get().problem
    assert file.lines.get().claim is None


def test_an_agencys_own_headings_and_words(agency, cases):
    made = given_to(agency, *cases)
    agency.status_hand_over, agency.status_document, agency.status_status = "Akte", "Rechnung", "Stand"
    agency.save()
    AgencyStatusWord.objects.create(agency=agency, word="E7", status="closed")
    number = document_of(cases[0]).number
    data = f"Rechnung,Stand,Akte\n{number},e7,{made.reference}\n".encode()
    file = read_status_file(agency_id=agency.pk, name="x.csv", data=data, today=LATER)
    assert apply(file) == 1
    assert HandOverClaim.objects.get(case=cases[0]).status == "closed"
