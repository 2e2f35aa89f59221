"""Keep the catalogues of the languages that only documents and mails speak: the texts customers read, no more.

The texts are those German has from the sources below, so run it after makemessages. What is translated stays; what is
new comes empty, for tests/test_translations.py to find; what has gone goes.
"""

from __future__ import annotations

from pathlib import Path

import polib

PACKAGE = Path(__file__).resolve().parent.parent / "cms_billing"
LANGUAGES = ("fr", "it", "es", "nl")
# Parts of paths whose texts reach customers on paper or by mail.
SOURCES = (
    "/pdf/",
    "/email/",
    "faktura/mailtexts.py",
    "faktura/printed.py",
    "faktura/rendering/draft.py",
    "payments/notes.py",
    "payments/refusal_texts.py",
)
# Texts for customers in modules that also speak to editors.
SINGLE = {
    (None, "%(what)s, instalment %(number)s of %(count)s"),
    (None, "Deposit %(number)s of %(date)s"),
    (None, "Bank transfer to %(iban)s"),
    (None, "In cash"),
    (None, "Refund %(what)s"),
    (None, "refund came back"),
    (None, "Shipping"),
}


def reaches_customers(entry: polib.POEntry) -> bool:
    from_source = any(source in f"/{path}" for path, _line in entry.occurrences for source in SOURCES)
    return not entry.obsolete and (from_source or (entry.msgctxt, entry.msgid) in SINGLE)


def wanted(app: Path) -> list[polib.POEntry]:
    german = app / "locale" / "de" / "LC_MESSAGES" / "django.po"
    return [entry for entry in polib.pofile(str(german)) if reaches_customers(entry)]


def update(app: Path, language: str, entries: list[polib.POEntry]) -> None:
    path = app / "locale" / language / "LC_MESSAGES" / "django.po"
    known = {}
    if path.exists():
        known = {(entry.msgctxt, entry.msgid): entry.msgstr for entry in polib.pofile(str(path))}
    catalogue = polib.POFile(wrapwidth=78)
    catalogue.metadata = {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    for entry in entries:
        catalogue.append(
            polib.POEntry(
                msgctxt=entry.msgctxt,
                msgid=entry.msgid,
                msgstr=known.get((entry.msgctxt, entry.msgid), ""),
                occurrences=entry.occurrences,
                flags=[flag for flag in entry.flags if flag != "fuzzy"],
            )
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(path))
    catalogue.save_as_mofile(str(path.with_suffix(".mo")))


def main() -> None:
    for app in sorted(path.parent for path in PACKAGE.glob("*/apps.py")):
        entries = wanted(app)
        for language in LANGUAGES if entries else ():
            update(app, language, entries)


if __name__ == "__main__":
    main()
