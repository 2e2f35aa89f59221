"""From cells to rows that can be contracts: pure checks that need no database, only what is known of the issuer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from cms_billing.core.money import Money
from cms_billing.core.texts import day_text
from cms_billing.faktura.validators import validate_country, validate_currency, validate_vat_id

from .. import schedule
from . import values
from .reading import Cells, LineProblem

# Longest text of each column, as the tables have it.
_LENGTHS = {
    "customer_number": 32,
    "company": 120,
    "first_name": 80,
    "last_name": 80,
    "street": 120,
    "address_addition": 120,
    "postal_code": 16,
    "city": 80,
    "country": 2,
    "email": 254,
    "language": 8,
    "vat_id": 20,
    "contract_number": 32,
    "payment_provider": 40,
    "payment_reference": 120,
    "payment_label": 80,
}
CUSTOMER_COLUMNS = (
    "kind",
    "company",
    "first_name",
    "last_name",
    "street",
    "address_addition",
    "postal_code",
    "city",
    "country",
    "email",
    "language",
    "vat_id",
)
METHOD_COLUMNS = ("payment_provider", "payment_reference", "payment_label")
COLUMNS = (
    "customer_number",
    *CUSTOMER_COLUMNS,
    "plan",
    "contract_number",
    "start",
    "next_due",
    "end",
    "price",
    "currency",
    "price_includes_tax",
    "quantity",
    *METHOD_COLUMNS,
)
REQUIRED_COLUMNS = (
    "customer_number",
    "last_name",
    "street",
    "postal_code",
    "city",
    "plan",
    "contract_number",
    "start",
    "next_due",
    "price",
)
_NEVER_EMPTY = (
    "customer_number",
    "street",
    "postal_code",
    "city",
    "plan",
    "contract_number",
    "start",
    "price",
)
# In next_due: everything has been billed.
NOTHING_MORE = frozenset({"none", "keine", "-"})
# In a file the periods still to bill, more than this, are a wrong date.
MOST_PERIODS = 36
OLDEST_START = timedelta(days=366 * 100)
FARTHEST_START = timedelta(days=366 * 5)
FARTHEST_DUE = timedelta(days=366 * 2)

Value = TypeVar("Value")


@dataclass(frozen=True)
class PlanFacts:
    """What a row has to know of its plan."""

    id: int
    code: str
    name: str
    interval: schedule.Interval
    instalments: int
    tax_code: str


@dataclass(frozen=True)
class Known:
    """What the issuer brings: plans by code, defaults, and providers that can collect."""

    plans: Mapping[str, PlanFacts]
    languages: Collection[str]
    language: str
    country: str
    currency: str
    providers: Collection[str]


@dataclass(frozen=True)
class ContractRow:
    """One line that can be a contract. ``customer`` holds the columns of ``CUSTOMER_COLUMNS``."""

    line: int
    customer_number: str
    customer: Mapping[str, str]
    plan: PlanFacts
    contract_number: str
    start: date
    next_due: date | None
    anchor: date
    end: date | None
    price: Money
    includes_tax: bool
    quantity: Decimal
    provider: str
    method_reference: str
    method_label: str


def clean_rows(
    cells: Sequence[Cells], *, known: Known, today: date
) -> tuple[list[ContractRow], list[LineProblem]]:
    """The rows that are right in themselves and beside each other, and every problem of the others."""
    rows, problems = [], []
    for line in cells:
        reader = _Line(line, known, today)
        row = reader.row()
        problems += reader.problems
        if row is not None:
            rows.append(row)
    return _beside_each_other(rows, problems)


def _beside_each_other(
    rows: Sequence[ContractRow], problems: list[LineProblem]
) -> tuple[list[ContractRow], list[LineProblem]]:
    """One contract a number, and one person a customer number."""
    contracts: dict[str, ContractRow] = {}
    customers: dict[str, ContractRow] = {}
    good = []
    for row in rows:
        same_contract = contracts.setdefault(row.contract_number, row)
        same_customer = customers.setdefault(row.customer_number, row)
        if same_contract is not row:
            reason = _("%(number)s is on line %(line)s already.") % {
                "number": row.contract_number,
                "line": same_contract.line,
            }
            problems.append(LineProblem(row.line, "contract_number", reason))
        elif differing := _differing(row, same_customer):
            reason = _("Customer %(number)s has another %(columns)s on line %(line)s.") % {
                "number": row.customer_number,
                "columns": ", ".join(differing),
                "line": same_customer.line,
            }
            problems.append(LineProblem(row.line, "customer_number", reason))
        else:
            good.append(row)
    return good, problems


def _differing(row: ContractRow, other: ContractRow) -> list[str]:
    names = [name for name in CUSTOMER_COLUMNS if row.customer[name] != other.customer[name]]
    if (row.provider, row.method_reference) != (other.provider, other.method_reference):
        names.append("payment_reference")
    return names


class _Line:
    """Reads one line and notes every problem of it, not only the first."""

    def __init__(self, cells: Cells, known: Known, today: date) -> None:
        self.cells, self.known, self.today = cells, known, today
        self.problems: list[LineProblem] = []

    def row(self) -> ContractRow | None:
        self._lengths_and_gaps()
        customer = self._customer()
        plan = self._plan()
        currency = self._currency()
        start = self._start()
        end = self._end(start)
        price = self._read("price", lambda text: values.read_price(text, currency)) if currency else None
        quantity = self._read("quantity", values.read_quantity, empty=Decimal(1))
        includes_tax = self._read("price_includes_tax", values.says_yes, empty=True)
        due = self._next_due(start, end)
        provider, reference = self._method()
        if self.problems or plan is None or start is None or price is None:
            return None
        anchor = self._anchor(plan, start, due, end)
        if self.problems:
            return None
        return ContractRow(
            line=self.cells.line,
            customer_number=self._text("customer_number"),
            customer=customer,
            plan=plan,
            contract_number=self._text("contract_number"),
            start=start,
            next_due=due,
            anchor=anchor,
            end=end,
            price=price,
            includes_tax=bool(includes_tax),
            quantity=quantity or Decimal(1),
            provider=provider,
            method_reference=reference,
            method_label=self._text("payment_label"),
        )

    def _text(self, column: str) -> str:
        return self.cells.values.get(column, "")

    def _problem(self, column: str, reason: str) -> None:
        self.problems.append(LineProblem(self.cells.line, column, reason))

    def _read(self, column: str, read: Callable[[str], Value], empty: Value | None = None) -> Value | None:
        text = self._text(column)
        if not text:
            return empty
        try:
            return read(text)
        except ValueError as error:
            self._problem(column, str(error))
        except ValidationError as error:
            self._problem(column, " ".join(error.messages))
        return None

    def _lengths_and_gaps(self) -> None:
        for column in _NEVER_EMPTY:
            if not self._text(column):
                self._problem(column, _("is missing."))
        if not self._text("company") and not self._text("last_name"):
            self._problem("last_name", _("is missing: a customer needs a last name or a company."))
        for column, longest in _LENGTHS.items():
            if len(self._text(column)) > longest:
                self._problem(column, _("is longer than %(longest)s characters.") % {"longest": longest})
        for column, text in self.cells.values.items():
            if not text.isprintable():
                self._problem(column, _("holds line breaks or invisible characters."))

    def _customer(self) -> dict[str, str]:
        texts = {name: self._text(name) for name in CUSTOMER_COLUMNS}
        texts["kind"] = texts["kind"].lower() or ("business" if texts["company"] else "consumer")
        if texts["kind"] not in ("consumer", "business"):
            self._problem("kind", _("“%(text)s” is neither consumer nor business.") % {"text": texts["kind"]})
        texts["country"] = texts["country"].upper() or self.known.country
        texts["language"] = texts["language"].lower() or self.known.language
        if texts["language"] not in self.known.languages:
            known = ", ".join(sorted(self.known.languages))
            self._problem(
                "language",
                _("“%(text)s” is not among the languages of documents: %(known)s.")
                % {"text": texts["language"], "known": known},
            )
        self._valid("country", texts["country"], validate_country)
        texts["vat_id"] = texts["vat_id"].replace(" ", "").upper()
        self._valid("vat_id", texts["vat_id"], validate_vat_id)
        if texts["email"] and not values.is_email(texts["email"]):
            self._problem("email", _("“%(text)s” is no e-mail address.") % {"text": texts["email"]})
        return texts

    def _valid(self, column: str, text: str, validate: Callable[[str], Any]) -> None:
        if text:
            try:
                validate(text)
            except ValidationError as error:
                self._problem(column, " ".join(error.messages))

    def _plan(self) -> PlanFacts | None:
        code = self._text("plan")
        plan = self.known.plans.get(code)
        if code and plan is None:
            known = ", ".join(sorted(self.known.plans)) or _("none")
            self._problem(
                "plan",
                _("There is no plan “%(code)s”. Plans of this issuer: %(known)s.")
                % {"code": code, "known": known},
            )
        return plan

    def _currency(self) -> str | None:
        code = self._text("currency").upper() or self.known.currency
        before = len(self.problems)
        self._valid("currency", code, validate_currency)
        return code if len(self.problems) == before else None

    def _start(self) -> date | None:
        start = self._read("start", values.read_date)
        if start and not self.today - OLDEST_START <= start <= self.today + FARTHEST_START:
            self._problem("start", _("%(day)s cannot be right. Check the year.") % {"day": day_text(start)})
        return start

    def _end(self, start: date | None) -> date | None:
        end = self._read("end", values.read_date)
        if end and start and end < start:
            self._problem(
                "end",
                _("%(end)s lies before the start, %(start)s.")
                % {"end": day_text(end), "start": day_text(start)},
            )
        elif end and end < self.today:
            self._problem(
                "end",
                _("The contract ended on %(end)s. Only running ones are imported.") % {"end": day_text(end)},
            )
        return end

    def _next_due(self, start: date | None, end: date | None) -> date | None:
        text = self._text("next_due")
        if text.lower() in NOTHING_MORE:
            return None
        if not text and start and start < self.today:
            self._problem(
                "next_due",
                _(
                    "is missing: it says from when on to bill. Write “none” where nothing more is to be billed."
                ),
            )
        due = self._read("next_due", values.read_date, empty=start)
        if due and start and due < start:
            self._problem(
                "next_due",
                _("%(due)s lies before the start, %(start)s.")
                % {"due": day_text(due), "start": day_text(start)},
            )
        elif due and due > max(self.today, start or due) + FARTHEST_DUE:
            self._problem("next_due", _("%(day)s is too far off. Check the year.") % {"day": day_text(due)})
        return due

    def _anchor(self, plan: PlanFacts, start: date, due: date | None, end: date | None) -> date:
        """The start, where the next due date is one of the days that follow from it; else periods count anew from it.

        Instalments must follow from the start: it says how many of them have been billed.
        """
        if due is None:
            return start
        terms = schedule.LineTerms(start, plan.interval, 0, due, end, plan.instalments)
        first = schedule.next_due(terms, after=due - timedelta(days=1))
        if first != due and plan.interval is schedule.Interval.INSTALMENTS:
            self._problem(
                "next_due",
                _("%(due)s is no day on which one of the %(count)s instalments from %(start)s falls due.")
                % {"due": day_text(due), "count": plan.instalments, "start": day_text(start)},
            )
        anchor = start if first == due else due
        self._not_too_many(schedule.LineTerms(anchor, plan.interval, 0, due, end, plan.instalments))
        return anchor

    def _not_too_many(self, terms: schedule.LineTerms) -> None:
        count = len(schedule.due_periods(terms, until=self.today))
        if count > MOST_PERIODS:
            self._problem(
                "next_due",
                _("%(count)s periods would be billed at once. Check the year.") % {"count": count},
            )

    def _method(self) -> tuple[str, str]:
        provider, reference = self._text("payment_provider"), self._text("payment_reference")
        if provider and provider not in self.known.providers:
            known = ", ".join(sorted(self.known.providers)) or _("none")
            self._problem(
                "payment_provider",
                _("“%(code)s” cannot collect money here. Providers that can: %(known)s.")
                % {"code": provider, "known": known},
            )
        if bool(provider) != bool(reference):
            self._problem("payment_reference", _("Provider and reference go together: fill both or neither."))
        return provider, reference
