"""Random days, payments, returns, refusals, holds, agreements, charges, statements, edits, dead receivers and killed
runs: what must never happen does not."""

from __future__ import annotations

import pytest
from django.test import TestCase
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import invariant

from cms_billing.dunning.models import (
    AgreementDocument,
    Case,
    CaseStep,
)

from .state_machine.agreements import Agreements
from .state_machine.money import Payments
from .state_machine.people import People
from .state_machine.runs import Runs


class Dunning(Runs, Payments, Agreements, People):
    """All of it in any order."""

    @invariant()
    def letters_climb_one_level_at_a_time(self) -> None:
        for case in Case.objects.all():
            steps = CaseStep.objects.filter(case=case, kind="letter").order_by("pk")
            climbed = list(range(case.first_level, case.level + 1))
            assert list(steps.values_list("level", flat=True)) == climbed
            assert not steps.filter(version=None).exists(), "a letter of no version"

    @invariant()
    def what_is_locked_was_announced_and_is_owed(self) -> None:
        opened = AgreementDocument.objects.filter(running=True, agreement__opens_access=True)
        for case in Case.objects.locking().select_related("document__open_item"):
            item = case.document.open_item
            assert item.open_minor > item.charges_minor, "locked for charges only"
            assert not opened.filter(document=item.pk).exists(), "agreed to open, and still locked"
            letters = [step.letter for step in case.steps.filter(kind="letter").select_related("letter")]
            said = [letter for letter in letters if case.document.number in letter.extra["lock_notice"]]
            assert said, "locked, and never told"


Dunning.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Each step is many statements: making a failure shorter would take many minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


class TestDunning(Dunning.TestCase, TestCase):
    """In a database of its own transaction: every example ends in a rollback."""


pytestmark = pytest.mark.slow
