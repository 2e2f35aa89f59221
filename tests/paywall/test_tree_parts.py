"""Closed parts of the tree as conditions, beside looking each page up."""

import pytest
from django.db.models import Q
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from wagtail.models import Page

from cms_billing.paywall.rule_map import nearest
from cms_billing.paywall.tree_parts import closed_parts

# With the last place that a parent has.
STEPS = ["0001", "0002", "ZZZY", "ZZZZ"]


def places(depth: int) -> list[str]:
    """All paths below the home page, four children each."""
    level = ["00010001"]
    found = []
    for _ in range(depth):
        level = [f"{path}{step}" for path in level for step in STEPS]
        found += level
    return found


PLACES = places(3)


class TestAgainstLookingUp(TestCase):
    @classmethod
    def setUpTestData(cls):
        home = Page.objects.get(path="00010001")
        kind = {"content_type": home.content_type, "locale": home.locale}
        new = [
            Page(path=path, depth=len(path) // 4, title=path, slug=path, url_path=f"/{path}/", **kind)
            for path in PLACES
        ]
        for page in new:
            page.save_base(raw=True)

    @given(granted=st.dictionaries(st.sampled_from(PLACES), st.booleans()))
    def test_the_same_pages_are_closed(self, granted):
        closed = {path for path in PLACES if nearest(granted, path) is False}
        parts = closed_parts(granted)
        found = Page.objects.filter(Q(*parts, _connector=Q.OR)) if parts else Page.objects.none()
        assert set(found.values_list("path", flat=True)) == closed


def test_neighbours_are_one_range():
    many = {f"00010001{number:04}": False for number in range(1, 10)}
    assert len(closed_parts(many)) == 1
    del many["000100010005"]
    assert len(closed_parts(many)) == 2


@pytest.mark.parametrize(
    ("paths", "condition"),
    [
        (["00010001000Z"], Q(path__startswith="00010001000Z")),
        (["00010001000Z", "000100010010"], Q(path__range=("00010001000Z", "000100010010" + "Z" * 243))),
        (["00010001ZZZZ"], Q(path__startswith="00010001ZZZZ")),
        (["00010001ZZZY", "00010001ZZZZ"], Q(path__range=("00010001ZZZY", "00010001" + "Z" * 247))),
    ],
)
def test_where_a_digit_and_where_the_places_end(paths, condition):
    assert closed_parts(dict.fromkeys(paths, False)) == [condition]
