"""What settles without new money, and papers about the account."""

from datetime import date

import pytest

from cms_billing.core.money import Money
from cms_billing.faktura.exceptions import CannotWriteOff, NothingToSettle, WrongAmount, WrongPeriod
from cms_billing.faktura.models import DocumentKind, LedgerEntry
from cms_billing.faktura.services import (
    account_balance,
    book_refund,
    cancel_document,
    credit_on_account,
    issue_statement,
    post_entries,
    settle_with_credit,
    take_back_settlements,
    write_off,
)
from cms_billing.faktura.services.ledger import Entry
from cms_billing.testing.factories import CustomerFactory

from .documents import TODAY, issue

pytestmark = pytest.mark.django_db


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


@pytest.fixture
def customer(db):
    return CustomerFactory()


def post(customer, kind, amount, document=None, day=TODAY):
    [entry] = post_entries(
        issuer_id=customer.issuer_id,
        customer_id=customer.pk,
        entries=[Entry(kind, amount, document.pk if document else None)],
        booked_on=day,
    )
    return entry


def give_credit(customer, amount: str):
    return post(customer, LedgerEntry.Kind.PAYMENT, -eur(amount))


def open_amounts(*documents) -> list[str]:
    for document in documents:
        document.open_item.refresh_from_db()
    return [str(document.open_item.open_amount.amount) for document in documents]


def settle(customer, *documents):
    return settle_with_credit(
        customer_id=customer.pk, currency="EUR", document_ids=[d.pk for d in documents], today=TODAY
    )


class TestCompensation:
    def test_credit_settles_the_oldest_first(self, customer):
        first, second = issue(customer), issue(customer)
        give_credit(customer, "15.00")
        assert settle(customer) == eur("15.00")
        assert open_amounts(first, second) == ["0.00", "4.80"]
        assert credit_on_account(customer_id=customer.pk, currency="EUR").minor == 0

    def test_credit_settles_what_was_chosen(self, customer):
        first, second = issue(customer), issue(customer)
        give_credit(customer, "5.00")
        settle(customer, second)
        assert open_amounts(first, second) == ["9.90", "4.90"]

    def test_what_was_paid_for_a_cancelled_invoice_settles_the_new_one(self, customer):
        wrong = issue(customer)
        post(customer, LedgerEntry.Kind.PAYMENT, -wrong.gross, wrong)
        cancel_document(document_id=wrong.pk, reason="Adresse", today=TODAY)
        right = issue(customer)
        settle(customer)
        assert open_amounts(wrong, right) == ["0.00", "0.00"]
        assert account_balance(customer_id=customer.pk, currency="EUR").minor == 0

    def test_other_currencies_stay(self, customer):
        invoice = issue(customer, currency="CHF")
        give_credit(customer, "15.00")
        with pytest.raises(NothingToSettle, match="owes nothing"):
            settle(customer)
        assert open_amounts(invoice) == ["9.90"]

    def test_without_credit_there_is_nothing_to_settle_with(self, customer):
        issue(customer)
        with pytest.raises(NothingToSettle, match="no credit"):
            settle(customer)

    def test_credit_that_goes_away_reopens_what_it_had_settled_the_latest_first(self, customer):
        """15.00 on account settled 9.90 and 5.10; 7.00 of it are charged back."""
        first, second = issue(customer), issue(customer)
        give_credit(customer, "15.00")
        settle(customer)
        post(customer, LedgerEntry.Kind.CHARGEBACK, eur("7.00"))
        reopened = take_back_settlements(customer_id=customer.pk, currency="EUR", today=TODAY)
        assert reopened == [second.pk, first.pk]
        assert open_amounts(first, second) == ["1.90", "9.90"]
        assert take_back_settlements(customer_id=customer.pk, currency="EUR", today=TODAY) == []


