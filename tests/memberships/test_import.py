"""Contracts from a file: the trial names everything, the import is all or nothing, and twice is once."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from cms_billing.core.money import Money
from cms_billing.faktura.models import Booking, Customer
from cms_billing.memberships.importing import BadFile
from cms_billing.memberships.models import Contract, ContractChange, ContractLine
from cms_billing.memberships.services import (
    ImportRefused,
    book_next_due,
    import_contracts,
    import_good_lines,
    plan_import,
)
from cms_billing.payments.models import PaymentMethod
from cms_billing.testing.factories import CustomerFactory, IssuerFactory
from cms_billing.testing.people import contract_lines

TODAY = date(2026, 11, 20)

pytestmark = pytest.mark.django_db


def problems(issuer, data: bytes) -> list[str]:
    return [str(problem) for problem in plan_import(issuer=issuer, data=data, today=TODAY).problems]


def test_good_line_becomes_customer_contract_and_line_with_the_due_date_kept(issuer, csv_file):
    done = import_contracts(issuer=issuer, data=csv_file({"quantity": "2,5"}), today=TODAY)
    assert (done.contracts, done.customers, done.known) == (1, 1, 0)
    contract = Contract.objects.select_related("customer").get()
    assert (contract.number, contract.state, contract.start) == ("V-1", "active", date(2025, 1, 31))
    assert (contract.customer.name, contract.customer.country, contract.customer.language) == (
        "Änne Groß",
        "DE",
        "de",
    )
    line = contract.lines.get()
    assert (line.next_due, line.anchor) == (date(2026, 11, 30), date(2025, 1, 31))
    assert (line.price, line.quantity, line.prices_include_tax) == (
        Money.of("9.90", "EUR"),
        Decimal("2.5"),
        True,
    )
    assert ContractChange.objects.get().to_state == "active"


def test_trial_writes_nothing(issuer, csv_file):
    plan = plan_import(
        issuer=issuer, data=csv_file({}, {"contract_number": "V-2", "quantity": "3"}), today=TODAY
    )
    assert len(plan.new) == 2
    assert plan.sums() == {"EUR": Money.of("39.60", "EUR")}
    assert not Customer.objects.exists()
    assert not Contract.objects.exists()


def test_same_file_twice_creates_nothing_twice_also_after_billing(issuer, csv_file):
    data = csv_file({}, {"customer_number": "K-2", "contract_number": "V-2"})
    import_contracts(issuer=issuer, data=data, today=TODAY)
    assert book_next_due(issuer=issuer, today=date(2026, 11, 30)).bookings == 2
    again = import_contracts(issuer=issuer, data=data, today=date(2026, 12, 1))
    assert (again.contracts, again.customers, again.known) == (0, 0, 2)
    assert Contract.objects.count() == Customer.objects.count() == ContractLine.objects.count() == 2


def test_several_contracts_of_one_customer_make_one_customer(issuer, csv_file):
    import_contracts(issuer=issuer, data=csv_file({}, {"contract_number": "V-2"}), today=TODAY)
    assert (Customer.objects.count(), Contract.objects.count()) == (1, 2)


def test_a_customer_who_is_there_keeps_the_address_and_gets_the_contract(issuer, csv_file):
    customer = CustomerFactory(issuer=issuer, number="K-1", last_name="Groß", street="Neuer Weg 2")
    done = import_contracts(issuer=issuer, data=csv_file({}), today=TODAY)
    assert done.customers == 0
    customer.refresh_from_db()
    assert customer.street == "Neuer Weg 2"
    assert Contract.objects.get().customer == customer


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": "2025-02-30"}, "Line 2, start: “2025-02-30” is no day of the calendar."),
        ({"start": "31/01/2025"}, "Line 2, start: “31/01/2025” is no date. Write it like 2026-01-31 or 31.01.2026."),
        ({"start": "1.1.25"}, "is no date"),
        ({"start": "01.01.1825"}, "Check the year."),
        ({"start": ""}, "Line 2, start: is missing."),
        ({"next_due": "30.01.2025"}, "lies before the start"),
        ({"next_due": ""}, "is missing: it says from when on to bill"),
        ({"next_due": "30.11.2206"}, "is too far off. Check the year."),
        ({"start": "31.01.2015", "next_due": "31.01.2016"}, "periods would be billed at once"),
        ({"start": "31.01.1990", "next_due": "31.01.1990"}, "periods would be billed at once"),
        ({"end": "30.01.2025"}, "lies before the start"),
        ({"end": "01.11.2026"}, "Only running ones are imported."),
        ({"price": "-9,90"}, "Line 2, price: A price cannot be negative: -9,90."),
        ({"price": "9.90 Euro"}, "is no number"),
        ({"price": "99000000"}, "is more than a price can be"),
        ({"price": "1.234"}, "can mean two numbers"),
        ({"price": "9,905"}, "can mean two numbers"),
        ({"price": "9,9051"}, "more decimal places than EUR has"),
        ({"price": "nan"}, "is no number"),
        ({"price": "٩,٩٠"}, "is no number"),
        ({"price": "", "contract_number": ""}, "Line 2, price: is missing."),
        ({"price": "9,90", "currency": "JPY"}, "more decimal places than JPY has"),
        ({"currency": "XXQ"}, "is no currency code"),
        ({"quantity": "0"}, "A quantity is more than 0"),
        ({"quantity": "1,2345"}, "at most three decimal places"),
        ({"plan": "mitglied"}, "There is no plan “mitglied”. Plans of this issuer: jahr, kurs-raten, monat"),
        ({"street": ""}, "Line 2, street: is missing."),
        ({"last_name": ""}, "a customer needs a last name or a company"),
        ({"email": "aenne@"}, "Line 2, email: “aenne@” is no e-mail address."),
        ({"city": "B" * 81}, "is longer than 80 characters."),
        ({"city": "Ber\u200blin"}, "invisible characters"),
        ({"plan": "kurs-raten", "start": "15.09.2026", "next_due": "20.11.2026"}, "one of the 6 instalments"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_line_and_column(issuer, csv_file, change, words):
    assert any(words in problem for problem in problems(issuer, csv_file(change))), problems(
        issuer, csv_file(change)
    )


def test_every_problem_is_named_not_only_the_first(issuer, csv_file):
    data = csv_file({"price": "-1", "email": "x", "plan": "?"}, {}, {"contract_number": "V-2", "start": "?"})
    assert [problem.split(":")[0] for problem in problems(issuer, data)] == [
        "Line 2, email",
        "Line 2, plan",
        "Line 2, price",
        "Line 4, start",
    ]


def test_numbers_that_come_twice_in_the_file(issuer, csv_file):
    data = csv_file({}, {}, {"contract_number": "V-2", "street": "Anderswo 3"})
    assert problems(issuer, data) == [
        "Line 3, contract_number: V-1 is on line 2 already.",
        "Line 4, customer_number: Customer K-1 has another street on line 2.",
    ]


def test_numbers_that_belong_to_others_in_the_database(issuer, csv_file):
    import_contracts(issuer=issuer, data=csv_file({}), today=TODAY)
    data = csv_file({"price": "12,00"}, {"contract_number": "V-2", "last_name": "Klein"})
    assert problems(issuer, data)[0].startswith("Line 2, contract_number: V-1 is there already, with another")
    other = csv_file({"contract_number": "V-2", "last_name": "Klein"})
    assert problems(issuer, other) == [
        "Line 2, customer_number: K-1 is Änne Groß already. Give this customer another number."
    ]


def test_another_issuers_numbers_do_not_matter(issuer, csv_file):
    CustomerFactory(issuer=IssuerFactory(), number="K-1", last_name="Anders")
    assert problems(issuer, csv_file({})) == []


def test_one_bad_line_stops_the_whole_import(issuer, csv_file):
    data = csv_file({}, {"contract_number": "V-2", "price": "-1"})
    with pytest.raises(ImportRefused, match="Line 3, price"):
        import_contracts(issuer=issuer, data=data, today=TODAY)
    assert not Customer.objects.exists()


def test_good_lines_can_be_taken_alone(issuer, csv_file):
    data = csv_file({}, {"contract_number": "V-2", "price": "-1"})
    assert import_good_lines(issuer=issuer, data=data, today=TODAY).contracts == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings_of_the_usual_programs(issuer, csv_file, encoding):
    import_contracts(issuer=issuer, data=csv_file({}, encoding=encoding), today=TODAY)
    assert Customer.objects.get().name == "Änne Groß"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty."),
        (b" \r\n", "The file is empty."),
        (b"PK\x03\x04rest of a workbook", "This is a spreadsheet, not a CSV file."),
        ("customer_number".encode("utf-16"), "Save it as “CSV UTF-8”"),
        (b"customer_number\x81;x\r\n", "Line 1 holds a character"),
        (b"name;amount\r\nx;1\r\n", "unknown: “name”, “amount”; missing: “customer_number”"),
    ],
)
def test_files_that_are_no_csv_are_refused_in_words(issuer, data, words):
    with pytest.raises(BadFile, match=words):
        plan_import(issuer=issuer, data=data, today=TODAY)


def test_header_without_lines_and_a_column_twice(issuer, csv_file):
    with pytest.raises(BadFile, match="no lines below it"):
        plan_import(issuer=issuer, data=csv_file(), today=TODAY)
    with pytest.raises(BadFile, match="more than once: “price”"):
        plan_import(issuer=issuer, data=csv_file().rstrip() + b";price\r\n", today=TODAY)


def test_commas_and_quoted_line_breaks(issuer, csv_file):
    data = csv_file({"price": "9.90"}).replace(b";", b",")
    assert problems(issuer, data) == []
    broken = csv_file({"street": '"Haupt\nstraße 1"'}, {"contract_number": "V-2", "price": "?"})
    assert [problem.split(":")[0] for problem in problems(issuer, broken)] == [
        "Line 2, street",
        "Line 4, price",
    ]


def test_lines_with_too_few_or_too_many_cells(issuer, csv_file):
    data = csv_file({}) + b"K-9;only two\r\n" + b";;;;\r\n"
    assert problems(issuer, data) == [
        "Line 3: has 2 cells where the header has 16. Is a quotation mark missing?"
    ]


def test_formulas_stay_text(issuer, csv_file):
    import_contracts(issuer=issuer, data=csv_file({"first_name": "=HYPERLINK('x')"}), today=TODAY)
    assert Customer.objects.get().first_name == "=HYPERLINK('x')"
    assert any(
        "is no number" in problem
        for problem in problems(issuer, csv_file({"contract_number": "V-2", "price": "=1+1"}))
    )


def test_due_date_off_the_schedule_starts_a_new_count(issuer, csv_file):
    import_contracts(
        issuer=issuer, data=csv_file({"start": "15.01.2025", "next_due": "01.12.2026"}), today=TODAY
    )
    assert book_next_due(issuer=issuer, today=date(2027, 1, 1)).bookings == 2
    assert list(Booking.objects.values_list("period_start", flat=True)) == [
        date(2026, 12, 1),
        date(2027, 1, 1),
    ]


def test_remaining_instalments_are_counted_from_the_start(issuer, csv_file):
    data = csv_file(
        {"plan": "kurs-raten", "start": "15.09.2026", "next_due": "15.11.2026", "price": "294,00"}
    )
    import_contracts(issuer=issuer, data=data, today=TODAY)
    book_next_due(issuer=issuer, today=date(2028, 1, 1))
    assert [booking.unit_price_minor for booking in Booking.objects.all()] == [4900] * 4


def test_nothing_more_to_bill(issuer, csv_file):
    import_contracts(issuer=issuer, data=csv_file({"next_due": "none"}), today=TODAY)
    assert ContractLine.objects.get().next_due is None


def test_payment_method_comes_along(issuer, csv_file):
    header = csv_file().decode().strip() + ";payment_provider;payment_reference;payment_label\r\n"
    line = csv_file({}).decode().splitlines()[1]
    data = (header + line + ";fake;card-7;Visa •••• 4242\r\n").encode()
    import_contracts(issuer=issuer, data=data, today=TODAY)
    method = PaymentMethod.objects.get()
    assert (method.provider, method.reference, method.label) == ("fake", "card-7", "Visa •••• 4242")
    assert (
        "cannot collect money here" in problems(issuer, (header + line + ";bank_transfer;x;\r\n").encode())[0]
    )
    assert "go together" in problems(issuer, (header + line + ";fake;;\r\n").encode())[0]


# -- the command and the shipped file -----------------------------------------------------------------------------


def write(tmp_path, data: bytes) -> str:
    path = tmp_path / "contracts.csv"
    path.write_bytes(data)
    return str(path)


def test_command_is_a_trial_run_unless_told_otherwise(issuer, csv_file, tmp_path, capsys):
    path = write(tmp_path, csv_file({"start": "01.11.2026", "next_due": "none"}))
    call_command("import_contracts", path)
    assert "trial run: nothing was written" in capsys.readouterr().out
    assert not Contract.objects.exists()
    call_command("import_contracts", path, "--commit")
    assert (
        "Imported 1 contracts and 1 new customers; 0 contracts were there already." in capsys.readouterr().out
    )


def test_command_lists_problems_and_says_no(issuer, csv_file, tmp_path, capsys):
    path = write(
        tmp_path,
        csv_file({"price": "-1", "next_due": "none"}, {"contract_number": "V-2", "next_due": "none"}),
    )
    with pytest.raises(CommandError, match="Mend the lines above"):
        call_command("import_contracts", path)
    assert "Line 2, price: A price cannot be negative: -1." in capsys.readouterr().err
    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command("import_contracts", path, "--commit")
    call_command("import_contracts", path, "--commit", "--skip-bad")
    assert Contract.objects.get().number == "V-2"


def test_command_asks_which_issuer_and_names_missing_files(issuer, tmp_path):
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("import_contracts", str(tmp_path / "nowhere.csv"))
    IssuerFactory()
    with pytest.raises(CommandError, match="Say which issuer with --issuer"):
        call_command("import_contracts", str(tmp_path / "nowhere.csv"))
    with pytest.raises(CommandError, match="There is no issuer “Nobody”"):
        call_command("import_contracts", str(tmp_path / "nowhere.csv"), "--issuer", "Nobody")


def test_shipped_file_is_what_the_generator_makes(tmp_path):
    out = tmp_path / "again.csv"
    call_command("generate_contracts", "1000", "--seed", "1", "--due-from", "2026-12-01", "--out", str(out))
    with open("sandbox/data/contracts-1000.csv", "rb") as shipped:
        assert out.read_bytes() == shipped.read()


def test_a_thousand_contracts_come_in_with_few_queries_and_are_billed_once_each(
    issuer, django_assert_max_num_queries
):
    with open("sandbox/data/contracts-1000.csv", "rb") as file:
        data = file.read()
    # SQLite takes fifty rows an INSERT, PostgreSQL all of them.
    with django_assert_max_num_queries(65):
        done = import_contracts(issuer=issuer, data=data, today=TODAY)
    assert (done.contracts, done.customers) == (1000, 1000)
    booked, after = 0, 0
    while (
        batch := book_next_due(issuer=issuer, today=date(2026, 12, 28), after_line=after)
    ).last_line is not None:
        assert not batch.problems
        booked, after = booked + batch.bookings, batch.last_line
    assert booked == 1000


def test_generated_customers_are_the_same_for_a_seed_and_different_for_another():
    first, again, other = (list(contract_lines(50, seed=seed, due_from=TODAY)) for seed in (1, 1, 2))
    assert first == again != other
