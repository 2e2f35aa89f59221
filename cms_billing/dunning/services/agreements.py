"""Make an agreement with a debtor, and end it. Whether one is kept is found out by ``reviewing``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text, day_text
from cms_billing.faktura.models import Customer, Document, Issuer, OpenItem

from .. import agreements as rules
from ..agreements import Limits, Offer, Part
from ..exceptions import CannotAgree, ReasonMissing
from ..models import Agreement, AgreementDocument, Case, CaseStep, DunningPolicy, Instalment
from .agreement_notices import confirm_agreement

Kind, State = Agreement.Kind, Agreement.State


@dataclass(frozen=True)
class Debt:
    """What an agreement would be about: open items of one customer and currency, the oldest first, locked."""

    customer: Customer
    items: tuple[OpenItem, ...]

    @property
    def amount(self) -> Money:
        return Money(sum(item.open_minor for item in self.items), self.items[0].currency)

    @property
    def documents(self) -> list[int]:
        return [item.pk for item in self.items]


@transaction.atomic
def make_promise(
    *,
    document_ids: Collection[int],
    until: date,
    today: date,
    opens_access: bool = False,
    note: str = "",
    user: Any = None,
) -> Agreement:
    """The customer says that they pay by ``until``: no letters before. Raises CannotAgree."""
    debt = lock_debt(document_ids)
    _possible(debt, today=today)
    parts = rules.whole(debt.amount, due_on=until)
    return _agree(debt, Kind.PROMISE, parts, today=today, opens_access=opens_access, note=note, user=user)


@transaction.atomic
def make_deferral(
    *,
    document_ids: Collection[int],
    until: date,
    today: date,
    opens_access: bool = True,
    note: str = "",
    user: Any = None,
) -> Agreement:
    """The debt is not asked for, nor charged, before ``until`` (Stundung). Raises CannotAgree."""
    debt = lock_debt(document_ids)
    _possible(debt, today=today)
    parts = rules.whole(debt.amount, due_on=until)
    return _agree(debt, Kind.DEFERRAL, parts, today=today, opens_access=opens_access, note=note, user=user)


@transaction.atomic
def make_instalment_plan(
    *,
    document_ids: Collection[int],
    count: int,
    first_on: date,
    today: date,
    opens_access: bool = True,
    note: str = "",
    user: Any = None,
) -> Agreement:
    """The debt in ``count`` monthly parts from ``first_on`` on; each is charged on its day where the customer has a
    stored method. Raises CannotAgree."""
    debt = lock_debt(document_ids)
    _possible(debt, today=today)
    if not 2 <= count <= rules.MOST_INSTALMENTS or debt.amount.minor < count:
        raise CannotAgree.wrong_count()
    parts = rules.monthly(debt.amount, count=count, first_on=first_on)
    return _agree(debt, Kind.INSTALMENTS, parts, today=today, opens_access=opens_access, note=note, user=user)


@transaction.atomic
def promise_by_member(
    *, document_ids: Collection[int], until: date, shown: Money, today: date, user: Any = None
) -> Agreement:
    """The member promises within the issuer's limits; ``shown`` is the debt they saw. Raises CannotAgree."""
    debt = lock_debt(document_ids)
    latest = _offered(debt, shown=shown, today=today).promise_until
    parts = _whole_until(debt, until, latest=latest)
    return _agree(debt, Kind.PROMISE, parts, today=today, opens_access=False, user=user, by_member=True)


@transaction.atomic
def deferral_by_member(
    *, document_ids: Collection[int], until: date, shown: Money, today: date, user: Any = None
) -> Agreement:
    """The member puts the debt off within the issuer's limits; ``shown`` is the debt they saw. Raises CannotAgree."""
    debt = lock_debt(document_ids)
    latest = _offered(debt, shown=shown, today=today).deferral_until
    parts = _whole_until(debt, until, latest=latest)
    return _agree(debt, Kind.DEFERRAL, parts, today=today, opens_access=True, user=user, by_member=True)


