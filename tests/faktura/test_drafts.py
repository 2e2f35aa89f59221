"""Drafts: changed until they are issued, then as frozen as everything else."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from cms_billing.core.exceptions import FrozenRecord
from cms_billing.faktura.drafts import Draft, DraftLine
from cms_billing.faktura.exceptions import DraftNotReady, NotADraft, WrongDeposit
from cms_billing.faktura.models import Booking, Document, DocumentKind, DocumentLine, LedgerEntry, OpenItem
from cms_billing.faktura.services import (
    account_balance,
    cancel_document,
    change_draft,
    copy_as_draft,
    create_draft,
    credit_document,
    delete_draft,
    deposit_lines,
    draft_of,
    finalise_drafts,
    finalise_next_drafts,
    issue_next_invoices,
)
from cms_billing.faktura.services.corrections import CreditLine
from cms_billing.testing.factories import BookingFactory, CustomerFactory, IssuerFactory

from .documents import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(db):
    return CustomerFactory()


def line(description="Beratung", price=10000, **changes) -> DraftLine:
    """A line as an editor's form gives it: without the rate."""
    return DraftLine(
        description=description,
        unit_price_minor=price,
        **{"tax_code": "standard", "tax_percent": Decimal(0), **changes},
    )


def write(customer, *lines, **changes) -> Document:
    draft = Draft(
        **{
            "kind": DocumentKind.INVOICE,
            "customer_id": customer.pk,
            "currency": "EUR",
            "prices_include_tax": False,
            "lines": lines or (line(),),
            **changes,
        }
    )
    return create_draft(issuer=customer.issuer, draft=draft, today=TODAY)


def finalise(*documents, today=TODAY):
    [issuer] = {document.issuer for document in documents}
    return finalise_drafts(issuer=issuer, document_ids=[d.pk for d in documents], today=today)


def test_draft_has_totals_but_no_number_and_is_owed_nothing(customer):
    draft = write(customer)
    assert (draft.state, draft.number, draft.gross_minor) == ("draft", "", 11900)
    assert not LedgerEntry.objects.exists()
    assert not OpenItem.objects.exists()


def test_issued_draft_has_number_date_claim_and_a_pdf_to_be_made(customer):
    draft = write(customer)
    [invoice] = finalise(draft).done
    invoice = Document.objects.get(pk=draft.pk)
    assert (invoice.number, invoice.issued_on, invoice.due_on) == (
        "RE-2026-000001",
        TODAY,
        TODAY + timedelta(14),
    )
    assert invoice.open_item.open_minor == 11900
    assert invoice.rendering is not None
    with pytest.raises(FrozenRecord):
        invoice.save()


def test_changing_a_draft_writes_its_lines_and_totals_anew(customer):
    draft = write(customer, line("A"), line("B", 5000))
    changed = change_draft(
        document_id=draft.pk,
        draft=Draft(
            kind="invoice",
            customer_id=customer.pk,
            currency="EUR",
            prices_include_tax=False,
            lines=(line("C", 2000),),
        ),
        today=TODAY,
        finalise_on=date(2026, 3, 9),
    )
    assert [one.description for one in changed.lines.all()] == ["C"]
    assert (changed.gross_minor, changed.line_count, changed.finalise_on) == (2380, 1, date(2026, 3, 9))
    assert changed.tax_groups.get().tax_minor == 380


def test_issued_documents_are_no_drafts_any_more(customer):
    draft = write(customer)
    finalise(draft)
    with pytest.raises(NotADraft, match="RE-2026-000001"):
        change_draft(document_id=draft.pk, draft=draft_of(draft), today=TODAY)
    with pytest.raises(NotADraft):
        delete_draft(document_id=draft.pk)
    assert finalise(draft).done == []


def test_bookings_of_a_deleted_draft_become_billable_again(customer):
    booking = BookingFactory(customer=customer)
    customer.issuer.draft_days = 3
    [draft] = issue_next_invoices(issuer=customer.issuer, today=TODAY).done
    assert Booking.objects.get().state == Booking.State.DRAFT
    assert issue_next_invoices(issuer=customer.issuer, today=TODAY).done == []
    delete_draft(document_id=draft.pk)
    assert Booking.objects.get(pk=booking.pk).state == Booking.State.OPEN
    assert not Document.objects.exists()
    assert not DocumentLine.objects.exists()


