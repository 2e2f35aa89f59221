"""The letters' texts: placeholders, and what a new procedure is created with. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

PLACEHOLDERS = ("name", "customer_number", "documents", "total", "fee", "pay_until", "issuer")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def unknown_placeholders(text: str) -> list[str]:
    return sorted({match for match in _PLACEHOLDER.findall(text) if match not in PLACEHOLDERS})


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values in. What is no placeholder stays as it is: a letter never fails on a brace."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


# The first is a friendly reminder and, being the first after the due date, puts the debtor in default (§ 286 (1) BGB).
# The second sets a period and announces the lock; the third locks (§§ 273, 320 BGB) and announces the collection, which
# § 13a RDG-conforming agencies may only start after a reminder. No fee, no threat of what the issuer does not decide.
# They end before the closing: the claims, how to pay, and then “Kind regards” and the issuer follow in mail and PDF.
DEFAULT_TEXTS: Mapping[tuple[int, str], tuple[str, str]] = {
    (1, "de"): (
        "Zahlungserinnerung",
        "Guten Tag {name},\n\n"
        "im Alltag geht leicht einmal etwas unter: Zu den unten aufgeführten Rechnungen haben wir bis heute keine "
        "Zahlung feststellen können.\n\n"
        "Bitte überweisen Sie den offenen Betrag von {total} bis zum {pay_until}.\n\n"
        "Haben Sie inzwischen gezahlt, betrachten Sie dieses Schreiben bitte als gegenstandslos. Wenn etwas nicht "
        "stimmt oder Sie gerade nicht zahlen können, melden Sie sich bei uns – wir finden eine Lösung.",
    ),
    (2, "de"): (
        "Zweite Mahnung",
        "Guten Tag {name},\n\n"
        "auf unsere Zahlungserinnerung haben wir noch keinen Zahlungseingang feststellen können. Offen sind die "
        "unten aufgeführten Rechnungen.\n\n"
        "Bitte zahlen Sie {total} bis zum {pay_until}.\n\n"
        "Geht der Betrag bis dahin nicht ein, werden wir mit der nächsten Mahnung den Zugang zu den Inhalten "
        "sperren, die mit diesen Rechnungen nicht bezahlt sind. Was bezahlt ist, bleibt Ihnen erhalten, ebenso Ihr "
        "Kundenkonto.\n\n"
        "Haben Sie inzwischen gezahlt, betrachten Sie dieses Schreiben bitte als gegenstandslos. Wenn Sie die "
        "Rechnung für falsch halten, teilen Sie uns das bitte mit.",
    ),
    (3, "de"): (
        "Letzte Mahnung",
        "Guten Tag {name},\n\n"
        "trotz unserer Mahnungen sind die unten aufgeführten Rechnungen noch offen. Wie angekündigt ist der Zugang "
        "zu den Inhalten, die mit den angemahnten Rechnungen nicht bezahlt sind, ab heute gesperrt. Sobald Ihre "
        "Zahlung eingeht, wird er wieder geöffnet.\n\n"
        "Bitte zahlen Sie {total} bis zum {pay_until}.\n\n"
        "Geht der Betrag bis dahin nicht ein und haben Sie der Forderung nicht widersprochen, werden wir sie ohne "
        "weitere Mahnung an ein Inkassounternehmen übergeben. Dadurch können Ihnen zusätzliche Kosten entstehen.\n\n"
        "Haben Sie inzwischen gezahlt, betrachten Sie dieses Schreiben bitte als gegenstandslos.",
    ),
    (1, "en"): (
        "Payment reminder",
        "Dear {name},\n\n"
        "these things are easily overlooked: we have not yet seen a payment for the invoices listed below.\n\n"
        "Please transfer the open amount of {total} by {pay_until}.\n\n"
        "If you have paid in the meantime, please disregard this letter. If something is wrong, or if you cannot "
        "pay right now, tell us – we will find a way.",
    ),
    (2, "en"): (
        "Second reminder",
        "Dear {name},\n\n"
        "we have not received a payment following our reminder. The invoices listed below are still open.\n\n"
        "Please pay {total} by {pay_until}.\n\n"
        "If the amount has not arrived by then, we will lock the content that is not paid for under these invoices "
        "with our next letter. What you have paid for stays open, and so does your account.\n\n"
        "If you have paid in the meantime, please disregard this letter. If you believe the invoice is wrong, "
        "please let us know.",
    ),
    (3, "en"): (
        "Final reminder",
        "Dear {name},\n\n"
        "despite our reminders the invoices listed below are still open. As announced, the content that is not paid "
        "for under the invoices we reminded you of is locked from today. It opens again as soon as your payment "
        "arrives.\n\n"
        "Please pay {total} by {pay_until}.\n\n"
        "If the amount has not arrived by then and you have not disputed the claim, we will hand it over to a "
        "collection agency without further notice. This may cause additional costs for you.\n\n"
        "If you have paid in the meantime, please disregard this letter.",
    ),
}

# What the letter does and announces, document by document. It is part of the letter, not of the site's interface, so it
# stands here in the languages of letters and does not wait for a translation file.
LOCK_NOTICES: Mapping[str, tuple[str, str]] = {
    "de": (
        "Bis zur Zahlung gesperrt sind die Inhalte zu: {numbers}.",
        "Mit der nächsten Mahnung gesperrt werden, wenn keine Zahlung eingeht, die Inhalte zu: {numbers}.",
    ),
    "en": (
        "Locked until payment: the content that belongs to {numbers}.",
        "Locked with our next letter, unless payment arrives: the content that belongs to {numbers}.",
    ),
}


def lock_notice(*, locked: Sequence[str], announced: Sequence[str], language: str) -> str:
    """One sentence for the documents a letter locks, one for those it announces to lock; empty for neither."""
    locks, announces = LOCK_NOTICES.get(language) or LOCK_NOTICES["en"]
    sentences = [
        sentence.replace("{numbers}", ", ".join(numbers))
        for sentence, numbers in ((locks, locked), (announces, announced))
        if numbers
    ]
    return "\n".join(sentences)


def default_text(level: int, language: str) -> tuple[str, str]:
    """The shipped text; English where there is none in ``language``."""
    return DEFAULT_TEXTS.get((level, language)) or DEFAULT_TEXTS[level, "en"]
