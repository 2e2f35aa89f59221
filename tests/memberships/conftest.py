from collections.abc import Callable
from datetime import date

import pytest

from cms_billing.memberships.models import Plan
from cms_billing.testing.factories import IssuerFactory, PlanFactory

TODAY = date(2026, 11, 20)
HEADER = (
    "customer_number;company;last_name;first_name;street;postal_code;city;email;plan;contract_number;"
    "start;next_due;end;price;currency;quantity"
)
GOOD = {
    "customer_number": "K-1",
    "company": "",
    "last_name": "Groß",
    "first_name": "Änne",
    "street": "Hauptstraße 1",
    "postal_code": "10115",
    "city": "Berlin",
    "email": "aenne@example.org",
    "plan": "monat",
    "contract_number": "V-1",
    "start": "31.01.2025",
    "next_due": "30.11.2026",
    "end": "",
    "price": "9,90",
    "currency": "EUR",
    "quantity": "1",
}


@pytest.fixture
def issuer(db):
    """An issuer with the plans that the shipped file names."""
    issuer = IssuerFactory()
    for code, interval, instalments in (
        ("monat", "monthly", 1),
        ("jahr", "yearly", 1),
        ("kurs-raten", "instalments", 6),
    ):
        PlanFactory(issuer=issuer, code=code, name=code, interval=interval, instalments=instalments)
    assert Plan.objects.count() == 3
    return issuer


@pytest.fixture
def csv_file() -> Callable[..., bytes]:
    """Bytes of a file: ``csv_file({"price": "-1"}, {"end": "1.1.1900"})``, one good line with changes for each."""

    def make(*lines: dict[str, str], header: str = HEADER, encoding: str = "utf-8") -> bytes:
        rows = [";".join({**GOOD, **line}[name] for name in HEADER.split(";")) for line in lines]
        return "\r\n".join([header, *rows, ""]).encode(encoding)

    return make
