"""What people decide: holds, four eyes, stops, manners, charges and levels."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from cms_billing.dunning.models import (
    Case,
    ChargesLeft,
    DefaultFrom,
    DunningPolicy,
    Hold,
    Level,
    Procedure,
)
from cms_billing.dunning.services import (
    approve_hold,
    lift_hold,
    refuse_hold,
    resume_case,
    set_hold,
    stop_case,
)
from cms_billing.faktura.models import OpenItem

from .world import CUSTOMERS, LEVELS, SELDOM, UNTIL, World


class People(World):
    """At the desk."""

    @rule(which=CUSTOMERS, days=UNTIL, kind=st.sampled_from(["block", "dispute"]))
    def hold_the_customer(self, which: int, days: int | None, kind: str) -> None:
        self.hold(self.customers[which].pk, days, kind)

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(
        data=st.data(),
        days=UNTIL,
        kind=st.sampled_from(["block", "dispute"]),
        contract=st.booleans(),
    )
    def hold_a_part(self, data: st.DataObject, days: int | None, kind: str, *, contract: bool) -> None:
        item = self.one_of(data, OpenItem.objects.filter(open_minor__gt=0))
        number = item.document.lines.first().contract_reference
        scope = {"contract_reference": number} if contract and number else {"document_id": item.pk}
        self.hold(item.customer_id, days, kind, **scope)

    def hold(self, customer: int, days: int | None, kind: str, **scope: Any) -> None:
        until = None if days is None else self.today + timedelta(days=days)
        hold = set_hold(
            customer_id=customer,
            reason="x",
            kind=kind,
            until=until,
            today=self.today,
            user=self.people[0],
            **scope,
        )
        four_eyes = DunningPolicy.objects.filter(issuer=self.issuer, four_eyes=True).exists()
        assert (hold.state == "waiting") is (four_eyes and kind == "block")

    @rule(wanted=st.booleans())
    def want_four_eyes(self, *, wanted: bool) -> None:
        DunningPolicy.objects.update_or_create(issuer=self.issuer, defaults={"four_eyes": wanted})

    @precondition(lambda self: Hold.objects.filter(state="waiting").exists())
    @rule(data=st.data(), granted=st.booleans())
    def decide_a_hold(self, data: st.DataObject, *, granted: bool) -> None:
        hold = self.one_of(data, Hold.objects.filter(state="waiting"))
        if not granted:
            refuse_hold(hold_id=hold.pk, reason="no", user=self.people[1])
        elif hold.until is None or hold.until >= self.today:
            approve_hold(hold_id=hold.pk, today=self.today, user=self.people[1])

    @precondition(lambda self: Hold.objects.filter(state="standing").exists())
    @rule(data=st.data())
    def lift_a_hold(self, data: st.DataObject) -> None:
        lift_hold(hold_id=self.one_of(data, Hold.objects.filter(state="standing")).pk)

    @precondition(lambda self: Case.objects.filter(state="open").exists())
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        stop_case(case_id=self.one_of(data, Case.objects.filter(state="open")).pk, reason="x")

    @precondition(lambda self: Case.objects.filter(state="stopped").exists())
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        resume_case(case_id=self.one_of(data, Case.objects.filter(state="stopped")).pk, today=self.today)

    @rule(
        weekends=SELDOM,
        region=st.sampled_from(["", "", "DE"]),
        statement=SELDOM,
        minimum=st.sampled_from([0, 0, 0, 1500]),
        failure=LEVELS,
        chargeback=LEVELS,
    )
    def change_the_manners(
        self,
        region: str,
        minimum: int,
        failure: int | None,
        chargeback: int | None,
        *,
        weekends: bool,
        statement: bool,
    ) -> None:
        Procedure.objects.filter(issuer=self.issuer).update(
            avoid_weekends=weekends,
            holidays=region,
            wait_for_statement=statement,
            minimum_minor=minimum,
            failure_level=failure,
            chargeback_level=chargeback,
        )

    @rule(
        fee=st.sampled_from([0, 250]),
        interest=st.booleans(),
        since=st.sampled_from(DefaultFrom.values),
        left=st.sampled_from(ChargesLeft.values),
    )
    def change_the_charges(self, fee: int, since: str, left: str, *, interest: bool) -> None:
        levels = Level.objects.filter(procedure__issuer=self.issuer)
        levels.filter(number__gte=2).update(fee_minor=fee, claims_interest=interest)
        Procedure.objects.filter(issuer=self.issuer).update(default_from=since, charges_left=left)

    @rule(
        number=st.integers(2, 3),
        scope=st.sampled_from(["", "contract", "customer"]),
        days=st.integers(11, 20),
    )
    def change_a_level(self, number: int, scope: str, days: int) -> None:
        levels = Level.objects.filter(procedure__issuer=self.issuer, number=number)
        levels.update(lock_scope=scope, days_after=days)
