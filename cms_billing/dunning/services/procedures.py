"""The procedure that ships with the package."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext, override

from cms_billing.faktura.models import Issuer

from .. import texts
from ..models import Level, LevelText, LockScope, Procedure

# Level, days after (due date, then the letter before), what it locks. Each letter gives ten days to pay.
DEFAULT_LEVELS = ((1, 7, LockScope.NOTHING), (2, 14, LockScope.NOTHING), (3, 14, LockScope.CONTRACT))


@transaction.atomic
def create_default_procedure(issuer: Issuer) -> Procedure:
    """The issuer's procedure for all customers: a friendly reminder, the announcement of the lock, the lock.

    Returns the one that is in use where there is one already. No fees: the first reminder may never cost anything,
    later ones only what paper and postage cost, and these go out by e-mail.
    """
    Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)
    kind = Procedure.CustomerKind.ALL
    existing = Procedure.objects.filter(issuer=issuer, customer_kind=kind, is_active=True).first()
    if existing is not None:
        return existing
    with override(issuer.language):
        name = gettext("Three reminders")
    procedure = Procedure.objects.create(issuer=issuer, name=name, customer_kind=kind)
    levels = Level.objects.bulk_create(
        Level(procedure=procedure, number=number, days_after=days, lock_scope=locks)
        for number, days, locks in DEFAULT_LEVELS
    )
    by_number = {level.number: level for level in levels}
    LevelText.objects.bulk_create(
        LevelText(level=by_number[number], language=language, subject=subject, body=body)
        for (number, language), (subject, body) in texts.DEFAULT_TEXTS.items()
    )
    return procedure
