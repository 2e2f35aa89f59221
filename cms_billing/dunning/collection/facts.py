"""What a file says of each claim, read once at the hand-over and kept with it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from cms_billing.faktura.models import Customer, Document, DocumentLine, Issuer

from ..breakdowns import Breakdown, breakdown
from ..models import Case, CaseStep, Charge, Procedure
from .columns import FORMAT_VERSION
from .details import details_of

# “Hauptstraße 12a”, “Am Markt 3-5”, “Ring 7/2”; anything else stays in one cell.
_HOUSE = re.compile(
    r"(?P<street>.*[^\W\d_][.)]?)\s+(?P<number>\d{1,4}\s?[a-zA-Z]?(\s?[-/]\s?\d{1,4}\s?[a-zA-Z]?)?)"
)


def facts_of(cases: Sequence[Case], issuer: Issuer) -> dict[int, tuple[dict[str, Any], list[int]]]:
    """By case: its facts by column key, and the documents that go along. About ten statements, however many cases."""
    documents = [case.document for case in cases]
    parts = breakdown([document.pk for document in documents])
    interest = _interest(cases)
    details = details_of(documents)
    letters = _letters(cases)
    lines = _lines(documents)
    points = _points(issuer)
    creditor = _creditor(issuer)
    found = {}
    for case in cases:
        sent = letters[case.pk]
        facts = {
            **creditor,
            **_debtor(case.customer),
            **_claim(case, lines[case.document_id]),
            **_amounts(parts[case.document_id]),
            **(
                {"interest_kind": points.get(case.customer.kind), **known}
                if (known := interest.get(case.pk))
                else {}
            ),
            **_letter_facts(case, sent),
            **details[case.document_id],
        }
        papers = list(dict.fromkeys([case.document_id, *(letter.pk for _level, letter in sent)]))
        found[case.pk] = (_plain(facts), papers)
    return found


def split_house_number(street: str) -> tuple[str, str]:
    match = _HOUSE.fullmatch(street.strip())
    return (match["street"], match["number"]) if match else (street.strip(), "")


def _creditor(issuer: Issuer) -> dict[str, Any]:
    address = f"{issuer.street}, {issuer.postal_code} {issuer.city}, {issuer.country}"
    return {
        "format_version": FORMAT_VERSION,
        "creditor_name": issuer.legal_name or issuer.name,
        "creditor_address": address.strip(", "),
        # § 13a RDG: whoever charges no VAT deducts none either.
        "input_tax": not issuer.small_business,
    }


def _debtor(customer: Customer) -> dict[str, Any]:
    street, number = split_house_number(customer.street)
    return {
        "customer_number": customer.number,
        "debtor_kind": "F" if customer.kind == Customer.Kind.BUSINESS else "P",
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "company": customer.company,
        "street": street,
        "house_number": number,
        "address_addition": customer.address_addition,
        "postal_code": customer.postal_code,
        "city": customer.city,
        "country": customer.country,
        "address_source": "Kunde",
        "email": customer.email,
    }


def _claim(case: Case, lines: Sequence[DocumentLine]) -> dict[str, Any]:
    document = case.document
    contracts = dict.fromkeys(line.contract_reference for line in lines if line.contract_reference)
    return {
        "claim_kind": "Rechnung",
        "claim_ground": "; ".join(dict.fromkeys(line.description for line in lines)),
        "contract_number": ", ".join(contracts),
        "document_number": document.number,
        "document_day": document.issued_on,
        "service_start": document.service_start,
        "service_end": document.service_end,
        "due_on": document.open_item.due_on,
        "currency": document.currency,
        "level": str(case.level),
        "disputed": False,
    }


def _amounts(parts: Breakdown) -> dict[str, Any]:
    """principal - credits + fees + return_fees + flat + interest - payments == total (§ 367 BGB says what is open)."""
    return {
        "principal": parts.principal,
        "payments": parts.payments,
        "credits": parts.credits,
        "open_principal": parts.principal_open,
        "fees": parts.fees + parts.collection_costs,
        "return_fees": parts.return_fees,
        "flat": parts.flat,
        "interest": parts.interest,
        "total": parts.open_minor,
    }


def _interest(cases: Sequence[Case]) -> dict[int, dict[str, Any]]:
    """From when to when it was counted, and at which rate last: § 13a RDG wants to know."""
    found: dict[int, dict[str, Any]] = {}
    rows = Charge.objects.filter(case__in=cases, kind=Charge.Kind.INTEREST).order_by("pk")
    for case_id, details in rows.values_list("case_id", "details"):
        for part in details or []:
            known = found.setdefault(case_id, {"interest_from": part["from"]})
            known |= {"interest_to": part["to"], "interest_rate": str(part["percent"])}
    return found


def _letter_facts(case: Case, letters: Sequence[tuple[int, Document]]) -> dict[str, Any]:
    first: dict[int, date | None] = {}
    for level, letter in letters:
        first.setdefault(level, letter.issued_on)
    begun = min((day for day in first.values() if day), default=None)
    return {
        **{f"letter_{level}": first.get(level) for level in (1, 2, 3)},
        "default_since": case.in_default_since or begun,
    }


def _letters(cases: Sequence[Case]) -> dict[int, list[tuple[int, Document]]]:
    found: dict[int, list[tuple[int, Document]]] = defaultdict(list)
    steps = CaseStep.objects.filter(case__in=cases, kind=CaseStep.Kind.LETTER, letter__isnull=False)
    for step in steps.select_related("letter").order_by("pk"):
        if step.letter is not None:
            found[step.case_id].append((step.level, step.letter))
    return found


def _lines(documents: Sequence[Document]) -> dict[int, list[DocumentLine]]:
    found: dict[int, list[DocumentLine]] = defaultdict(list)
    for line in DocumentLine.objects.filter(document__in=documents).order_by("document", "position"):
        found[line.document_id].append(line)
    return found


def _points(issuer: Issuer) -> dict[str, str]:
    """By kind of customer: “Basis+5”, where the procedure claims interest."""
    rows = Procedure.objects.filter(issuer=issuer, is_active=True, interest_points__isnull=False)
    by_kind = {
        row.customer_kind: f"Basis+{row.interest_points.normalize():f}" for row in rows if row.interest_points
    }
    for_all = by_kind.get(Procedure.CustomerKind.ALL, "")
    return {kind: by_kind.get(kind, for_all) for kind in Customer.Kind.values}


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """As JSON keeps it; empty values are left out."""
    kept = {key: value for key, value in facts.items() if value is not None and value != ""}
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in kept.items()}
