"""The letters' texts: placeholders, and what a new procedure is created with. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .more_wordings import DUTCH, ITALIAN, SPANISH
from .wordings import ENGLISH, FRENCH, GERMAN, LockWords, Wording

PLACEHOLDERS = (
    "name",
    "customer_number",
    "documents",
    "total",
    "principal",
    "fee",
    "fees",
    "interest",
    "flat",
    "pay_until",
    "lock",
    "issuer",
)
# A line with one of these is left out where there is nothing to put in.
MAY_BE_EMPTY = frozenset({"fees", "interest", "flat", "lock"})
CONSUMER, BUSINESS = "consumer", "business"

WORDINGS: Mapping[str, Wording] = {
    "de": GERMAN,
    "en": ENGLISH,
    "fr": FRENCH,
    "it": ITALIAN,
    "es": SPANISH,
    "nl": DUTCH,
}

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def unknown_placeholders(text: str) -> list[str]:
    return sorted({match for match in _PLACEHOLDER.findall(text) if match not in PLACEHOLDERS})


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values in, once. What is no placeholder stays as it is: a letter never fails on a brace.

    Lines about something there is not, such as interest, are left out; what is left of a paragraph closes up.
    """
    nothing = {name for name in MAY_BE_EMPTY if not values.get(name)}
    lines = text.split("\n")
    kept = [line for line in lines if not nothing & set(_PLACEHOLDER.findall(line))]
    if len(kept) < len(lines):
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def _text(wording: Wording, level: int, kind: str) -> tuple[str, str]:
    """Subject and text of a level. It ends before the closing: the claims, how to pay, and then “Kind regards” and the
    issuer follow in mail and PDF."""
    business, index = kind == BUSINESS, level - 1
    opening = wording.business_opening if business and level == 1 else wording.opening[index]
    meantime = wording.business_meantime if business and level < 3 else wording.meantime[index]
    agency = wording.business_agency if business else wording.agency
    paragraphs = [
        f"{wording.greeting}\n\n{opening}",
        "\n".join([wording.pay[index], wording.fees, wording.interest, wording.flat]),
        "{lock}",
        *([agency] if level == 3 else []),
        meantime,
    ]
    return wording.subjects[index], "\n\n".join(paragraphs)


def _texts(kind: str) -> dict[tuple[int, str], tuple[str, str]]:
    return {
        (level, language): _text(wording, level, kind)
        for language, wording in WORDINGS.items()
        for level in (1, 2, 3)
    }


DEFAULT_TEXTS: Mapping[tuple[int, str], tuple[str, str]] = _texts(CONSUMER)
BUSINESS_TEXTS: Mapping[tuple[int, str], tuple[str, str]] = _texts(BUSINESS)


def default_texts(kind: str) -> Mapping[tuple[int, str], tuple[str, str]]:
    """The shipped texts by level and language, for consumers or businesses."""
    return BUSINESS_TEXTS if kind == BUSINESS else DEFAULT_TEXTS


def default_text(level: int, language: str, kind: str = CONSUMER) -> tuple[str, str]:
    """The shipped text; English where there is none in ``language``."""
    shipped = default_texts(kind)
    return shipped.get((level, language)) or shipped[level, "en"]


def lock_words(scope: str, language: str) -> LockWords:
    wording = WORDINGS.get(language) or ENGLISH
    return wording.customer if scope == "customer" else wording.contract


def lock_sentences(*, locked: str, announced: str, language: str) -> str:
    """What ``{lock}`` says: the widest scope the letter locks, then the wider one it announces; "" for neither."""
    return " ".join(
        sentence
        for sentence in (
            lock_words(locked, language).locked if locked else "",
            lock_words(announced, language).announced if announced else "",
        )
        if sentence
    )


def lock_notice(
    *, locked: Mapping[str, Sequence[str]], announced: Mapping[str, Sequence[str]], language: str
) -> str:
    """The box below the claims, naming scope and documents. It is part of the letter, not of the site's interface, so
    it speaks the languages of letters and does not wait for a translation file. Scopes map to document numbers."""
    sentences = [
        *((lock_words(scope, language).box_locked, numbers) for scope, numbers in locked.items()),
        *((lock_words(scope, language).box_announced, numbers) for scope, numbers in announced.items()),
    ]
    return "\n".join(
        sentence.replace("{numbers}", ", ".join(numbers)) for sentence, numbers in sentences if numbers
    )
