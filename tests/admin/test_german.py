"""An editor who reads German finds no English on the billing pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from bs4 import BeautifulSoup
from django.urls import reverse

import cms_billing

from .test_pages import FORMS, LISTS, OTHERS, READING, WRITING, plain, rows_of

pytestmark = pytest.mark.django_db

ATTRIBUTES = ("title", "placeholder", "aria-label", "alt")
# Wagtail's own templates say “Actions” in English; “plan” is the code of the plan these tests sell,
# “Ours” their issuer's name.
NOT_TRANSLATED = {"Actions", "plan", "Ours"}


def english_texts() -> set[str]:
    """Texts of the package that read otherwise in German."""
    catalogues = Path(cms_billing.__file__).parent.glob("*/locale/de/LC_MESSAGES/django.po")
    entries = [entry for path in catalogues for entry in polib.pofile(str(path))]
    german = {entry.msgstr for entry in entries}
    return {entry.msgid for entry in entries} - german - NOT_TRANSLATED


def visible_texts(html: str) -> Iterator[str]:
    page = BeautifulSoup(html, "html.parser")
    for element in page(["script", "style", "template", "code", "option"]):
        element.decompose()
    for text in page.find_all(string=True):
        yield " ".join(text.split())
    for element in page.find_all(True):
        for name in ATTRIBUTES:
            yield " ".join(str(element.get(name, "")).split())


def test_pages_are_german_throughout(accountant, ours):
    addresses = [*plain(LISTS), *plain(FORMS), *plain(OTHERS), *rows_of(ours, [*READING, *WRITING])]
    english = english_texts()

    pages = {
        address: accountant.get(address, headers={"accept-language": "de"}).content.decode()
        for address in addresses
    }

    found = {address: english.intersection(visible_texts(page)) for address, page in pages.items()}
    assert {address: texts for address, texts in found.items() if texts} == {}
    assert "Aufgaben" in pages[reverse("billing_todo")]
