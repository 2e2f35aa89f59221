"""The procedures that ship with the package."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext, override

from cms_billing.faktura.models import Issuer

from .. import texts
from ..models import ChargesLeft, DefaultFrom, Level, LevelText, LockScope, Procedure

Kind = Procedure.CustomerKind

# Level, days after (due date, then the letter before), what it locks. Each letter gives ten days to pay.
DEFAULT_LEVELS = ((1, 7, LockScope.NOTHING), (2, 14, LockScope.NOTHING), (3, 14, LockScope.CONTRACT))
# From this level on businesses are asked for interest and the flat compensation.
BUSINESS_CHARGES_FROM = 2
FLAT_MINOR = 4000  # § 288 (5) BGB: 40 euros, and euros only


@transaction.atomic
def create_default_procedure(issuer: Issuer) -> Procedure:
    """The issuer's procedures for consumers and businesses: reminder, announcement of the lock, lock.

    Returns the one for consumers, or the one for all customers where that is in use already: then nothing is made, and
    so for each kind that has one. No fees: the first reminder may never cost anything, later ones only what paper and
    postage cost, and these go out by e-mail. Consumers are asked for no interest (5 points stand ready, § 288 (1) BGB);
    businesses for 9 points and 40 EUR from the second letter on (§ 288 (2), (5) BGB).
    """
    Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)
    in_use = {row.customer_kind: row for row in Procedure.objects.filter(issuer=issuer, is_active=True)}
    if Kind.ALL in in_use:
        return in_use[Kind.ALL]
    with override(issuer.language):
        names = {Kind.CONSUMER: gettext("Consumers"), Kind.BUSINESS: gettext("Businesses")}
    made = {
        kind: in_use.get(kind) or _create(issuer, kind, name=names[kind], **_terms(issuer, kind))
        for kind in (Kind.CONSUMER, Kind.BUSINESS)
    }
    return made[Kind.CONSUMER]


def _terms(issuer: Issuer, kind: Kind) -> Mapping[str, Any]:
    if kind == Kind.CONSUMER:
        return {"interest_points": Decimal(5)}
    return {
        "interest_points": Decimal(9),
        "default_from": DefaultFrom.THIRTY_DAYS,
        "flat_minor": FLAT_MINOR if issuer.currency == "EUR" else 0,
        "charges_left": ChargesLeft.CLAIM,
    }


def _create(issuer: Issuer, kind: Kind, *, name: str, **terms: Any) -> Procedure:
    procedure = Procedure.objects.create(issuer=issuer, name=name, customer_kind=kind, **terms)
    levels = Level.objects.bulk_create(
        Level(
            procedure=procedure,
            number=number,
            days_after=days,
            lock_scope=locks,
            claims_interest=kind == Kind.BUSINESS and number >= BUSINESS_CHARGES_FROM,
            claims_flat=bool(terms.get("flat_minor")) and number >= BUSINESS_CHARGES_FROM,
        )
        for number, days, locks in DEFAULT_LEVELS
    )
    by_number = {level.number: level for level in levels}
    LevelText.objects.bulk_create(
        LevelText(level=by_number[number], language=language, subject=subject, body=body)
        for (number, language), (subject, body) in texts.default_texts(kind).items()
    )
    return procedure
