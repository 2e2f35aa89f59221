"""Papers and mails speak six languages: every text that reaches a customer is there in each, placeholders intact."""

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from cms_billing.dunning.texts import BUSINESS_TEXTS, DEFAULT_TEXTS, WORDINGS
from cms_billing.faktura.models.parties import LANGUAGES
from scripts.document_messages import LANGUAGES as FURTHER
from scripts.document_messages import PACKAGE, wanted

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|</?strong>")
APPS = sorted(path.parent for path in PACKAGE.glob("*/apps.py"))


def catalogues() -> Iterator[tuple[Path, str]]:
    for app in APPS:
        for language in FURTHER if wanted(app) else ():
            yield app, language


CATALOGUES = list(catalogues())


def catalogue(app: Path, language: str) -> polib.POFile:
    return polib.pofile(str(app / "locale" / language / "LC_MESSAGES" / "django.po"))


def marks(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def test_languages_are_those_with_catalogues() -> None:
    assert {code for code, _name in LANGUAGES} == {"de", "en", *FURTHER}


@pytest.mark.parametrize(("app", "language"), CATALOGUES, ids=lambda value: getattr(value, "name", value))
def test_every_text_of_papers_and_mails_is_translated(app: Path, language: str) -> None:
    translated = {(entry.msgctxt, entry.msgid): entry.msgstr for entry in catalogue(app, language)}
    texts = {(entry.msgctxt, entry.msgid) for entry in wanted(app)}

    assert texts == set(translated)
    assert [msgid for (_, msgid), text in translated.items() if not text] == []
    assert [msgid for (_, msgid), text in translated.items() if marks(msgid) != marks(text)] == []


@pytest.mark.parametrize(("app", "language"), CATALOGUES, ids=lambda value: getattr(value, "name", value))
def test_compiled_catalogues_are_those_of_their_sources(app: Path, language: str) -> None:
    path = app / "locale" / language / "LC_MESSAGES" / "django.mo"
    compiled = {(entry.msgctxt, entry.msgid): entry.msgstr for entry in polib.mofile(str(path))}

    assert compiled == {(entry.msgctxt, entry.msgid): entry.msgstr for entry in catalogue(app, language)}


@pytest.mark.parametrize("shipped", [DEFAULT_TEXTS, BUSINESS_TEXTS], ids=["consumers", "businesses"])
def test_dunning_texts_are_there_in_every_language_with_the_same_placeholders(shipped) -> None:
    languages = {code for code, _name in LANGUAGES}
    levels = {level for level, _language in shipped}

    assert set(shipped) == {(level, language) for level in levels for language in languages}
    for (level, _language), (_subject, body) in shipped.items():
        assert marks(body) == marks(shipped[level, "de"][1])


def test_locks_are_named_in_every_language_with_the_documents() -> None:
    assert set(WORDINGS) == {code for code, _name in LANGUAGES}
    for wording in WORDINGS.values():
        for words in (wording.contract, wording.customer):
            assert (marks(words.announced), marks(words.locked)) == ([], [])
            assert (marks(words.box_announced), marks(words.box_locked)) == (["{numbers}"], ["{numbers}"])
