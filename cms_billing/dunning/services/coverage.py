"""The claim itself is paid and fees or interest are left: claimed on, kept on the account, or waived.

Whatever the procedure says, nothing is locked from the payment's own commit on (``CaseQuerySet.locking``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text
from cms_billing.faktura.models import Customer, Issuer, OpenItem

from ..models import Case, CaseStep, ChargesLeft
from ..plans import ActiveProcedure, active_procedures
from .cases import close_cases, lock_customer_of
from .waivers import waivable, waive

State = Case.State
# At an agency the agency collects them.
_OURS = (State.OPEN, State.STOPPED, State.READY_FOR_COLLECTION)


@transaction.atomic
def note_payment(*, document_id: int, day: date, amount_minor: int) -> None:
    """A part of a document in dunning was paid: it goes into the timeline, and may have covered the claim itself."""
    lock_customer_of(document_id)
    case = Case.objects.live().filter(document=document_id).select_related("document__open_item").first()
    if case is None:
        return
    item = case.document.open_item
    said = _("%(amount)s came in, %(left)s are left.") % {
        "amount": amount_text(Money(amount_minor, item.currency)),
        "left": amount_text(Money(item.open_minor, item.currency)),
    }
    CaseStep.objects.create(case=case, kind=CaseStep.Kind.PAYMENT, level=case.level, reason=said)
    finish_covered(document_id=document_id, day=day)


@transaction.atomic
def finish_covered(*, document_id: int, day: date) -> Case | None:
    """End the case of a document on which only charges are left, as its procedure says. Idempotent.

    None where the claim itself is still owed, nothing is, or the procedure goes on claiming.
    """
    customer = lock_customer_of(document_id)
    case = _covered().filter(document=document_id).first()
    if case is None:
        return None
    procedure = active_procedures(case.issuer).get(customer.kind)
    return _finish(case, procedure.terms.charges_left if procedure else ChargesLeft.CLAIM, day=day)


@transaction.atomic(savepoint=False)
def finish_covered_cases(
    *, issuer: Issuer, today: date, procedures: Mapping[str, ActiveProcedure] | None = None
) -> int:
    """The same for all whose receiver died, a chunk at a time; returns how many."""
    procedures = active_procedures(issuer) if procedures is None else procedures
    modes = {kind: procedure.terms.charges_left for kind, procedure in procedures.items()}
    kinds = [kind for kind, mode in modes.items() if mode != ChargesLeft.CLAIM]
    left_over = _covered().filter(issuer=issuer, customer__kind__in=kinds)
    if not kinds:
        return 0
    customers = list(
        Customer.objects.filter(pk__in=left_over.values("customer"))
        .order_by("pk")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .values_list("pk", flat=True)[: billing_settings().chunk_size]
    )
    if not customers:
        return 0
    cases = list(left_over.filter(customer__in=customers).order_by("pk"))
    for case in cases:
        _finish(case, modes[case.customer.kind], day=today)
    return len(cases)


def _covered():  # type: ignore[no-untyped-def]
    rows = Case.objects.covered().filter(state__in=_OURS)
    return rows.select_related("issuer", "customer", "document__open_item")


def _finish(case: Case, mode: str, *, day: date) -> Case | None:
    if mode == ChargesLeft.WAIVE:
        waived = waive(case, waivable(case), today=day, note=_("The claim itself has been paid."))
        CaseStep.objects.create(
            case=case, kind=CaseStep.Kind.FEE_WAIVED, level=case.level, reason=amount_text(waived)
        )
        if OpenItem.objects.get(pk=case.document_id).open_minor <= 0:
            close_cases([case], day=day)
        return case
    if mode == ChargesLeft.KEEP:
        close_cases([case], day=day, because=Case.CloseReason.CHARGES_KEPT)
        return case
    return None