def test_booking_taken_off_a_draft_becomes_billable_again(customer):
    BookingFactory(customer=customer)
    customer.issuer.draft_days = 3
    [draft] = issue_next_invoices(issuer=customer.issuer, today=TODAY).done
    change_draft(
        document_id=draft.pk,
        draft=Draft(kind="invoice", customer_id=customer.pk, currency="EUR", lines=(line(),)),
        today=TODAY,
    )
    assert Booking.objects.get().state == Booking.State.OPEN


def test_booking_is_on_one_draft_only(customer):
    booking = BookingFactory(customer=customer)
    write(customer, line(booking_id=booking.pk))
    with pytest.raises(DraftNotReady, match="billed meanwhile"):
        write(customer, line(booking_id=booking.pk))


def test_booking_of_somebody_else_is_refused(customer):
    with pytest.raises(DraftNotReady):
        write(customer, line(booking_id=BookingFactory().pk))


def test_grace_window_issues_the_draft_by_itself(customer):
    """Three days as a draft: still one on the second day, an invoice of the third day's date on the third."""
    BookingFactory(customer=customer)
    issuer = customer.issuer
    issuer.draft_days = 3
    issue_next_invoices(issuer=issuer, today=TODAY)
    assert finalise_next_drafts(issuer=issuer, today=TODAY + timedelta(2)).done == []
    [invoice] = finalise_next_drafts(issuer=issuer, today=TODAY + timedelta(3)).done
    assert (invoice.number, invoice.issued_on) == ("RE-2026-000001", date(2026, 3, 5))
    assert invoice.due_on == date(2026, 3, 19), "the days to pay begin with the invoice, not with the draft"
    assert Booking.objects.get().state == Booking.State.BILLED


def test_drafts_are_issued_with_one_number_each_in_a_constant_number_of_queries(
    customer, django_assert_max_num_queries
):
    drafts = [write(customer) for _n in range(12)]
    ids = [draft.pk for draft in drafts]
    with django_assert_max_num_queries(40):
        done = finalise_drafts(issuer=customer.issuer, document_ids=ids, today=TODAY).done
    assert [document.sequence for document in done] == list(range(1, 13))


def test_draft_that_the_law_would_not_accept_stays_one_and_stops_nobody_else(customer):
    other = CustomerFactory(issuer=customer.issuer, street="")
    result = finalise(write(customer), write(other))
    assert len(result.done) == 1
    [problem] = result.problems
    assert "street of the customer" in problem.reason
    assert Document.objects.get(customer=other).state == "draft"


def test_rate_is_that_of_the_day_the_service_ends(customer):
    """§ 27 (1) UStG: 16 % in the second half of 2020, whenever it is invoiced."""
    draft = write(customer, line(service_start=date(2020, 12, 1), service_end=date(2020, 12, 31)), line())
    assert [group.tax_percent for group in draft.tax_groups.all()] == [Decimal(19), Decimal(16)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"lines": (line(price=-100),)}, "negative"), ({"kind": "cancellation"}, "Only invoices")],
)
def test_what_is_no_invoice_is_refused(customer, changes, said):
    with pytest.raises(DraftNotReady, match=said):
        write(customer, **changes)


class TestProForma:
    def test_it_has_a_number_of_its_own_series_and_nothing_is_owed(self, customer):
        [pro_forma] = finalise(write(customer, kind=DocumentKind.PRO_FORMA)).done
        assert pro_forma.number == "PF-2026-000001"
        assert not LedgerEntry.objects.exists()
        assert not OpenItem.objects.exists()

    def test_it_becomes_one_invoice(self, customer):
        [pro_forma] = finalise(write(customer, kind=DocumentKind.PRO_FORMA)).done
        invoice = copy_as_draft(document_id=pro_forma.pk, today=TODAY)
        assert (invoice.kind, invoice.based_on, invoice.gross) == ("invoice", pro_forma, pro_forma.gross)
        with pytest.raises(DraftNotReady, match="has become"):
            copy_as_draft(document_id=pro_forma.pk, today=TODAY)

    def test_it_becomes_another_when_the_invoice_was_cancelled(self, customer):
        [pro_forma] = finalise(write(customer, kind=DocumentKind.PRO_FORMA)).done
        [invoice] = finalise(copy_as_draft(document_id=pro_forma.pk, today=TODAY)).done
        cancel_document(document_id=invoice.pk, reason="Adresse", today=TODAY)
        assert copy_as_draft(document_id=pro_forma.pk, today=TODAY).state == "draft"


