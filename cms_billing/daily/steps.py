"""The steps of the daily run, in order, over the apps below.

A step is either chunks of rows (``ChunkStep``) or pieces of outside work (``WorkStep``). Each may be run again at any
time, by several workers at once, and after a kill at any point: what is done is no longer due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock, copies, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.core.models import OutsideWork
from cms_billing.dunning import services as dunning
from cms_billing.dunning.models import AgreementNotice, HandOverFile, HandOverSending, ThankYou
from cms_billing.faktura import services as faktura
from cms_billing.faktura.models import Customer, Delivery, Document, InvoiceRun, Issuer, Rendering
from cms_billing.faktura.services import Problem
from cms_billing.memberships import services as memberships
from cms_billing.memberships.models import Contract, ContractLine
from cms_billing.payments import services as payments
from cms_billing.payments.models import MemberNotice, Payment, PaymentSession, Refund

# Called with how many rows were done and how many attempts failed.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Taken:
    """One chunk: how many were done, what stands in the way of others, and the key to go on after (None: the end)."""

    done: int
    problems: Sequence[Problem]
    last_key: int | None


class Step:
    name: str
    label: str | Promise

    def expected(self, issuer: Issuer, today: date) -> int:
        """How many rows there are to do; for progress only."""
        return 0

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        raise NotImplementedError


class ChunkStep(Step):
    """Rows of one table in the order of their ids: first those no other worker holds, then, waiting, the rest.

    The second pass is what makes the next step safe: when it ends, nobody is still at this step.
    """

    subject: str

    def due(self, issuer: Issuer, today: date) -> Any:
        """QuerySet of the rows to do."""
        raise NotImplementedError

    def take(self, issuer: Issuer, today: date, *, after: int, wait: bool, limit: int) -> Taken:
        """Do the next chunk in one transaction."""
        raise NotImplementedError

    def expected(self, issuer: Issuer, today: date) -> int:
        return self.due(issuer, today).count()

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        for wait in (False, True):
            after = 0
            while True:
                # The count commits with the rows it counts: a kill in between loses or doubles neither.
                with transaction.atomic():
                    taken = self._take_or_isolate(issuer, today, after=after, wait=wait)
                    park(taken.problems)
                    progress(taken.done, 0)
                if taken.last_key is None:
                    break
                after = taken.last_key

    def _take_or_isolate(self, issuer: Issuer, today: date, *, after: int, wait: bool) -> Taken:
        """The fast path takes a chunk; if it fails, each of its rows gets a transaction of its own."""
        limit = billing_settings().chunk_size
        try:
            return self.take(issuer, today, after=after, wait=wait, limit=limit)
        except Exception:
            keys = list(
                self.due(issuer, today)
                .filter(pk__gt=after)
                .order_by("pk")
                .values_list("pk", flat=True)[:limit]
            )
            if not keys:
                raise
            results = [self._take_one(issuer, today, key, wait=wait) for key in keys]
            return Taken(sum(r.done for r in results), [p for r in results for p in r.problems], keys[-1])

    def _take_one(self, issuer: Issuer, today: date, key: int, *, wait: bool) -> Taken:
        try:
            return self.take(issuer, today, after=key - 1, wait=wait, limit=1)
        except Exception as error:
            reason = str(error) or type(error).__name__
            return Taken(0, [Problem(self.subject, key, self.name_of(key), reason)], key)

    def name_of(self, key: int) -> str:
        return f"{self.subject} {key}"


class WorkStep(Step):
    """Outside work of one kind that belongs to the issuer, shared with the workers through the outbox."""

    model: type[OutsideWork]

    def mine(self, issuer: Issuer) -> Q:
        raise NotImplementedError

    def expected(self, issuer: Issuer, today: date) -> int:
        return outbox.workable(self.model, now=clock.now()).filter(self.mine(issuer)).count()

    def threads(self) -> int:
        """How many rows are worked on at the same time."""
        return 1

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        drain(self.model, self.mine(issuer), progress, threads=self.threads())


def drain(model: type[OutsideWork], only: Q, progress: Progress, *, threads: int = 1) -> None:
    outbox.drain(
        model,
        now=clock.now(),
        only=only,
        threads=threads,
        each=lambda outcome: progress(
            outcome is outbox.Outcome.DONE, outcome in (outbox.Outcome.RETRY, outbox.Outcome.FAILED)
        ),
    )


class Book(ChunkStep):
    name, label = "book", _("Book what is due")
    subject = ContractLine._meta.label

    def due(self, issuer: Issuer, today: date) -> Any:
        return memberships.due_lines(issuer, today=today)

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        memberships.start_contracts(issuer_id=issuer.pk, today=today)
        super().run(issuer, today, park=park, progress=progress)
        memberships.end_contracts(issuer_id=issuer.pk, today=today)

    def take(self, issuer: Issuer, today: date, *, after: int, wait: bool, limit: int) -> Taken:
        batch = memberships.book_next_due(
            issuer=issuer, today=today, after_line=after, wait=wait, limit=limit
        )
        return Taken(batch.bookings, batch.problems, batch.last_line)


class Issue(ChunkStep):
    name, label = "issue", _("Issue invoices")
    subject = Customer._meta.label

    def due(self, issuer: Issuer, today: date) -> Any:
        return faktura.customers_to_bill(issuer, today=today)

    def take(self, issuer: Issuer, today: date, *, after: int, wait: bool, limit: int) -> Taken:
        batch = faktura.issue_next_invoices(
            issuer=issuer, today=today, after_customer=after, wait=wait, limit=limit
        )
        return Taken(len(batch.done), batch.problems, batch.last_customer)


class Runs(WorkStep):
    """Invoice runs whose day has come, and those that a worker left unfinished."""

    name, label = "runs", _("Make scheduled invoice runs")
    model = InvoiceRun

    def mine(self, issuer: Issuer) -> Q:
        return Q(issuer=issuer)

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        faktura.start_due_schedules(issuer=issuer, today=today)
        super().run(issuer, today, park=park, progress=progress)


class Finalise(ChunkStep):
    name, label = "finalise", _("Issue drafts whose days are over")
    subject = Document._meta.label

    def due(self, issuer: Issuer, today: date) -> Any:
        return faktura.drafts_to_finalise(issuer, today=today)

    def take(self, issuer: Issuer, today: date, *, after: int, wait: bool, limit: int) -> Taken:
        batch = faktura.finalise_next_drafts(
            issuer=issuer, today=today, after_document=after, wait=wait, limit=limit
        )
        return Taken(len(batch.done), batch.problems, batch.last_document)


class Settle(ChunkStep):
    """Before anything is collected: nobody pays by card what stands to their credit."""

    name, label = "settle", _("Settle what is due with credit")
    subject = Customer._meta.label

    def due(self, issuer: Issuer, today: date) -> Any:
        return faktura.customers_with_credit(issuer)

    def take(self, issuer: Issuer, today: date, *, after: int, wait: bool, limit: int) -> Taken:
        batch = faktura.settle_next_accounts(
            issuer=issuer, today=today, after_customer=after, wait=wait, limit=limit
        )
        return Taken(len(batch.done), [], batch.last_customer)


class Agreements(ChunkStep):
    """Before anything is collected: what is broken is charged in full again, and dunned further below."""

    name, label = "agreements", _("Look at agreements with debtors")
    subject = Customer._meta.label

    def due(self, issuer: Issuer, today: date) -> Any:
        return dunning.customers_to_review(issuer)

    def take(self, issuer: Issuer, today: date, *, after: int, wait: bool, limit: int) -> Taken:
        reviewed = dunning.review_agreements(
            issuer=issuer, today=today, after_customer=after, wait=wait, limit=limit
        )
        return Taken(len(reviewed.changed), [], reviewed.last_customer)


class Collect(WorkStep):
    """On a copy of the database no charge is even written: the original may have made it already."""

    name, label = "collect", _("Collect payments")
    model = Payment

    def threads(self) -> int:
        return billing_settings().charge_concurrency

    def mine(self, issuer: Issuer) -> Q:
        return Q(issuer=issuer)

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        if copies.is_copy():
            return
        self._ask_about_the_silent(issuer, park)
        drain(PaymentSession, self.mine(issuer), lambda done, failed: progress(0, failed))
        while payments.collect_due(issuer=issuer, today=today):
            super().run(issuer, today, park=park, progress=progress)
        super().run(issuer, today, park=park, progress=progress)
        drain(Refund, self.mine(issuer), lambda done, failed: progress(0, failed))

    def _ask_about_the_silent(self, issuer: Issuer, park: Callable[[Sequence[Problem]], None]) -> None:
        """Pages left for an hour, payments and refunds under way for a day: the webhook may never come."""
        payments.look_up_open_sessions(now=clock.now(), older_than=timedelta(hours=1), issuer=issuer)
        payments.look_up_late_methods(now=clock.now(), issuer=issuer)
        after: int | None = 0
        while after is not None:
            batch = payments.look_up_pending(
                issuer=issuer, now=clock.now(), older_than=timedelta(days=1), after_payment=after
            )
            park(batch.problems)
            after = batch.last_payment
        after = 0
        while after is not None:
            batch = payments.look_up_pending_refunds(
                issuer=issuer, now=clock.now(), older_than=timedelta(days=1), after_refund=after
            )
            park(batch.problems)
            after = batch.last_payment


class Render(WorkStep):
    name, label = "render", _("Make and archive the PDFs")
    model = Rendering

    def mine(self, issuer: Issuer) -> Q:
        return Q(document__issuer=issuer)


class Deliver(WorkStep):
    """Papers, and what members have to know of their payments: refused charges, cards that expire."""

    name, label = "deliver", _("Send the mails")
    model = Delivery

    def mine(self, issuer: Issuer) -> Q:
        return Q(document__issuer=issuer)

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        super().run(issuer, today, park=park, progress=progress)
        if copies.is_copy():
            return
        billed = Contract.objects.filter(
            issuer=issuer, state__in=[Contract.State.PENDING, Contract.State.ACTIVE]
        )
        payments.announce_expiring_cards(issuer=issuer, today=today, customers=billed.values("customer"))
        drain(MemberNotice, Q(customer__issuer=issuer), lambda done, failed: progress(0, failed))
        dunning.announce_instalments(issuer=issuer, today=today)
        drain(AgreementNotice, Q(agreement__issuer=issuer), lambda done, failed: progress(0, failed))
        drain(ThankYou, Q(customer__issuer=issuer), lambda done, failed: progress(0, failed))


class Dun(ChunkStep):
    """Reminders; their letters are made and sent at once, so that they carry today's date and today's payments."""

    name, label = "dun", _("Remind who is overdue")
    subject = Customer._meta.label

    def due(self, issuer: Issuer, today: date) -> Any:
        return dunning.customers_to_dun(issuer, today=today)

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        super().run(issuer, today, park=park, progress=progress)
        quiet: Progress = lambda done, failed: progress(0, failed)  # noqa: E731  (letters were counted when written)
        letters = Q(document__issuer=issuer)
        drain(Rendering, letters, quiet)
        drain(Delivery, letters, quiet)

    def take(self, issuer: Issuer, today: date, *, after: int, wait: bool, limit: int) -> Taken:
        batch = dunning.dun_next_customers(
            issuer=issuer, today=today, after_customer=after, wait=wait, limit=limit
        )
        return Taken(len(batch.done), batch.problems, batch.last_customer)


class HandOver(Step):
    """To the agency what goes alone; then what happened to the claims it has. Files are made and sent at once."""

    name, label = "hand_over", _("Hand over to collection")

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        after: int | None = 0
        while after is not None:
            handed_over, after = dunning.hand_over_next(issuer=issuer, today=today, after_case=after)
            made = handed_over.hand_over
            progress(made.rows if made else 0, 0)
        progress(sum(report.rows for report in dunning.report_changes(issuer=issuer, today=today)), 0)
        mine, quiet = Q(issuer=issuer), lambda done, failed: progress(0, failed)
        drain(HandOverFile, mine, quiet)
        drain(HandOverSending, mine, quiet)


class Reconcile(Step):
    """Payouts since the last look, one account after the other; and webhooks nobody needs any more."""

    name, label = "reconcile", _("Match what providers paid out")

    def run(
        self, issuer: Issuer, today: date, *, park: Callable[[Sequence[Problem]], None], progress: Progress
    ) -> None:
        park(payments.import_due_payouts(issuer=issuer, now=clock.now()))
        payments.delete_old_webhooks(issuer=issuer, now=clock.now())


STEPS: tuple[Step, ...] = (
    Book(),
    Runs(),
    Issue(),
    Finalise(),
    Settle(),
    Agreements(),
    Collect(),
    Render(),
    Deliver(),
    Dun(),
    HandOver(),
    Reconcile(),
)


def planned_names() -> Iterator[str]:
    """Names of the steps in order, the closing report included."""
    yield from (step.name for step in STEPS)
    yield "report"


__all__ = ["STEPS", "ChunkStep", "Step", "Taken", "WorkStep", "planned_names"]
