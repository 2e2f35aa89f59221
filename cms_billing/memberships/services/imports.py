"""Contracts from a file: first a trial that tells everything, then all of it in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Issuer
from cms_billing.faktura.models.parties import LANGUAGES
from cms_billing.payments.models import PaymentMethod
from cms_billing.payments.providers import all_providers

from .. import importing
from ..importing import ContractRow, LineProblem
from ..models import Contract, ContractChange, ContractFile, ContractLine, Plan
from ..schedule import Interval

CHUNK = 1000


class ImportRefused(BillingError):
    """The file has problems and nothing of it was imported. ``problems`` names every one by its line."""

    def __init__(self, problems: Sequence[LineProblem]) -> None:
        self.problems = problems
        super().__init__(
            _("Nothing was imported: the file has %(count)s problems. The first: %(first)s")
            % {"count": len(problems), "first": problems[0]}
        )


class AlreadyImported(BillingError):
    """An uploaded file is imported once."""


@dataclass(frozen=True)
class ImportPlan:
    """What a file would do. ``known``: lines whose contract is there already, from an earlier import of it."""

    new: Sequence[ContractRow]
    known: Sequence[ContractRow]
    problems: Sequence[LineProblem]

    def sums(self) -> dict[str, Money]:
        """Price times quantity of one period (of the whole for instalments) of the new contracts, by currency."""
        sums: dict[str, Money] = {}
        for row in self.new:
            amount = row.price * row.quantity
            sums[amount.currency] = sums.get(amount.currency, Money.zero(amount.currency)) + amount
        return sums


@dataclass(frozen=True)
class Imported:
    """How many rows were written. ``known`` were there before; ``customer_ids``: everybody the imported lines name."""

    contracts: int
    customers: int
    known: int
    customer_ids: Sequence[int] = ()


def plan_import(*, issuer: Issuer, data: bytes, today: date) -> ImportPlan:
    """The trial run: reads only, and names every problem. Raises BadFile where the file itself cannot be read."""
    cells, problems = importing.read_cells(
        data, columns=importing.COLUMNS, required=importing.REQUIRED_COLUMNS
    )
    rows, found = importing.clean_rows(cells, known=_known_to(issuer), today=today)
    new, known, clashes = _compare(issuer, rows)
    return ImportPlan(new, known, sorted([*problems, *found, *clashes]))


@transaction.atomic
def import_contracts(*, issuer: Issuer, data: bytes, today: date, user: Any = None) -> Imported:
    """Import every line or none. Raises BadFile, ImportRefused."""
    _one_import_at_a_time(issuer)
    plan = plan_import(issuer=issuer, data=data, today=today)
    if plan.problems:
        raise ImportRefused(plan.problems)
    return _write(issuer, plan, data, today=today, user=user)


@transaction.atomic
def import_good_lines(*, issuer: Issuer, data: bytes, today: date, user: Any = None) -> Imported:
    """Import the lines without problems and leave the others. Raises BadFile."""
    _one_import_at_a_time(issuer)
    return _write(issuer, plan_import(issuer=issuer, data=data, today=today), data, today=today, user=user)


# -- files uploaded in the admin: kept from the trial to the confirmation --------------------------------------------

KEPT = timedelta(days=1)


@transaction.atomic
def keep_contract_file(*, issuer: Issuer, name: str, data: bytes, user: Any = None) -> ContractFile:
    """Keep an upload until it is confirmed. What nobody confirmed within a day is thrown away, as it names people."""
    ContractFile.objects.filter(imported_at=None, uploaded_at__lt=clock.now() - KEPT).delete()
    return ContractFile.objects.create(
        issuer=issuer,
        name=name[:200],
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        uploaded_by=user,
    )


def plan_file(file: ContractFile, *, today: date) -> ImportPlan:
    return plan_import(issuer=file.issuer, data=bytes(file.data), today=today)


@transaction.atomic
def import_file(*, file_id: int, today: date, user: Any = None) -> Imported:
    """Import every line of an uploaded file or none. Raises ImportRefused, AlreadyImported."""
    file = _lock_file(file_id)
    done = import_contracts(issuer=file.issuer, data=bytes(file.data), today=today, user=user)
    return _close_file(file, done)


@transaction.atomic
def import_good_lines_of_file(*, file_id: int, today: date, user: Any = None) -> Imported:
    """Import the lines of an uploaded file that have no problems. Raises AlreadyImported."""
    file = _lock_file(file_id)
    done = import_good_lines(issuer=file.issuer, data=bytes(file.data), today=today, user=user)
    return _close_file(file, done)


def _lock_file(file_id: int) -> ContractFile:
    locked = ContractFile.objects.select_for_update(no_key=True, of=("self",)).select_related("issuer")
    file = locked.get(pk=file_id)
    if file.imported_at is not None:
        raise AlreadyImported(_("%(file)s has been imported already.") % {"file": file})
    return file


def _close_file(file: ContractFile, done: Imported) -> Imported:
    file.imported_at, file.data = clock.now(), b""
    file.contracts, file.customers = done.contracts, done.customers
    file.save(update_fields=["imported_at", "data", "contracts", "customers"])
    return done


# -- how it is done -------------------------------------------------------------------------------------------------


def _one_import_at_a_time(issuer: Issuer) -> None:
    """Two people who import the same file at once: the second finds everything there."""
    Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)


def _known_to(issuer: Issuer) -> importing.Known:
    plans = {
        plan.code: importing.PlanFacts(
            plan.pk, plan.code, plan.name, Interval(plan.interval), plan.instalments, plan.tax_code
        )
        for plan in Plan.objects.filter(issuer=issuer)
    }
    return importing.Known(
        plans=plans,
        languages={code for code, _name in LANGUAGES},
        language=issuer.language,
        country=issuer.country,
        currency=issuer.currency,
        providers=[code for code, provider in all_providers().items() if provider.capabilities.charges],
    )


def _compare(
    issuer: Issuer, rows: Sequence[ContractRow]
) -> tuple[list[ContractRow], list[ContractRow], list[LineProblem]]:
    """With what is there: new rows, rows imported before, and rows that say something else than the database."""
    new: list[ContractRow] = []
    known: list[ContractRow] = []
    problems: list[LineProblem] = []
    for chunk in _chunks(rows):
        contracts = _contracts_by_number(issuer, chunk)
        customers = _customers_by_number(issuer, chunk)
        for row in chunk:
            contract, customer = contracts.get(row.contract_number), customers.get(row.customer_number)
            if contract is not None and not _is_same_contract(row, contract):
                reason = _("%(number)s is there already, with another customer, plan, start or price.")
                problems.append(
                    LineProblem(row.line, "contract_number", reason % {"number": contract.number})
                )
            elif contract is not None:
                known.append(row)
            elif customer is not None and not _is_same_customer(row, customer):
                reason = _("%(number)s is %(name)s already. Give this customer another number.")
                words = {"number": customer.number, "name": customer.name}
                problems.append(LineProblem(row.line, "customer_number", reason % words))
            else:
                new.append(row)
    return new, known, problems


def _contracts_by_number(issuer: Issuer, rows: Sequence[ContractRow]) -> dict[str, Contract]:
    contracts = (
        Contract.objects.filter(issuer=issuer, number__in=[row.contract_number for row in rows])
        .select_related("customer")
        .prefetch_related("lines")
    )
    return {contract.number: contract for contract in contracts}


def _customers_by_number(issuer: Issuer, rows: Sequence[ContractRow]) -> dict[str, Customer]:
    numbers = {row.customer_number for row in rows}
    return {
        customer.number: customer for customer in Customer.objects.filter(issuer=issuer, number__in=numbers)
    }


def _is_same_contract(row: ContractRow, contract: Contract) -> bool:
    """Only what never changes of its own accord: the next due date has moved on since."""
    lines = list(contract.lines.all())
    return (
        contract.customer.number == row.customer_number
        and contract.plan_id == row.plan.id
        and contract.start == row.start
        and len(lines) == 1
        and lines[0].price == row.price
        and lines[0].quantity == row.quantity
    )


def _is_same_customer(row: ContractRow, customer: Customer) -> bool:
    """By name; of addresses the database has the newer one."""
    return (customer.company, customer.last_name) == (row.customer["company"], row.customer["last_name"])


def _write(issuer: Issuer, plan: ImportPlan, data: bytes, *, today: date, user: Any) -> Imported:
    origin = f"import {hashlib.sha256(data).hexdigest()[:12]}"
    customers, named = 0, set()
    for chunk in _chunks(plan.new):
        by_number, created = _customers_for(issuer, chunk)
        customers += created
        named |= {customer.pk for customer in by_number.values()}
        _payment_methods(chunk, by_number)
        _contracts(issuer, chunk, by_number, origin=origin, today=today, user=user)
    for chunk in _chunks(plan.known):
        named |= {customer.pk for customer in _customers_by_number(issuer, chunk).values()}
    result = Imported(len(plan.new), customers, len(plan.known), sorted(named))
    if result.contracts:
        log(
            instance=issuer,
            action="cms_billing.import_contracts",
            user=user,
            data={"contracts": result.contracts, "customers": customers, "origin": origin},
        )
    return result


def _customers_for(issuer: Issuer, rows: Sequence[ContractRow]) -> tuple[dict[str, Customer], int]:
    by_number = _customers_by_number(issuer, rows)
    now = clock.now()
    missing = {row.customer_number: row for row in rows if row.customer_number not in by_number}
    created = Customer.objects.bulk_create(
        Customer(issuer=issuer, number=number, created_at=now, **row.customer)
        for number, row in missing.items()
    )
    return by_number | {customer.number: customer for customer in created}, len(created)


def _payment_methods(rows: Sequence[ContractRow], customers: dict[str, Customer]) -> None:
    """One a customer; who has a default one keeps it."""
    wanted = {row.customer_number: row for row in rows if row.provider}
    ids = [customers[number].pk for number in wanted]
    have = set(
        PaymentMethod.objects.filter(
            customer__in=ids, is_default=True, state=PaymentMethod.State.USABLE
        ).values_list("customer_id", flat=True)
    )
    PaymentMethod.objects.bulk_create(
        PaymentMethod(
            customer=customers[number],
            provider=row.provider,
            reference=row.method_reference,
            label=row.method_label,
        )
        for number, row in wanted.items()
        if customers[number].pk not in have
    )


def _contracts(
    issuer: Issuer,
    rows: Sequence[ContractRow],
    customers: dict[str, Customer],
    *,
    origin: str,
    today: date,
    user: Any,
) -> None:
    now = clock.now()
    contracts = Contract.objects.bulk_create(
        Contract(
            issuer=issuer,
            customer=customers[row.customer_number],
            plan_id=row.plan.id,
            number=row.contract_number,
            state=Contract.State.ACTIVE if row.start <= today else Contract.State.PENDING,
            start=row.start,
            end=row.end,
            origin=origin,
            created_at=now,
        )
        for row in rows
    )
    ContractLine.objects.bulk_create(
        _line(contract, row) for contract, row in zip(contracts, rows, strict=True)
    )
    ContractChange.objects.bulk_create(
        ContractChange(
            contract=contract,
            at=now,
            effective_on=contract.start,
            to_state=contract.state,
            reason=origin,
            user=user,
        )
        for contract in contracts
    )


def _line(contract: Contract, row: ContractRow) -> ContractLine:
    return ContractLine(
        contract=contract,
        description=row.plan.name,
        interval=row.plan.interval,
        instalments=row.plan.instalments if row.plan.interval is Interval.INSTALMENTS else 1,
        anchor=row.anchor,
        quantity=row.quantity,
        price_minor=row.price.minor,
        currency=row.price.currency,
        prices_include_tax=row.includes_tax,
        tax_code=row.plan.tax_code,
        next_due=row.next_due,
    )


def _chunks(rows: Sequence[ContractRow]) -> Iterator[Sequence[ContractRow]]:
    for begin in range(0, len(rows), CHUNK):
        yield rows[begin : begin + CHUNK]