class TestWriteOff:
    def off(self, invoice, amount, **changes):
        return write_off(
            **{
                "document_id": invoice.pk,
                "amount": eur(amount),
                "reason": "goodwill",
                "today": TODAY,
                "limited": True,
                **changes,
            }
        )

    def test_it_settles_with_its_reason(self, customer):
        invoice = issue(customer)
        self.off(invoice, "9.90", note="Umzug")
        assert open_amounts(invoice) == ["0.00"]
        assert LedgerEntry.objects.get(kind="write_off").note == "Kulanz: Umzug"

    def test_limit_is_for_all_write_offs_of_a_document_together(self, customer):
        customer.issuer.write_off_limit_minor = 600
        customer.issuer.save()
        invoice = issue(customer)
        self.off(invoice, "5.00")
        with pytest.raises(CannotWriteOff, match="without limit"):
            self.off(invoice, "1.01")
        self.off(invoice, "4.90", limited=False)

    @pytest.mark.parametrize(
        ("amount", "reason", "said"),
        [("9.91", "goodwill", "owed"), ("0.00", "goodwill", "owed"), ("1.00", " ", "Say why")],
    )
    def test_what_cannot_be_meant_is_refused(self, customer, amount, reason, said):
        with pytest.raises(CannotWriteOff, match=said):
            self.off(issue(customer), amount, reason=reason)

    def test_settled_documents_have_nothing_to_write_off(self, customer):
        invoice = issue(customer)
        post(customer, LedgerEntry.Kind.PAYMENT, -invoice.gross, invoice)
        with pytest.raises(CannotWriteOff, match="owed nothing"):
            self.off(invoice, "1.00")


class TestRefund:
    def refund(self, customer, amount):
        return book_refund(
            customer_id=customer.pk,
            amount=eur(amount),
            way="transfer",
            way_text="Überweisung",
            paid_on=TODAY,
            today=TODAY,
            reference="2026-03",
        )

    def test_receipt_is_numbered_and_the_account_even(self, customer):
        give_credit(customer, "15.00")
        receipt = self.refund(customer, "15.00")
        assert (receipt.kind, receipt.number) == (DocumentKind.REFUND_RECEIPT, "AZ-2026-000001")
        assert receipt.total == eur("15.00")
        assert account_balance(customer_id=customer.pk, currency="EUR").minor == 0

    def test_money_that_has_gone_is_booked_and_reopens_what_credit_had_settled(self, customer):
        invoice = issue(customer)
        give_credit(customer, "15.00")
        settle(customer)
        self.refund(customer, "15.00")
        assert open_amounts(invoice) == ["9.90"]

    def test_nothing_is_no_refund(self, customer):
        with pytest.raises(WrongAmount, match="more than zero"):
            self.refund(customer, "0.00")


class TestStatement:
    def statement(self, customer, since, until, today=TODAY):
        return issue_statement(customer_id=customer.pk, since=since, until=until, currency="EUR", today=today)

    def test_it_runs_from_the_opening_to_the_closing_balance(self, customer):
        post(customer, LedgerEntry.Kind.FEE, eur("2.00"), day=date(2026, 1, 31))
        invoice = issue(customer)
        post(customer, LedgerEntry.Kind.PAYMENT, -eur("5.00"), invoice)
        document = self.statement(customer, date(2026, 2, 1), TODAY)
        said = document.extra["statement"]
        assert (document.number, said["opening_minor"], said["closing_minor"]) == ("KA-2026-000001", 200, 690)
        assert [(e["kind"], e["number"], e["amount_minor"], e["balance_minor"]) for e in said["entries"]] == [
            ("invoice", invoice.number, 990, 1190),
            ("payment", invoice.number, -500, 690),
        ]
        assert document.total == eur("6.90")

    def test_moves_between_document_and_account_are_not_told(self, customer):
        issue(customer)
        give_credit(customer, "15.00")
        settle(customer)
        said = self.statement(customer, TODAY, TODAY).extra["statement"]
        assert [entry["kind"] for entry in said["entries"]] == ["invoice", "payment"]

    def test_corrections_are_named_by_their_own_number(self, customer):
        invoice = issue(customer)
        cancellation = cancel_document(document_id=invoice.pk, reason="Irrtum", today=TODAY)
        said = self.statement(customer, TODAY, TODAY).extra["statement"]
        assert [entry["number"] for entry in said["entries"]] == [invoice.number, cancellation.number]

    def test_what_is_noted_for_colleagues_stays_with_them(self, customer):
        invoice = issue(customer)
        write_off(
            document_id=invoice.pk,
            amount=invoice.gross,
            reason="other",
            note="zahlt nie",
            today=TODAY,
            limited=False,
        )
        said = self.statement(customer, TODAY, TODAY).extra["statement"]
        assert [entry["note"] for entry in said["entries"]] == ["", ""]

    @pytest.mark.parametrize(
        ("since", "until"), [(date(2026, 3, 2), date(2026, 3, 1)), (date(2026, 3, 1), date(2026, 3, 3))]
    )
    def test_periods_that_cannot_be_meant_are_refused(self, customer, since, until):
        with pytest.raises(WrongPeriod):
            self.statement(customer, since, until)
