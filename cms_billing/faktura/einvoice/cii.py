"""An invoice in the words of UN/CEFACT's Cross Industry Invoice; the numbers in comments are terms of EN 16931."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from drafthorse.models.accounting import ApplicableTradeTax
from drafthorse.models.document import Document as CiiDocument
from drafthorse.models.note import IncludedNote
from drafthorse.models.party import TaxRegistration
from drafthorse.models.payment import PaymentMeans, PaymentTerms
from drafthorse.models.tradelines import LineItem

from ..models import DocumentKind
from ..rendering import DocumentData
from ..rendering.data import LineData, TaxData

KINDS = (DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE, DocumentKind.CANCELLATION)

_PROFILE = "urn:cen.eu:en16931:2017"
_SCHEMA = "FACTUR-X_EN16931"
# UNTDID 1001: invoice, credit note (its amounts are positive), corrected invoice.
_INVOICE, _CREDIT_NOTE, _CORRECTED = "380", "381", "384"
_PIECE = "C62"  # UN/ECE recommendation 20: one
_TRANSFER = "58"  # UNTDID 4461: SEPA credit transfer
_PRICE_DIGITS = Decimal("0.000001")
_TOWN = re.compile(r"^(?P<code>[A-Z0-9-]*\d[A-Z0-9-]*)\s+(?P<city>.+)$", re.IGNORECASE)


def xml_of(data: DocumentData, *, recipient_country: str = "") -> bytes:
    """The XML of a document of one of ``KINDS``, checked against the schema of its profile.

    Raises lxml's XMLSyntaxError where it does not fit.
    """
    sign = -1 if data.kind != DocumentKind.INVOICE and data.gross.minor < 0 else 1
    cii = CiiDocument()
    cii.context.guideline_parameter.id = _PROFILE
    _header(cii, data, sign)
    _seller(cii.trade.agreement.seller, data)
    _buyer(cii.trade.agreement.buyer, data, recipient_country or data.issuer.country)
    cii.trade.agreement.buyer_reference = data.customer_number  # BT-10
    if data.service_end:
        cii.trade.delivery.event.occurrence = data.service_end  # BT-72
    for line in data.lines:
        cii.trade.items.add(_line(line, data, sign))
    with translation.override(data.language):
        _settlement(cii.trade.settlement, data, sign)
    return cii.serialize(schema=_SCHEMA)


def _header(cii: Any, data: DocumentData, sign: int) -> None:
    cii.header.id = data.number
    cii.header.type_code = _type_code(data, sign)
    cii.header.issue_date_time = data.issued_on
    for text in filter(None, [data.reason, data.issuer.register_entry, *data.notices]):
        cii.header.notes.add(IncludedNote(content=text))


def _type_code(data: DocumentData, sign: int) -> str:
    if data.kind == DocumentKind.INVOICE:
        return _INVOICE
    return _CREDIT_NOTE if sign < 0 else _CORRECTED


def _seller(party: Any, data: DocumentData) -> None:
    issuer = data.issuer
    party.name = issuer.legal_name
    party.contact.person_name = issuer.managing_directors or issuer.legal_name
    if issuer.phone:
        party.contact.telephone.number = issuer.phone
    if issuer.email:
        party.contact.email.address = issuer.email
        party.electronic_address.uri_ID = ("EM", issuer.email)  # BT-34
    party.address.postcode = issuer.postal_code
    party.address.line_one = issuer.street
    party.address.city_name = issuer.city
    party.address.country_id = issuer.country
    if issuer.tax_number:
        party.tax_registrations.add(TaxRegistration(id=("FC", issuer.tax_number)))
    if issuer.vat_id:
        party.tax_registrations.add(TaxRegistration(id=("VA", issuer.vat_id)))


def _buyer(party: Any, data: DocumentData, country: str) -> None:
    """The address was frozen as it is printed: name first, the town last."""
    party.name = data.recipient_name
    lines = [line for line in data.recipient if line != data.recipient_name]
    towns = [(place, match) for place, line in enumerate(lines) if (match := _TOWN.match(line))]
    place, town = towns[-1] if towns else (len(lines), None)
    if town:
        party.address.postcode = town["code"]
    for field, text in zip(("line_one", "line_two", "line_three"), lines[:place], strict=False):
        setattr(party.address, field, text)
    if town:
        party.address.city_name = town["city"]
    party.address.country_id = country
    if data.recipient_email:
        party.electronic_address.uri_ID = ("EM", data.recipient_email)  # BT-49
    if data.recipient_vat_id:
        party.tax_registrations.add(TaxRegistration(id=("VA", data.recipient_vat_id)))


def _line(line: LineData, data: DocumentData, sign: int) -> Any:
    """Prices are never negative (BR-27): what is taken off is a negative quantity."""
    net = line.net.amount * sign
    quantity = abs(line.quantity)
    item = LineItem()
    item.document.line_id = str(line.position)
    item.product.name = line.description
    price = (abs(net) / quantity).quantize(_PRICE_DIGITS, ROUND_HALF_UP)
    item.agreement.net.amount = price
    item.delivery.billed_quantity = (quantity if net >= 0 else -quantity, _PIECE)
    item.settlement.trade_tax.type_code = "VAT"
    item.settlement.trade_tax.category_code = _category(line.tax_percent, data)
    item.settlement.trade_tax.rate_applicable_percent = line.tax_percent
    if line.service_start and line.service_end:
        item.settlement.period.start = line.service_start
        item.settlement.period.end = line.service_end
    item.settlement.monetary_summation.total_amount = net
    return item


def _category(percent: Decimal, data: DocumentData, tax_code: str = "") -> str:
    """UNTDID 5305. Without tax it is exempt, unless the rate itself is zero."""
    if percent:
        return "S"
    codes = {group.tax_code for group in data.tax_groups if not group.percent}
    return "Z" if data.shows_tax and (tax_code or next(iter(codes), "")) == "zero" else "E"


def _settlement(settlement: Any, data: DocumentData, sign: int) -> None:
    settlement.currency_code = data.currency
    settlement.payment_reference = data.purpose
    if data.issuer.iban and sign > 0:
        means = PaymentMeans(type_code=_TRANSFER)
        means.payee_account.iban = data.issuer.iban.replace(" ", "")
        means.payee_account.account_name = data.issuer.payee
        if data.issuer.bic:
            means.payee_institution.bic = data.issuer.bic
        settlement.payment_means.add(means)
    for group in data.tax_groups:
        settlement.trade_tax.add(_tax(group, data, sign))
    if data.service_start and data.service_end:
        settlement.period.start = data.service_start
        settlement.period.end = data.service_end
    if data.due_on:
        settlement.terms.add(PaymentTerms(due=data.due_on))
    _totals(settlement.monetary_summation, data, sign)
    if data.corrects:
        settlement.invoice_referenced_document.issuer_assigned_id = data.corrects.number  # BT-25
        settlement.invoice_referenced_document.issue_date_time = data.corrects.issued_on


def _tax(group: TaxData, data: DocumentData, sign: int) -> Any:
    tax = ApplicableTradeTax()
    tax.calculated_amount = group.tax.amount * sign
    tax.type_code = "VAT"
    category = _category(group.percent, data, group.tax_code)
    if category == "E":
        tax.exemption_reason = group.notice or _("Exempt from VAT.")
    tax.basis_amount = group.net.amount * sign
    tax.category_code = category
    tax.rate_applicable_percent = group.percent
    return tax


def _totals(summation: Any, data: DocumentData, sign: int) -> None:
    net, tax, gross = (amount.amount * sign for amount in (data.net, data.tax, data.gross))
    summation.line_total = net
    summation.tax_basis_total = net
    summation.tax_total = (tax, data.currency)
    summation.grand_total = gross
    summation.due_amount = gross
