"""Form and model validators with messages that say what to do."""

from __future__ import annotations

import zoneinfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum.eu import at_02, vat
from stdnum.exceptions import ValidationError as NumberError

from cms_billing.core.exceptions import UnknownCurrency
from cms_billing.core.money import exponent

EU_PREFIXES = frozenset(vat.MEMBER_STATES) | {"el"}


def validate_iban(value: str) -> None:
    try:
        IBAN(value, validate_bban=True)
    except (SchwiftyException, ValueError) as error:
        raise ValidationError(
            _("“%(value)s” is no valid IBAN. Check for a wrong or missing digit."), params={"value": value}
        ) from error


def validate_bic(value: str) -> None:
    try:
        BIC(value)
    except (SchwiftyException, ValueError) as error:
        raise ValidationError(_("“%(value)s” is no valid BIC."), params={"value": value}) from error


def validate_creditor_id(value: str) -> None:
    try:
        at_02.validate(value)
    except NumberError as error:
        raise ValidationError(
            _("“%(value)s” is no valid SEPA creditor id, such as DE98ZZZ09999999999."),
            params={"value": value},
        ) from error


def validate_vat_id(value: str) -> None:
    """Format and check digits for EU VAT ids; others are taken as they are."""
    if value[:2].lower() in EU_PREFIXES and not vat.is_valid(value):
        raise ValidationError(_("“%(value)s” is no valid VAT id of its country."), params={"value": value})


def validate_currency(value: str) -> None:
    try:
        exponent(value)
    except UnknownCurrency as error:
        raise ValidationError(
            _("“%(value)s” is no currency code, such as EUR or CHF."), params={"value": value}
        ) from error


def validate_time_zone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(value)s” is no time zone. Write it like Europe/Berlin."), params={"value": value}
        )


def validate_country(value: str) -> None:
    from babel import Locale

    if len(value) != 2 or value != value.upper() or value not in Locale("en").territories:
        raise ValidationError(
            _("“%(value)s” is no country code of two capital letters, such as DE."), params={"value": value}
        )
