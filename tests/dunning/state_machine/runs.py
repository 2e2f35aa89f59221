"""Runs, killed ones too, and what a letter must be like."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from hypothesis import strategies as st
from hypothesis.stateful import rule

from cms_billing.dunning.breakdowns import breakdown
from cms_billing.dunning.models import (
    Agreement,
    AgreementDocument,
    Case,
    CaseStep,
    Charge,
    ChargesLeft,
    Hold,
)
from cms_billing.dunning.rules import Step
from cms_billing.dunning.services import (
    preview,
    review_agreements,
)
from cms_billing.faktura.models import Document, LedgerEntry, OpenItem
from cms_billing.faktura.verification import ledger_findings
from cms_billing.payments.models import ChargePlan, Payment, StatementDay

from ..conftest import case_of, run
from .world import GERMAN, Killed, World


class Runs(World):
    """What goes out, and what never may."""

    @rule()
    def dun(self) -> None:
        """As the day does: what was agreed is looked at first."""
        self.review()
        planned = preview(issuer=self.issuer, today=self.today)
        expected = [(p.customer_id, p.level, p.amount.minor) for p in planned if p.step is Step.LETTER]
        before = {case.document_id: case.level for case in Case.objects.live()}
        letters = run(self.issuer, self.today)
        got = [(d.customer_id, d.extra["level"], d.extra["total_minor"]) for d in letters]
        assert got == expected, "the preview said something else"
        for letter in letters:
            self.check_letter(letter, before)
        assert run(self.issuer, self.today) == [], "a repeated run wrote again"
        self.check_what_is_left()

    @rule(after=st.integers(1, 60))
    def die_in_the_middle(self, after: int) -> None:
        """After so many statements; what was not committed is gone, and the next run knows nothing of it."""
        before = self.written()
        left = [after]

        def kill(execute: Any, *args: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return execute(*args)

        with contextlib.suppress(Killed), transaction.atomic():
            with connection.execute_wrapper(kill):
                review_agreements(issuer=self.issuer, today=self.today)
                run(self.issuer, self.today)
            raise Killed
        assert self.written() == before

    def written(self) -> list[int]:
        running = Agreement.objects.running()
        rows = (Document.objects.filter(kind="dunning_letter"), CaseStep.objects, Charge.objects, running)
        return [found.count() for found in rows]

    def check_letter(self, letter: Document, before: dict[int, int]) -> None:
        key = (letter.customer_id, self.today)
        assert self.asked.setdefault(key, letter.pk) == letter.pk, "two letters on one day"
        self.check_manners(letter)
        written_for = set(CaseStep.objects.filter(letter=letter).values_list("case__document", flat=True))
        assert written_for, "a letter without a claim"
        asked = 0
        for claim in letter.extra["claims"]:
            item = OpenItem.objects.get(pk=claim["document_id"])
            added = self.added_by(letter, item)
            assert claim["open_minor"] == item.open_minor - added > 0, "a letter without a claim"
            asked += item.open_minor
            self.check_nothing_stands_against(item)
            if self.terms(item.customer_id).charges_left != ChargesLeft.CLAIM:
                assert item.open_minor > item.charges_minor, "a letter about charges only"
            if item.pk not in written_for:
                continue
            case = case_of(item.document)
            first = item.pk not in before and case.steps.filter(kind="letter").count() == 1
            expected = case.first_level if first else before.get(item.pk, claim["level"] - 1) + 1
            assert claim["level"] == expected, "a level was skipped"
        assert asked == letter.extra["total_minor"], "the letter asks for something else than is owed"

    def added_by(self, letter: Document, item: OpenItem) -> int:
        """Fee, flat compensation and interest that this letter has put on a document."""
        charges = Charge.objects.filter(letter=letter, case__document=item.pk)
        entries = LedgerEntry.objects.filter(related_document=letter, document=item.pk)
        added = sum(charges.values_list("amount_minor", flat=True))
        assert added == sum(entries.values_list("amount_minor", flat=True)), "charged, and not posted"
        return added

    def check_what_is_left(self) -> None:
        """Nothing is owed but what the procedure leaves on a claim that is paid itself."""
        covered = Case.objects.covered().select_related("document__open_item", "customer")
        for case in covered.filter(state__in=["open", "stopped", "ready_for_collection"]):
            left = self.terms(case.customer_id).charges_left
            assert left == ChargesLeft.CLAIM, "only charges are left, and nobody ended the case"
        assert list(ledger_findings(self.issuer)) == []
        for item in OpenItem.objects.all():
            parts = breakdown([item.pk])[item.pk]
            assert (parts.open_minor, parts.charges) == (item.open_minor, item.charges_minor)

    def check_manners(self, letter: Document) -> None:
        terms = self.terms(letter.customer_id)
        assert not (terms.avoid_weekends and self.today.weekday() >= 5), "a letter at the weekend"
        assert not (terms.holidays and self.today in GERMAN), "a letter on a holiday"
        if terms.wait_for_statement:
            looked_through = StatementDay.objects.filter(through__gte=self.today - timedelta(days=1))
            assert looked_through.exists(), "a letter before the statement was looked through"
        owed = sum(claim["open_minor"] for claim in letter.extra["claims"])
        assert owed >= terms.minimum_minor, "a letter about a small amount"

    def check_nothing_stands_against(self, item: OpenItem) -> None:
        contracts = item.document.lines.values_list("contract_reference", flat=True)
        scope = (
            Q(document=item.pk)
            | Q(document=None, contract_reference="")
            | Q(contract_reference__in=[number for number in contracts if number])
        )
        holds = Hold.objects.filter(scope, customer=item.customer_id, state="standing")
        assert not holds.filter(Q(until=None) | Q(until__gte=self.today)).exists(), "held, and reminded"
        retries = ChargePlan.objects.filter(document=item.pk, next_on__gte=self.today)
        assert not retries.exists(), "the letter came before the retry"
        under_way = Payment.objects.filter(document=item.pk, state__in=["created", "pending"])
        assert not under_way.exists(), "a payment was under way"
        agreed = AgreementDocument.objects.filter(document=item.pk, running=True)
        assert not agreed.exists(), "agreed, and reminded"
