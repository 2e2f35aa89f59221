"""What editors are told before they move a page is what happens; keeping the access keeps all of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wagtail.models import Page

from cms_billing.paywall.access_changes import (
    AccessChange,
    changes_by_having_moved,
    changes_by_moving,
    facts_of,
    pages_at,
)
from cms_billing.paywall.rule_map import current_rules, forget_rules
from cms_billing.paywall.services import keep_access, note_change

from .test_agreement import plant, trees


def told(changes: list[AccessChange]) -> list[tuple[Any, ...]]:
    return [(one.page.pk, facts_of(one.before), facts_of(one.after), one.below) for one in changes]


def access_at(page: Page) -> dict[int, Any]:
    known = current_rules()
    return {below.pk: facts_of(known.rule_for(below.path)) for below in pages_at(page.path)}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(tree=trees(most=9), data=st.data())
@pytest.mark.django_db
def test_what_is_told_before_is_what_happens(tree, data, db):
    with transaction.atomic():
        pages = list(plant(tree).pages.values())
        moved = data.draw(st.sampled_from(pages))
        elsewhere = [page for page in [pages[0].get_parent(), *pages] if not page.path.startswith(moved.path)]
        move_and_compare(moved, data.draw(st.sampled_from(elsewhere)))
        transaction.set_rollback(True)
    forget_rules()


def move_and_compare(page: Page, to: Page) -> None:
    before, access, from_path = current_rules(), access_at(page), page.path
    foretold = changes_by_moving(page, to)
    Page.objects.get(pk=page.pk).move(to, pos="last-child")
    page = Page.objects.get(pk=page.pk)
    happened = changes_by_having_moved(page, from_path=from_path, before=before)
    assert told(foretold) == told(happened)
    now = access_at(page)
    changed = [pk for pk in now if now[pk] != access[pk]]
    assert sum(1 + one.below for one in happened) == len(changed)
    keep_all(happened)
    aliases = set(pages_at(page.path).exclude(alias_of=None).values_list("pk", flat=True))
    kept = access_at(page)
    # An alias of an open page is closed only by its place, and has no rule of its own.
    assert {pk for pk in kept if kept[pk] != access[pk]} <= aliases


def keep_all(changes: list[AccessChange]) -> None:
    for one in changes:
        facts = {"before": facts_of(one.before), "after": facts_of(one.after)}
        entry = note_change(page=one.page, how="moved", section="", **facts)
        known = current_rules().rule_for(Page.objects.get(pk=one.page.pk).path)
        if one.page.alias_of_id is None and facts_of(known) != facts["before"]:
            keep_access(change=entry)
