"""Claims to an agency and back: what goes, what stays, what is told afterwards."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from cms_billing.core.money import Money
from cms_billing.dunning.collection.exceptions import CannotHandOver, CannotRecall
from cms_billing.dunning.exceptions import WrongStep
from cms_billing.dunning.models import Case, ClaimChange, DunningPolicy, HandOver, HandOverClaim, HandOverFile
from cms_billing.dunning.receivers import reason_to_withdraw
from cms_billing.dunning.services import (
    hand_over,
    hand_over_next,
    make_file,
    recall_claim,
    report_changes,
    resume_case,
    set_hold,
    stop_case,
    write_off_claim,
)
from cms_billing.faktura.archive import archived_pdf
from cms_billing.faktura.services import cancel_document
from cms_billing.payments.charge_holds import holds_on
from cms_billing.payments.claims import claims_of
from cms_billing.payments.services import charge_back
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .collection import (
    READY,
    agency_of,
    archive_papers,
    box_of,
    csv_of,
    document_of,
    given_to,
    manifest_of,
    ready_cases,
    work,
)
from .conftest import case_of, invoice_due, pay, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

LATER = READY + timedelta(days=9)


@pytest.fixture
def case(customer) -> Case:
    [case] = ready_cases(customer)
    return case


@pytest.fixture
def agency(issuer):
    return agency_of(issuer)


def test_the_file_holds_the_claim_its_papers_and_a_manifest(case, agency):
    made = given_to(agency, case)
    work()
    [row] = csv_of(made)
    document = document_of(case)
    expected = {
        "Uebergabe_ID": made.reference,
        "Uebergabedatum": "02.03.2026",
        "Mandantennummer": "M-77",
        "Kundennummer": "K-1",
        "Schuldnerart": "P",
        "Nachname": "Berg",
        "Belegnummer": document.number,
        "Faelligkeit": "15.01.2026",
        "Hauptforderung": "49,00",
        "Zahlungen": "0,00",
        "Offene_Hauptforderung": "49,00",
        "Gesamtforderung": "49,00",
        "Waehrung": "EUR",
        "Mahnung1_Datum": "22.01.2026",
        "Mahnung2_Datum": "05.02.2026",
        "Mahnung3_Datum": "19.02.2026",
        "Mahnstufe": "3",
        "Bestritten": "N",
        "Geburtsdatum": "",
        "Vertragsnummer": "V-K-1",
    }
    assert {key: row[key] for key in expected} == expected
    box = box_of(made)
    papers = [f"documents/{name}" for name in row["Dokumente"].split(" | ")]
    assert len(papers) == 4
    assert sorted(box.namelist()) == sorted([f"{made.reference}.csv", *papers, "manifest.json"])
    assert box.read(papers[0]) == archived_pdf(document)
    manifest = manifest_of(made)
    assert (manifest["rows"], manifest["totals"]) == (1, {"EUR": "49.00"})
    for entry in manifest["files"]:
        content = box.read(entry["name"])
        assert (entry["size"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_case_is_handed_over_and_everything_of_ours_stops(case, agency, issuer):
    assert not holds_on([case.document_id], READY)
    made = given_to(agency, case)
    case.refresh_from_db()
    assert case.state == Case.State.HANDED_OVER
    assert case.locked
    step = case.steps.latest("pk")
    assert (step.kind, step.reason) == ("handed_over", f"Inkasso Nord: {made.reference}")
    assert holds_on([case.document_id], READY)[case.document_id].up_to_minor == 0
    assert run(issuer, LATER) == []


def test_nobody_hands_a_claim_over_twice(case, agency, issuer):
    given_to(agency, case)
    other = agency_of(issuer, name="Kanzlei Süd", slug="sued")
    result = hand_over(case_ids=[case.pk], agency_id=other.pk, today=READY)
    assert result.hand_over is None
    assert "already" in result.problems[0].reason
    claim = HandOverClaim.objects.get()
    claim.pk, claim.position = None, 2
    with pytest.raises(IntegrityError), transaction.atomic():
        claim.save(force_insert=True)


def test_a_handed_over_case_comes_back_by_recall_only(case, agency):
    given_to(agency, case)
    with pytest.raises(WrongStep):
        stop_case(case_id=case.pk, reason="x")
    with pytest.raises(WrongStep):
        resume_case(case_id=case.pk, today=READY)


def test_what_something_stands_against_stays(case, agency, issuer):
    small, blocked, paid, open_case = (CustomerFactory(issuer=issuer, number=f"K-{n}") for n in (2, 3, 4, 5))
    [tiny] = ready_cases(small, amount=500)
    others = ready_cases(blocked, paid, open_case)
    set_hold(customer_id=blocked.pk, reason="In insolvency", today=READY)
    pay(document_of(others[1]), READY)
    Case.objects.filter(pk=others[2].pk).update(state="open")
    agency.minimum_minor = 1000
    agency.save()
    ids = [case.pk, tiny.pk, *(other.pk for other in others)]
    result = hand_over(case_ids=ids, agency_id=agency.pk, today=READY)
    assert [claim.case_id for claim in result.hand_over.claims.all()] == [case.pk]
    reasons = {problem.subject_id: problem.reason for problem in result.problems}
    assert "10" in reasons[tiny.pk]
    assert "In insolvency" in reasons[others[0].pk]
    assert "owed" in reasons[others[1].pk]
    assert "not ready" in reasons[others[2].pk]


def test_another_issuers_cases_are_left_alone(case):
    stranger = agency_of(IssuerFactory())
    result = hand_over(case_ids=[case.pk], agency_id=stranger.pk, today=READY)
    assert (result.hand_over, list(result.problems)) == (None, [])
    case.refresh_from_db()
    assert case.state == Case.State.READY_FOR_COLLECTION


def test_an_agency_out_of_use_gets_nothing(case, agency):
    agency.is_active = False
    agency.save()
    with pytest.raises(CannotHandOver, match="Inkasso Nord"):
        hand_over(case_ids=[case.pk], agency_id=agency.pk, today=READY)


def test_the_daily_run_hands_over_where_nobody_has_to_release(case, issuer):
    agency_of(issuer, is_default=True)
    assert hand_over_next(issuer=issuer, today=READY)[0].hand_over is None
    policy = DunningPolicy.objects.create(issuer=issuer, release_collection=False)
    result, after = hand_over_next(issuer=issuer, today=READY)
    assert (result.hand_over.rows, after) == (1, case.pk)
    assert hand_over_next(issuer=issuer, today=READY, after_case=after) == (result.__class__(None, []), None)
    assert policy.pk


def test_numbers_go_on_and_queries_do_not_grow(agency, issuer, django_assert_max_num_queries):
    cases = ready_cases(*CustomerFactory.create_batch(12, issuer=issuer))
    with django_assert_max_num_queries(40):
        first = given_to(agency, *cases[:2])
    with django_assert_max_num_queries(40):
        second = given_to(agency, *cases[2:])
    assert (first.number, second.number) == (1, 2)
    assert second.totals == {"EUR": 49000}


def test_a_file_made_again_is_the_same_to_the_byte(case, agency):
    made = given_to(agency, case)
    work()
    before = HandOverFile.objects.get().sha256
    agency.encoding, agency.client_number = "cp1252", "changed"
    agency.save()
    HandOverFile.objects.update(work_state="pending", sha256="", done_at=None)
    work()
    assert HandOverFile.objects.get().sha256 == before
    assert made.sendings.count() == 0


def test_the_file_waits_for_papers_that_are_not_archived_yet(customer, agency, issuer):
    invoice = invoice_due(customer, date(2026, 1, 15))
    for day in (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19), READY):
        run(issuer, day)
    given_to(agency, case_of(invoice))
    work()
    row = HandOverFile.objects.get()
    assert (row.work_state, row.attempts) == ("pending", 0)
    assert "4 papers" in row.last_error
    archive_papers()
    HandOverFile.objects.update(next_try_at=None)
    work()
    row.refresh_from_db()
    assert row.work_state == "done"


def test_letters_that_wait_are_not_sent_any_more(case, agency):
    letter = case.steps.filter(kind="letter").latest("pk").letter
    assert reason_to_withdraw(letter) == ""
    given_to(agency, case)
    assert "handed over" in reason_to_withdraw(letter)


# -- afterwards ------------------------------------------------------------------------------------------------------


def test_a_payment_goes_into_the_next_report_and_only_there(case, agency, issuer):
    given_to(agency, case)
    assert report_changes(issuer=issuer, today=READY) == []
    pay(document_of(case), LATER, amount=Money(1900, "EUR"))
    pay(document_of(case), LATER, amount=Money(1000, "EUR"))
    [report] = report_changes(issuer=issuer, today=LATER)
    work()
    rows = csv_of(report)
    assert [(row["Art"], row["Betrag"], row["Offen"]) for row in rows] == [
        ("Zahlung", "-19,00", "30,00"),
        ("Zahlung", "-10,00", "20,00"),
    ]
    assert rows[0]["Uebergabe_ID"] == HandOver.objects.get(kind="claims").reference
    assert report_changes(issuer=issuer, today=LATER) == []


def test_a_chargeback_reopens_the_claim_at_the_agency(case, agency, issuer, after_commit):
    given_to(agency, case)
    with after_commit():
        payment = pay(document_of(case), LATER)
    case.refresh_from_db()
    assert case.state == Case.State.CLOSED
    with after_commit():
        charge_back(payment_id=payment.pk, day=LATER + timedelta(days=2), reason="No funds")
    case.refresh_from_db()
    assert case.state == Case.State.HANDED_OVER
    assert run(issuer, LATER + timedelta(days=60)) == []
    [report] = report_changes(issuer=issuer, today=LATER + timedelta(days=2))
    kinds = [change.kind for change in report.changes.order_by("pk")]
    assert kinds == [ClaimChange.Kind.PAYMENT, ClaimChange.Kind.CHARGEBACK]


def test_a_recall_is_told_and_the_claim_may_go_again(case, agency, issuer):
    given_to(agency, case)
    claim = HandOverClaim.objects.get()
    with pytest.raises(CannotRecall):
        recall_claim(claim_id=claim.pk, reason=" ", today=LATER)
    recall_claim(claim_id=claim.pk, reason="Settled out of court", state="open", today=LATER)
    case.refresh_from_db()
    assert (case.state, case.waiting_since) == (Case.State.OPEN, LATER)
    with pytest.raises(CannotRecall):
        recall_claim(claim_id=claim.pk, reason="twice", today=LATER)
    [report] = report_changes(issuer=issuer, today=LATER)
    work()
    [row] = csv_of(report)
    assert (row["Art"], row["Bemerkung"], row["Offen"]) == ("Rueckruf", "Settled out of court", "49,00")
    again = LATER + timedelta(days=11)
    run(issuer, again)
    assert given_to(agency, case, today=again).claims.count() == 1


def test_a_stopped_recall_opens_the_lock(case, agency):
    given_to(agency, case)
    recall_claim(claim_id=HandOverClaim.objects.get().pk, reason="x", today=LATER)
    case.refresh_from_db()
    assert (case.state, case.lock_scope) == (Case.State.STOPPED, "")


def test_writing_off_closes_the_case_and_tells_the_agency(case, agency, issuer, after_commit):
    given_to(agency, case)
    with after_commit():
        write_off_claim(claim_id=HandOverClaim.objects.get().pk, note="", today=LATER, limited=False)
    case.refresh_from_db()
    assert (case.state, case.close_reason) == ("closed", "written_off")
    [report] = report_changes(issuer=issuer, today=LATER)
    [change] = report.changes.all()
    assert (change.kind, change.amount_minor, change.open_minor) == ("write_off", -4900, 0)


def test_a_correction_goes_along_with_its_paper(case, agency, issuer):
    given_to(agency, case)
    cancel_document(document_id=case.document_id, reason="Ordered by mistake", today=LATER)
    archive_papers()
    [report] = report_changes(issuer=issuer, today=LATER)
    work()
    [row] = csv_of(report)
    assert (row["Art"], row["Offen"]) == ("Storno", "0,00")
    assert sum(name.startswith("documents/") for name in box_of(report).namelist()) == 1


@pytest.mark.parametrize(
    ("paid_to", "payable", "said"), [("agency", False, "only"), ("us", True, "still pay")]
)
def test_the_payment_page_says_whom_to_pay(case, agency, paid_to, payable, said):
    agency.paid_to, agency.email = paid_to, "post@nord.example"
    agency.save()
    given_to(agency, case)
    [claim] = claims_of([case.document_id], today=LATER)
    [row] = claim.rows
    assert row.is_payable is payable
    assert bool(claim.chosen) is payable
    assert said in row.note.text
    assert "post@nord.example" in row.note.text


def test_a_worker_that_dies_between_file_and_record_makes_it_once(case, agency):
    """The ZIP is stored, the record is not: the next worker stores the same bytes and records them."""
    given_to(agency, case)
    row = HandOverFile.objects.get()
    make_file(row)  # dies before what it returns is called
    assert HandOverFile.objects.get().sha256 == ""
    work()
    assert HandOverFile.objects.get().sha256
