"""Agreements: made, kept, broken, ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from cms_billing.dunning.models import (
    Agreement,
    AgreementDocument,
    Case,
    CaseStep,
)
from cms_billing.dunning.services import (
    end_agreement,
    make_deferral,
    make_instalment_plan,
    make_promise,
    planned_steps,
    review_agreements,
)
from cms_billing.faktura.models import OpenItem

from .world import AGREED, World


class Agreements(World):
    """Promises, plans and deferrals."""

    def review(self) -> None:
        after: int | None = 0
        while after is not None:
            after = review_agreements(
                issuer=self.issuer, today=self.today, after_customer=after
            ).last_customer
        again = review_agreements(issuer=self.issuer, today=self.today)
        assert again.changed == [], "looked at twice, and changed twice"
        for agreement in Agreement.objects.filter(state__in=["running", "broken"]):
            self.check_verdict(agreement)

    def check_verdict(self, agreement: Agreement) -> None:
        """Broken ones have an instalment that was not paid by its day and the days of grace, running ones have none."""
        rows = list(agreement.agreement_documents.select_related("document__open_item"))
        paid = sum(paid_since(row) for row in rows)
        day = self.today if agreement.state == "running" else agreement.ended_on
        grace = timedelta(days=agreement.grace_days)
        late = agreement.instalments.filter(due_on__lt=day - grace)
        due = sum(late.values_list("amount_minor", flat=True))
        if agreement.state == "running":
            assert any(row.document.open_item.open_minor > 0 for row in rows), "paid, and it runs on"
            assert paid >= due, "broken, and it runs on"
        else:
            assert due > 0, "broken before anything was due"
            documents = [row.document_id for row in rows]
            steps = CaseStep.objects.filter(kind="agreement_ended", case__document__in=documents)
            over = AgreementDocument.objects.filter(document__in=documents, running=False)
            # A payment that comes back opens a kept one once more.
            assert steps.count() <= over.count() * 2, "told again and again"

    def agreeable(self) -> Any:
        """What is owed and in no agreement that runs."""
        running = AgreementDocument.objects.filter(running=True).values("document")
        return OpenItem.objects.filter(open_minor__gt=1).exclude(document__in=running)

    @rule(
        data=st.data(),
        kind=st.sampled_from(["promise", "plan", "deferral"]),
        days=st.integers(0, 25),
        opens=st.booleans(),
        everything=st.booleans(),
        later=st.none() | st.integers(0, 25),
    )
    def agree(
        self, data: st.DataObject, kind: str, days: int, later: int | None, *, opens: bool, everything: bool
    ) -> None:
        """And run some days after it: before its day, on it, or when it is broken."""
        found = self.agreeable()
        if not found.exists():
            return
        item = self.one_of(data, found)
        ids = list(found.filter(customer=item.customer_id).values_list("pk", flat=True))
        terms = {
            "document_ids": ids if everything else [item.pk],
            "today": self.today,
            "opens_access": opens,
        }
        until = self.today + timedelta(days=days)
        if kind == "plan":
            make_instalment_plan(count=2, first_on=until, **terms)
        else:
            {"promise": make_promise, "deferral": make_deferral}[kind](until=until, **terms)
        locking = Case.objects.locking().filter(document__in=terms["document_ids"])
        assert not (opens and locking.exists()), "agreed to open, and still locked"
        if later is not None:
            self.today += timedelta(days=later)
            self.dun()

    @precondition(lambda self: Agreement.objects.running().exists())
    @rule(data=st.data())
    def a_person_ends_an_agreement(self, data: st.DataObject) -> None:
        agreement = self.one_of(data, Agreement.objects.running())
        end_agreement(agreement_id=agreement.pk, reason="x", today=self.today)

    @precondition(lambda self: Agreement.objects.running().exists())
    @rule(days=st.integers(35, 60))
    def agreements_are_forgotten(self, days: int) -> None:
        """Weeks later: what was not paid is broken, and nothing of it holds letters back."""
        self.today += timedelta(days=days)
        self.review()
        running = AgreementDocument.objects.filter(running=True)
        held = set(running.values_list("document__number", flat=True))
        for step in planned_steps(issuer=self.issuer, today=self.today):
            assert step.reason not in AGREED or held.issuperset(step.documents), "over, and it holds back"


def paid_since(row: AgreementDocument) -> int:
    """Of a document since it was agreed on; charges that came after it are not paid by that."""
    item = row.document.open_item
    return row.agreed_minor - max(item.open_minor, 0) + max(item.charges_minor - row.charges_minor, 0)
