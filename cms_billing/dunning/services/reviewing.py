"""Find out which agreements were kept and which were broken, from what the ledger says of their documents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text, day_text
from cms_billing.faktura.models import Customer, Issuer

from ..agreement_facts import AgreementFacts, facts_of
from ..agreements import Outcome, Verdict
from ..models import Agreement, AgreementDocument, Case, CaseStep

State = Agreement.State
_STATES = {Outcome.RUNNING: State.RUNNING, Outcome.KEPT: State.KEPT, Outcome.BROKEN: State.BROKEN}


@dataclass(frozen=True)
class Reviewed:
    """What one chunk changed. ``last_customer`` is where the next chunk goes on; None: nothing was left to look at."""

    changed: list[Agreement]
    last_customer: int | None
    customers: int = 0


def customers_to_review(issuer: Issuer) -> QuerySet[Customer]:
    """Those with an agreement that may have been kept or broken, or that was kept until its payment came back."""
    mine = to_review().filter(customer=OuterRef("pk"))
    return Customer.objects.filter(Exists(mine), issuer=issuer)


def to_review() -> QuerySet[Agreement]:
    """Running, and kept with something owed again that no later agreement is about."""
    later = AgreementDocument.objects.filter(
        document=OuterRef("document"), agreement__gt=OuterRef("agreement")
    )
    rows = AgreementDocument.objects.filter(agreement=OuterRef("pk"))
    owed_again = Exists(rows.filter(document__open_item__open_minor__gt=0)) & ~Exists(
        rows.filter(Exists(later))
    )
    return Agreement.objects.filter(Q(state=State.RUNNING) | Q(Q(state=State.KEPT), owed_again))


@transaction.atomic
def review_agreements(
    *, issuer: Issuer, today: date, after_customer: int = 0, wait: bool = False, limit: int | None = None
) -> Reviewed:
    """Look at the agreements of the next customers, all or nothing a chunk; a constant number of statements.

    Customers another worker holds are skipped; with ``wait`` they are waited for. Run again, it changes nothing.
    """
    customers = list(
        customers_to_review(issuer)
        .filter(pk__gt=after_customer)
        .order_by("pk")
        .select_for_update(skip_locked=not wait, no_key=True, of=("self",))
        .values_list("pk", flat=True)[: limit or billing_settings().chunk_size]
    )
    if not customers:
        return Reviewed([], None)
    return Reviewed(review_customers(customers, today=today), customers[-1], len(customers))


@transaction.atomic
def review_document(*, document_id: int, today: date) -> list[Agreement]:
    """After news of the account: the agreements about this document, at once."""
    about = Agreement.objects.about([document_id]).values_list("customer", flat=True)[:1]
    customer = (
        Customer.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=list(about)).first()
    )
    return review_customers([customer.pk], today=today) if customer else []


def review_customers(customer_ids: Collection[int], *, today: date) -> list[Agreement]:
    """Those that changed. The customers are locked: no payment comes in between the look and the verdict."""
    found = to_review().filter(customer__in=customer_ids).select_related("customer", "issuer").order_by("pk")
    judged = [(facts, facts.verdict(today=today)) for facts in facts_of(found)]
    changed = [
        (facts, verdict) for facts, verdict in judged if _STATES[verdict.outcome] != facts.agreement.state
    ]
    _write(changed, today=today)
    return [facts.agreement for facts, _verdict in changed]


def _write(changed: Sequence[tuple[AgreementFacts, Verdict]], *, today: date) -> None:
    if not changed:
        return
    reasons = {facts.agreement.pk: _reason(facts, verdict) for facts, verdict in changed}
    for facts, verdict in changed:
        agreement = facts.agreement
        agreement.state = _STATES[verdict.outcome]
        runs = agreement.state == State.RUNNING
        agreement.ended_on = None if runs else today
        agreement.end_reason = "" if runs else reasons[agreement.pk][:200]
    agreements = [facts.agreement for facts, _verdict in changed]
    Agreement.objects.bulk_update(agreements, ["state", "ended_on", "end_reason"])
    running = [agreement for agreement in agreements if agreement.state == State.RUNNING]
    AgreementDocument.objects.filter(agreement__in=agreements).update(running=False)
    AgreementDocument.objects.filter(agreement__in=running).update(running=True)
    _write_steps(agreements, reasons)


def _write_steps(agreements: Sequence[Agreement], reasons: dict[int, str]) -> None:
    states = {agreement.pk: agreement.state for agreement in agreements}
    cases = (
        Case.objects.live()
        .filter(document__agreement_documents__agreement__in=list(states))
        .annotate(agreement=F("document__agreement_documents__agreement"))
        .order_by("pk")
    )
    now = clock.now()
    CaseStep.objects.bulk_create(
        CaseStep(
            case=case,
            at=now,
            kind=_kind(states[case.agreement]),
            level=case.level,
            reason=reasons[case.agreement][:255],
        )
        for case in cases
        if case.agreement in states
    )


def _kind(state: str) -> CaseStep.Kind:
    return CaseStep.Kind.AGREED if state == State.RUNNING else CaseStep.Kind.AGREEMENT_ENDED


def _reason(facts: AgreementFacts, verdict: Verdict) -> str:
    agreement = facts.agreement
    if verdict.outcome is Outcome.RUNNING:
        return _("Goes on, because a payment came back: %(agreement)s.") % {"agreement": agreement}
    if verdict.outcome is Outcome.KEPT:
        return _("Kept: %(agreement)s.") % {"agreement": agreement}
    assert verdict.part is not None, "something is missing of a part"
    return _("Broken: %(agreement)s. Of %(amount)s due on %(day)s, %(missing)s were not paid.") % {
        "agreement": agreement,
        "missing": amount_text(Money(verdict.missing_minor, agreement.currency)),
        "amount": amount_text(verdict.part.amount),
        "day": day_text(verdict.part.due_on),
    }