def _whole_until(debt: Debt, until: date, *, latest: date | None) -> Sequence[Part]:
    """All of it at once; ``latest`` is what the issuer's limits offer, if anything."""
    if latest is None or until > latest:
        raise CannotAgree.not_offered()
    return rules.whole(debt.amount, due_on=until)


@transaction.atomic
def instalments_by_member(
    *, document_ids: Collection[int], count: int, shown: Money, today: date, user: Any = None
) -> Agreement:
    """The member chooses how many monthly instalments, within the limits; the first is due in a week.

    ``shown`` is the debt they saw. Raises CannotAgree.
    """
    debt = lock_debt(document_ids)
    if count not in _offered(debt, shown=shown, today=today).counts:
        raise CannotAgree.not_offered()
    parts = rules.monthly(debt.amount, count=count, first_on=first_instalment_on(today))
    return _agree(debt, Kind.INSTALMENTS, parts, today=today, opens_access=True, user=user, by_member=True)


def first_instalment_on(today: date) -> date:
    """Of a plan that a member makes."""
    return today + timedelta(days=rules.FIRST_INSTALMENT_AFTER)


@transaction.atomic
def end_agreement(*, agreement_id: int, reason: str, today: date, user: Any = None) -> Agreement:
    """A person ends it early: dunning and charging go on where they were. Raises CannotAgree, ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    customer_id = Agreement.objects.values_list("customer_id", flat=True).get(pk=agreement_id)
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    agreement = Agreement.objects.select_related("customer", "issuer").get(pk=agreement_id)
    if State.ENDED not in Agreement.TRANSITIONS[State(agreement.state)]:
        raise CannotAgree.over(agreement)
    agreement.state, agreement.ended_on, agreement.end_reason = State.ENDED, today, reason.strip()[:200]
    agreement.save(update_fields=["state", "ended_on", "end_reason"])
    agreement.agreement_documents.update(running=False)
    write_steps(agreement, CaseStep.Kind.AGREEMENT_ENDED, reason=agreement.end_reason, user=user)
    log(instance=agreement, action="cms_billing.end_agreement", user=user, data={"reason": reason.strip()})
    return agreement


def offer_for(debt: Debt, *, today: date) -> Offer:
    """What a member may choose now; nothing while one runs, after one was broken, or once an agency has the claim."""
    if obstacle_for_members(debt, today=today):
        return Offer()
    return rules.offer(limits_of(debt.customer.issuer), debt=debt.amount, today=today)


def limits_of(issuer: Issuer) -> Limits:
    policy = policy_of(issuer)
    return Limits(
        policy.promise_days,
        policy.deferral_days,
        policy.instalments_max,
        policy.instalment_min_minor,
        policy.instalments_up_to_minor,
    )


def policy_of(issuer: Issuer) -> DunningPolicy:
    """The issuer's, or the defaults."""
    return DunningPolicy.objects.filter(issuer=issuer).first() or DunningPolicy(issuer=issuer)


def read_debt(document_ids: Collection[int]) -> Debt | None:
    """What is open of these documents, for showing it; None where nothing is, or where it is not one debt."""
    items = _open(document_ids)
    if not items or len({(item.customer_id, item.currency) for item in items}) != 1:
        return None
    return Debt(Customer.objects.select_related("issuer").get(pk=items[0].customer_id), tuple(items))


def lock_debt(document_ids: Collection[int]) -> Debt:
    """The same, with the customer and their items locked. Only inside a transaction; raises CannotAgree."""
    owners = Document.objects.filter(pk__in=document_ids).order_by("customer_id")
    customers = list(owners.values_list("customer_id", flat=True).distinct()[:2])
    if not customers:
        raise CannotAgree.nothing_owed()
    if len(customers) > 1:
        raise CannotAgree.mixed()
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customers[0])
    customer.issuer = Issuer.objects.get(pk=customer.issuer_id)
    items = _open(document_ids, lock=OpenItem.objects.select_for_update(no_key=True, of=("self",)))
    if not items:
        raise CannotAgree.nothing_owed()
    if len({item.currency for item in items}) > 1:
        raise CannotAgree.mixed()
    return Debt(customer, tuple(items))