class TestDeposit:
    @pytest.fixture
    def deposit(self, customer):
        lines = (line("Anzahlung Kurs", 10000), line("Anzahlung Buch", 10000, tax_code="reduced"))
        [deposit] = finalise(write(customer, *lines, is_deposit=True)).done
        return deposit

    def take_off(self, customer, *deposits):
        return deposit_lines(customer_id=customer.pk, deposits=deposits, prices_include_tax=False)

    def test_final_invoice_takes_the_deposit_off_with_its_tax(self, customer, deposit):
        """§ 14 (5) UStG: 300.00 + 57.00 and 200.00 + 14.00, less 119.00 and 107.00."""
        goods = (line("Kurs", 30000), line("Buch", 20000, tax_code="reduced"))
        [final] = finalise(write(customer, *goods, *self.take_off(customer, deposit))).done
        assert final.gross_minor == 35700 + 21400 - 11900 - 10700
        assert {g.tax_percent: g.tax_minor for g in final.tax_groups.all()} == {19: 3800, 7: 700}
        assert account_balance(customer_id=customer.pk, currency="EUR").minor == 57100

    def test_deposit_is_taken_off_once(self, customer, deposit):
        write(customer, line("Kurs", 50000), *self.take_off(customer, deposit))
        with pytest.raises(WrongDeposit, match="already"):
            self.take_off(customer, deposit)

    def test_two_drafts_with_one_deposit_only_one_is_issued(self, customer, deposit):
        lines = self.take_off(customer, deposit)
        first = write(customer, line("Kurs", 50000), *lines)
        second = write(customer, line("Kurs", 50000), *lines)
        done = finalise(first)
        assert len(done.problems) == 1
        delete_draft(document_id=second.pk)
        assert len(finalise(first).done) == 1

    def test_deposit_of_a_cancelled_final_invoice_can_be_taken_off_again(self, customer, deposit):
        [final] = finalise(write(customer, line("Kurs", 50000), *self.take_off(customer, deposit))).done
        cancel_document(document_id=final.pk, reason="Adresse", today=TODAY)
        assert self.take_off(customer, deposit)

    def test_deposit_that_was_taken_off_cannot_be_cancelled(self, customer, deposit):
        finalise(write(customer, line("Kurs", 50000), *self.take_off(customer, deposit)))
        with pytest.raises(Exception, match="cancel the final invoice first"):
            cancel_document(document_id=deposit.pk, reason="Irrtum", today=TODAY)

    def test_corrected_deposit_is_taken_off_by_what_is_left(self, customer, deposit):
        first = deposit.lines.first()
        credit_document(
            document_id=deposit.pk,
            lines=[CreditLine(first.pk, gross_minor=1190)],
            reason="Nachlass",
            today=TODAY,
        )
        assert [one.amounts.gross for one in self.take_off(customer, deposit)] == [-10710, -10700]

    def test_deposit_of_somebody_else_is_refused(self, deposit):
        with pytest.raises(WrongDeposit):
            self.take_off(CustomerFactory(issuer=deposit.issuer), deposit)


def test_all_that_is_due_for_a_customer_goes_on_one_invoice_where_wanted():
    issuer = IssuerFactory(grouping="customer")
    one, other = CustomerFactory(issuer=issuer), CustomerFactory(issuer=issuer, grouping="group")
    for customer in (one, other):
        BookingFactory(customer=customer, due_on=date(2026, 1, 1))
        BookingFactory(customer=customer, due_on=date(2026, 2, 1))
    issue_next_invoices(issuer=issuer, today=TODAY)
    assert sorted(d.line_count for d in one.documents.all()) == [2]
    assert sorted(d.line_count for d in other.documents.all()) == [1, 1]


def test_issuer_who_leaves_it_to_runs_is_not_billed_daily():
    issuer = IssuerFactory(invoice_daily=False)
    BookingFactory(customer=CustomerFactory(issuer=issuer))
    assert issue_next_invoices(issuer=issuer, today=TODAY).done == []


def test_details_of_a_booking_reach_the_invoice(customer):
    details = [{"date": "2026-01-03", "text": "Einwahl", "quantity": "3", "amount_minor": None}]
    BookingFactory(customer=customer, details=details)
    [invoice] = issue_next_invoices(issuer=customer.issuer, today=TODAY).done
    assert invoice.lines.get().details == details
