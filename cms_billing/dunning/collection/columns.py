"""The columns a hand-over file may have. Pure: keys, headings, kinds. Values are the facts kept with each claim.

``register(Column(…))`` when the site starts adds one of the site's own; its value comes from a source of ``details``.
The headings are German, as agencies here read them; an editor may change each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from .csv_format import CsvFormat, Kind, cell

T, D, M, P, Y = Kind.TEXT, Kind.DATE, Kind.MONEY, Kind.PERCENT, Kind.YES_NO


@dataclass(frozen=True)
class Column:
    """``heading`` stands in the file, ``label`` in the admin. ``personal``: "birth_date" or "bank" where the agency's
    record has to allow it."""

    key: str
    heading: str
    label: Any
    kind: Kind = T
    personal: str = ""


_SHIPPED = (
    Column("hand_over", "Uebergabe_ID", _("hand-over number")),
    Column("hand_over_day", "Uebergabedatum", _("day of the hand-over"), D),
    Column("format_version", "Formatversion", _("version of this format")),
    Column("client_number", "Mandantennummer", _("client number at the agency")),
    Column("creditor_name", "Glaeubiger_Name", _("creditor: name")),
    Column("creditor_address", "Glaeubiger_Anschrift", _("creditor: address")),
    Column("input_tax", "Vorsteuerabzug", _("creditor deducts input tax"), Y),
    Column("customer_number", "Kundennummer", _("customer number")),
    Column("debtor_kind", "Schuldnerart", _("debtor: person (P) or company (F)")),
    Column("legal_form", "Rechtsform", _("debtor: legal form")),
    Column("salutation", "Anrede", _("debtor: salutation")),
    Column("title", "Titel", _("debtor: title")),
    Column("first_name", "Vorname", _("debtor: first name")),
    Column("last_name", "Nachname", _("debtor: last name")),
    Column("company", "Firma", _("debtor: company")),
    Column("representative", "Vertreter", _("debtor: represented by")),
    Column("register_number", "Registernr", _("debtor: register number")),
    Column("street", "Strasse", _("debtor: street")),
    Column("house_number", "Hausnummer", _("debtor: house number")),
    Column("address_addition", "Adresszusatz", _("debtor: address addition")),
    Column("postal_code", "PLZ", _("debtor: postal code")),
    Column("city", "Ort", _("debtor: city")),
    Column("country", "Land", _("debtor: country")),
    Column("address_source", "Adressquelle", _("where the address is from")),
    Column("birth_date", "Geburtsdatum", _("debtor: birth date"), D, "birth_date"),
    Column("email", "Email", _("debtor: e-mail")),
    Column("phone", "Telefon", _("debtor: phone")),
    Column("mobile", "Mobil", _("debtor: mobile phone")),
    Column("iban", "IBAN", _("debtor: IBAN"), T, "bank"),
    Column("bic", "BIC", _("debtor: BIC"), T, "bank"),
    Column("claim_kind", "Forderungsart", _("kind of claim")),
    Column("claim_ground", "Forderungsgrund", _("ground of the claim")),
    Column("contract_day", "Vertragsdatum", _("date of the contract"), D),
    Column("contract_number", "Vertragsnummer", _("contract number")),
    Column("document_number", "Belegnummer", _("document number")),
    Column("document_day", "Belegdatum", _("date of the document"), D),
    Column("service_start", "Leistung_von", _("service from"), D),
    Column("service_end", "Leistung_bis", _("service to"), D),
    Column("due_on", "Faelligkeit", _("due on"), D),
    Column("default_since", "Verzugsdatum", _("in default since"), D),
    Column("currency", "Waehrung", _("currency")),
    Column("principal", "Hauptforderung", _("principal claim, before payments"), M),
    Column("payments", "Zahlungen", _("payments so far"), M),
    Column("credits", "Gutschriften", _("credit notes and amounts given up"), M),
    Column("open_principal", "Offene_Hauptforderung", _("principal claim that is open"), M),
    Column("fees", "Mahnkosten", _("dunning fees"), M),
    Column("return_fees", "Ruecklastschriftkosten", _("fees for returned payments"), M),
    Column("flat", "Pauschale_288_5", _("flat compensation (§ 288 (5) BGB)"), M),
    Column("interest_rate", "Zinssatz", _("interest: percent a year"), P),
    Column("interest_kind", "Zinsart", _("interest: points above the base rate")),
    Column("interest_from", "Zinsen_ab", _("interest from"), D),
    Column("interest_to", "Zinsen_bis", _("interest to"), D),
    Column("interest", "Zinsbetrag", _("interest: amount"), M),
    Column("total", "Gesamtforderung", _("all that is open"), M),
    Column("letter_1", "Mahnung1_Datum", _("date of the first letter"), D),
    Column("letter_2", "Mahnung2_Datum", _("date of the second letter"), D),
    Column("letter_3", "Mahnung3_Datum", _("date of the third letter"), D),
    Column("level", "Mahnstufe", _("dunning level")),
    Column("disputed", "Bestritten", _("disputed"), Y),
    Column("bureau_notice_day", "Schufa_Hinweis_Datum", _("told of credit bureaus on"), D),
    Column("remark", "Bemerkung", _("remark")),
    Column("documents", "Dokumente", _("files that go along")),
)
COLUMNS: dict[str, Column] = {column.key: column for column in _SHIPPED}

# Of a report: what happened to claims the agency has.
REPORT = (
    Column("report", "Meldung_ID", ""),
    Column("day", "Datum", "", D),
    Column("hand_over", "Uebergabe_ID", ""),
    Column("client_number", "Mandantennummer", ""),
    Column("customer_number", "Kundennummer", ""),
    Column("document_number", "Belegnummer", ""),
    Column("change", "Art", ""),
    Column("amount", "Betrag", "", M),
    Column("open", "Offen", "", M),
    Column("currency", "Waehrung", ""),
    Column("remark", "Bemerkung", ""),
)
# What a report calls a change, in the language of the headings.
CHANGES = {
    "payment": "Zahlung",
    "credit": "Gutschrift",
    "cancellation": "Storno",
    "chargeback": "Ruecklastschrift",
    "refund": "Erstattung",
    "charge": "Nebenforderung",
    "write_off": "Ausbuchung",
    "transfer": "Verrechnung",
    "recall": "Rueckruf",
}
FORMAT_VERSION = "1"


def register(column: Column) -> None:
    COLUMNS.setdefault(column.key, column)


def choices() -> list[tuple[str, Any]]:
    return [(column.key, f"{column.heading}: {column.label}") for column in COLUMNS.values()]


def headed(chosen: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """``[(key, heading)]`` with the usual heading where none is given; nothing chosen: all columns."""
    wanted = chosen or [(column.key, "") for column in _SHIPPED]
    return [(key, heading or COLUMNS[key].heading) for key, heading in wanted]


def allowed(keys: Sequence[str], *, birth_date: bool, bank: bool) -> list[str]:
    """Of ``keys`` those whose values the agency may get (Art. 5 GDPR); the others stay empty columns."""
    may = {"": True, "birth_date": birth_date, "bank": bank}
    return [key for key in keys if key in COLUMNS and may[COLUMNS[key].personal]]


def row(facts: Mapping[str, Any], keys: Sequence[str], form: CsvFormat) -> list[str]:
    """The cells of a claim. A column that a site took back since is empty. Raises LetterMissing."""
    currency = facts.get("currency", "EUR")
    return [cell(facts.get(key), COLUMNS[key].kind, currency, form) if key in COLUMNS else "" for key in keys]


def report_row(facts: Mapping[str, Any], form: CsvFormat) -> list[str]:
    return [cell(facts.get(c.key), c.kind, facts.get("currency", "EUR"), form) for c in REPORT]


# A claim that nobody has, for the preview of an agency's file.
SAMPLE: Mapping[str, Any] = {
    "hand_over": "U-1-000001",
    "hand_over_day": "2026-03-02",
    "format_version": FORMAT_VERSION,
    "customer_number": "K-1001",
    "debtor_kind": "P",
    "first_name": "Zoë",
    "last_name": "Müller-Łukasz",
    "street": "Hauptstraße",
    "house_number": "12a",
    "postal_code": "50667",
    "city": "Köln",
    "country": "DE",
    "address_source": "Kunde",
    "birth_date": "1990-05-17",
    "email": "zoe@example.org",
    "iban": "DE02120300000000202051",
    "bic": "BYLADEM1001",
    "claim_kind": "Rechnung",
    "claim_ground": "Mitgliedschaft, monatlich",
    "contract_number": "V-1001",
    "document_number": "RE-2026-000042",
    "document_day": "2026-01-02",
    "service_start": "2026-01-01",
    "service_end": "2026-01-31",
    "due_on": "2026-01-16",
    "default_since": "2026-01-24",
    "currency": "EUR",
    "principal": 4900,
    "payments": 1000,
    "credits": 0,
    "open_principal": 3900,
    "fees": 250,
    "return_fees": 0,
    "flat": 0,
    "interest_rate": "6.27",
    "interest_kind": "Basis+5",
    "interest_from": "2026-01-24",
    "interest_to": "2026-03-02",
    "interest": 31,
    "total": 4181,
    "letter_1": "2026-01-24",
    "letter_2": "2026-02-07",
    "letter_3": "2026-02-21",
    "level": "3",
    "disputed": False,
    "documents": "RE-2026-000042.pdf | MA-2026-000007.pdf",
}