def _open(document_ids: Collection[int], *, lock: Any = None) -> list[OpenItem]:
    source = OpenItem.objects.all() if lock is None else lock
    rows = (
        source.filter(document__in=document_ids, open_minor__gt=0).select_related("document").order_by("pk")
    )
    return sorted(rows, key=lambda item: (item.due_on, item.pk))


def obstacle(debt: Debt) -> CannotAgree | None:
    """Why no agreement is possible for this debt, whoever asks."""
    running = AgreementDocument.objects.filter(document__in=debt.documents, running=True)
    if running.exists():
        return CannotAgree.runs_already()
    handed_over = Case.objects.filter(document__in=debt.documents, state=Case.State.HANDED_OVER)
    return CannotAgree.handed_over() if handed_over.exists() else None


def obstacle_for_members(debt: Debt, *, today: date) -> CannotAgree | None:
    """Besides: only what is overdue, and one broken agreement a claim is enough."""
    if any(item.due_on >= today for item in debt.items):
        return CannotAgree.not_overdue()
    if Agreement.objects.broken().about(debt.documents).exists():
        return CannotAgree.broken_before()
    return obstacle(debt)


def _possible(debt: Debt, *, today: date) -> None:
    found = obstacle(debt)
    if found is not None:
        raise found


def _offered(debt: Debt, *, shown: Money, today: date) -> Offer:
    found = obstacle_for_members(debt, today=today)
    if found is not None:
        raise found
    if debt.amount != shown:
        raise CannotAgree.amount_changed()
    return rules.offer(limits_of(debt.customer.issuer), debt=debt.amount, today=today)


def _agree(
    debt: Debt,
    kind: Agreement.Kind,
    parts: Sequence[Part],
    *,
    today: date,
    opens_access: bool,
    note: str = "",
    user: Any = None,
    by_member: bool = False,
) -> Agreement:
    if parts[0].due_on < today:
        raise CannotAgree.in_the_past()
    agreement = Agreement.objects.create(
        issuer=debt.customer.issuer,
        customer=debt.customer,
        kind=kind,
        currency=debt.amount.currency,
        amount_minor=debt.amount.minor,
        starts_on=today,
        until=parts[-1].due_on,
        grace_days=policy_of(debt.customer.issuer).grace_days,
        opens_access=opens_access,
        by_member=by_member,
        user=user if user is not None and user.is_authenticated else None,
        note=note.strip()[:200],
    )
    _write_documents_and_instalments(agreement, debt, parts)
    write_steps(agreement, CaseStep.Kind.AGREED, reason=summary(agreement, parts), user=agreement.user)
    confirm_agreement(agreement)
    log(instance=agreement, action="cms_billing.make_agreement", user=agreement.user, data={"kind": kind})
    return agreement


def _write_documents_and_instalments(agreement: Agreement, debt: Debt, parts: Sequence[Part]) -> None:
    AgreementDocument.objects.bulk_create(
        AgreementDocument(
            agreement=agreement,
            document_id=item.pk,
            agreed_minor=item.open_minor,
            charges_minor=item.charges_minor,
        )
        for item in debt.items
    )
    Instalment.objects.bulk_create(
        Instalment(
            agreement=agreement, number=part.number, due_on=part.due_on, amount_minor=part.amount.minor
        )
        for part in parts
    )


def summary(agreement: Agreement, parts: Sequence[Part]) -> str:
    """One line for the timeline."""
    return (
        f"{agreement}, {_numbered(parts)}" if len(parts) > 1 else f"{agreement}, {day_text(parts[0].due_on)}"
    )


def _numbered(parts: Sequence[Part]) -> str:
    first, last = parts[0], parts[-1]
    return f"{len(parts)} × {amount_text(first.amount)}, {day_text(first.due_on)} – {day_text(last.due_on)}"


def write_steps(agreement: Agreement, kind: str, *, reason: str, user: Any = None) -> None:
    """In the timeline of every live case of its documents."""
    cases = Case.objects.live().filter(document__agreement_documents__agreement=agreement)
    CaseStep.objects.bulk_create(
        CaseStep(case=case, kind=kind, level=case.level, reason=reason[:255], user=user) for case in cases
    )
