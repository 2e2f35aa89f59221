"""What waits for a person today: the to-do list. Every look-up ends at the user's issuers. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import QuerySet

from cms_billing.core import outbox
from cms_billing.core.admin import rows_visible_to
from cms_billing.core.models import OutsideWork
from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Issuer, OpenItem
from cms_billing.faktura.selectors import documents_without_delivery
from cms_billing.payments.models import ProviderDifference, Refund
from cms_billing.payments.selectors import refunded_elsewhere

from .models import ParkedRow

# From a row of outside work to its issuer: the first of these paths its model has.
_PATHS_TO_ISSUER = ("issuer", "document__issuer", "customer__issuer", "method__customer__issuer")


def due_today(user: Any, *, today: date) -> QuerySet[OpenItem]:
    """Owed and due today."""
    return _open_items(user).filter(due_on=today)


def overdue(user: Any, *, today: date) -> QuerySet[OpenItem]:
    """Owed, and the due date has passed; the oldest first."""
    return _open_items(user).filter(due_on__lt=today)


def _open_items(user: Any) -> QuerySet[OpenItem]:
    items = OpenItem.objects.open().visible_to(user).select_related("document", "customer")
    return items.order_by("due_on", "document_id")


def parked(user: Any) -> QuerySet[ParkedRow]:
    return ParkedRow.objects.visible_to(user).filter(resolved_at=None).select_related("issuer")


def cases_to_decide(user: Any) -> QuerySet[Case]:
    """Through with their levels and still owed: a person decides what comes next."""
    cases = Case.objects.standing().visible_to(user).filter(state=Case.State.READY_FOR_COLLECTION)
    return cases.select_related("document__open_item", "customer").order_by("pk")


def documents_to_post(user: Any) -> QuerySet[Any]:
    """Archived, and neither mailed nor ticked off: their customers had no e-mail address."""
    documents = rows_visible_to(documents_without_delivery(), user)
    return documents.select_related("customer", "issuer").order_by("pk")


@dataclass(frozen=True)
class FailedWork:
    """One failed piece of outside work: ``label`` and ``pk`` name the row, ``kind`` and ``title`` are for people."""

    label: str
    pk: int
    kind: str
    title: str
    reason: str
    attempts: int
    row: OutsideWork


def failed_work(user: Any, *, limit: int = 500) -> Iterator[FailedWork]:
    """Failed rows of all kinds, up to ``limit`` a kind; what belongs to no issuer only for superusers."""
    for model in outbox.registered():
        rows = visible_work(model, user).filter(work_state=OutsideWork.WorkState.FAILED).order_by("pk")
        for row in rows[:limit]:
            yield FailedWork(
                model._meta.label,
                row.pk,
                str(model._meta.verbose_name),
                str(row),
                row.last_error,
                row.attempts,
                row,
            )


def failed_count(user: Any) -> int:
    return sum(
        visible_work(model, user).filter(work_state=OutsideWork.WorkState.FAILED).count()
        for model in outbox.registered()
    )


def visible_work(model: type[OutsideWork], user: Any) -> QuerySet[Any]:
    """Rows of one kind of outside work that belong to the user's issuers, ready to be named."""
    path = path_to_issuer(model)
    rows = model._default_manager.all()
    if path is None:
        return rows if user.is_active and user.is_superuser else rows.none()
    related = [path.rpartition("__")[0]] if "__" in path else []
    return rows.filter(**{f"{path}__in": Issuer.objects.visible_to(user)}).select_related(*related)


def path_to_issuer(model: type[OutsideWork]) -> str | None:
    for path in _PATHS_TO_ISSUER:
        if _leads_to_issuer(model, path):
            return path
    return None


def _leads_to_issuer(model: Any, path: str) -> bool:
    for step in path.split("__"):
        try:
            model = model._meta.get_field(step).related_model
        except FieldDoesNotExist:
            return False
    return model is Issuer


def to_pay_back_count(user: Any) -> int:
    """Transfers to make, refunds that failed, and those of the provider that nobody has entered."""
    refunds: Any = rows_visible_to(Refund, user)
    elsewhere = rows_visible_to(refunded_elsewhere(), user)
    return refunds.to_transfer().count() + refunds.failed().count() + elsewhere.count()


def differing_count(user: Any) -> int:
    """Where the books of a payment provider and ours differ."""
    differences: Any = rows_visible_to(ProviderDifference, user)
    return differences.open().count()


@dataclass(frozen=True)
class Counts:
    """How much waits, for the dashboard; None: the user may not see it."""

    due_today: int | None
    overdue: int | None
    parked: int | None
    failed: int | None
    to_decide: int | None
    to_post: int | None
    to_pay_back: int | None
    differing: int | None = None

    @property
    def urgent(self) -> int:
        return sum(n or 0 for n in self._waiting)

    @property
    def _waiting(self) -> tuple[int | None, ...]:
        return (self.parked, self.failed, self.to_decide, self.to_post, self.to_pay_back, self.differing)


def todo_counts(user: Any, *, today: date) -> Counts:
    items = user.has_perm("cms_billing_faktura.view_openitem")
    documents = user.has_perm("cms_billing_faktura.view_document")
    return Counts(
        due_today=due_today(user, today=today).count() if items else None,
        overdue=overdue(user, today=today).count() if items else None,
        parked=parked(user).count() if user.has_perm("cms_billing_daily.view_parkedrow") else None,
        failed=failed_count(user) if user.has_perm("cms_billing_daily.view_dailyrun") else None,
        to_decide=cases_to_decide(user).count() if user.has_perm("cms_billing_dunning.view_case") else None,
        to_post=documents_to_post(user).count() if documents else None,
        to_pay_back=to_pay_back_count(user) if user.has_perm("cms_billing_payments.view_refund") else None,
        differing=differing_count(user)
        if user.has_perm("cms_billing_payments.view_providerdifference")
        else None,
    )


def subjects_of(label: str, ids: Sequence[int]) -> dict[int, Any]:
    """The rows a step parked, by id; of a contract's line the contract, which is what has a page."""
    try:
        model = apps.get_model(label)
    except LookupError:
        return {}
    rows = model._base_manager.filter(pk__in=ids)
    if any(field.name == "contract" for field in model._meta.concrete_fields):
        return {row.pk: row.contract for row in rows.select_related("contract")}
    return {row.pk: row for row in rows}
