"""The words of the shipped letters, one set a language. Pure data; ``texts`` puts them together.

The first letter is a friendly reminder and, being the first after the due date, puts the debtor in default (§ 286 (1)
BGB). The second sets a period and announces the lock; the third locks (§§ 273, 320 BGB) and announces the collection,
which § 13a RDG-conforming agencies may only start after a reminder. No threat of what the issuer does not decide.
Businesses are told what § 288 (2), (5) BGB adds to the claim; consumers get the same lines where there is such a sum.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LockWords:
    """Sentences of a text (``announced``, ``locked``), and of the box below the claims, which names the documents."""

    announced: str
    locked: str
    box_announced: str
    box_locked: str


@dataclass(frozen=True)
class Wording:
    """``opening``, ``pay`` and ``meantime`` are those of the three levels, in order. A line that names a sum there is
    not (``{fees}``, ``{interest}``, ``{flat}``) is left out of the letter."""

    subjects: tuple[str, str, str]
    greeting: str
    opening: tuple[str, str, str]
    business_opening: str
    pay: tuple[str, str, str]
    fees: str
    interest: str
    flat: str
    agency: str
    business_agency: str
    meantime: tuple[str, str, str]
    business_meantime: str
    contract: LockWords
    customer: LockWords


GERMAN = Wording(
    subjects=("Zahlungserinnerung", "Zweite Mahnung", "Letzte Mahnung"),
    greeting="Guten Tag {name},",
    opening=(
        "im Alltag geht leicht einmal etwas unter: Zu den unten aufgeführten Rechnungen haben wir bis heute keine "
        "Zahlung feststellen können.",
        "auf unsere Zahlungserinnerung haben wir noch keinen Zahlungseingang feststellen können. Offen sind die "
        "unten aufgeführten Rechnungen.",
        "trotz unserer Mahnungen sind die unten aufgeführten Rechnungen noch offen.",
    ),
    business_opening="zu den unten aufgeführten Rechnungen haben wir bis heute keine Zahlung feststellen können.",
    pay=(
        "Bitte überweisen Sie den offenen Betrag von {total} bis zum {pay_until}.",
        "Bitte zahlen Sie {total} bis zum {pay_until}.",
        "Bitte zahlen Sie {total} bis zum {pay_until}.",
    ),
    fees="Darin enthalten: Mahngebühren von {fees}.",
    interest="Darin enthalten: Verzugszinsen von {interest} (§ 288 BGB).",
    flat="Darin enthalten: die Verzugspauschale von {flat} (§ 288 Abs. 5 BGB).",
    agency="Geht der Betrag bis dahin nicht ein und haben Sie der Forderung nicht widersprochen, werden wir sie ohne "
    "weitere Mahnung an ein Inkassounternehmen übergeben. Dadurch können Ihnen zusätzliche Kosten entstehen.",
    business_agency="Geht der Betrag bis dahin nicht ein, übergeben wir die Forderung, sofern ihr nicht widersprochen "
    "wurde, ohne weitere Mahnung an ein Inkassounternehmen. Die Kosten dafür trägt der Schuldner im Verzug.",
    meantime=(
        "Haben Sie inzwischen gezahlt, betrachten Sie dieses Schreiben bitte als gegenstandslos. Wenn etwas nicht "
        "stimmt oder Sie gerade nicht zahlen können, melden Sie sich bei uns – wir finden eine Lösung.",
        "Haben Sie inzwischen gezahlt, betrachten Sie dieses Schreiben bitte als gegenstandslos. Wenn Sie die "
        "Rechnung für falsch halten, teilen Sie uns das bitte mit.",
        "Haben Sie inzwischen gezahlt, betrachten Sie dieses Schreiben bitte als gegenstandslos.",
    ),
    business_meantime="Haben Sie inzwischen gezahlt, betrachten Sie dieses Schreiben bitte als gegenstandslos. Wenn "
    "Ihnen eine Rechnung fehlt oder etwas nicht stimmt, geben Sie uns bitte Bescheid.",
    contract=LockWords(
        announced="Geht der Betrag bis dahin nicht ein, werden wir mit der nächsten Mahnung den Zugang zu den Inhalten "
        "sperren, die mit diesen Rechnungen nicht bezahlt sind. Was bezahlt ist, bleibt Ihnen erhalten, ebenso Ihr "
        "Kundenkonto.",
        locked="Wie angekündigt ist der Zugang zu den Inhalten, die mit den angemahnten Rechnungen nicht bezahlt sind, "
        "ab heute gesperrt. Sobald Ihre Zahlung eingeht, wird er wieder geöffnet.",
        box_announced="Mit der nächsten Mahnung gesperrt werden, wenn keine Zahlung eingeht, "
        "die Inhalte zu: {numbers}.",
        box_locked="Bis zur Zahlung gesperrt sind die Inhalte zu: {numbers}.",
    ),
    customer=LockWords(
        announced="Geht der Betrag bis dahin nicht ein, werden wir mit der nächsten Mahnung den Zugang zu den Inhalten "
        "aller Ihrer Verträge bei uns sperren. Ihr Kundenkonto und Ihre Rechnungen bleiben offen.",
        locked="Wie angekündigt ist der Zugang zu den Inhalten aller Ihrer Verträge bei uns ab heute gesperrt. Sobald "
        "Ihre Zahlung eingeht, wird er wieder geöffnet.",
        box_announced="Mit der nächsten Mahnung gesperrt werden, wenn keine Zahlung eingeht, die Inhalte aller Ihrer "
        "Verträge. Unbezahlt: {numbers}.",
        box_locked="Bis zur Zahlung gesperrt sind die Inhalte aller Ihrer Verträge. Unbezahlt: {numbers}.",
    ),
)

ENGLISH = Wording(
    subjects=("Payment reminder", "Second reminder", "Final reminder"),
    greeting="Dear {name},",
    opening=(
        "these things are easily overlooked: we have not yet seen a payment for the invoices listed below.",
        "we have not received a payment following our reminder. The invoices listed below are still open.",
        "despite our reminders the invoices listed below are still open.",
    ),
    business_opening="we have not yet seen a payment for the invoices listed below.",
    pay=(
        "Please transfer the open amount of {total} by {pay_until}.",
        "Please pay {total} by {pay_until}.",
        "Please pay {total} by {pay_until}.",
    ),
    fees="Included: reminder fees of {fees}.",
    interest="Included: default interest of {interest} (section 288 BGB, German Civil Code).",
    flat="Included: the flat compensation of {flat} for late payment (section 288 (5) BGB).",
    agency="If the amount has not arrived by then and you have not disputed the claim, we will hand it over to a "
    "collection agency without further notice. This may cause additional costs for you.",
    business_agency="If the amount has not arrived by then, and unless the claim has been disputed, we will hand it "
    "over to a collection agency without further notice. A debtor in default bears the costs.",
    meantime=(
        "If you have paid in the meantime, please disregard this letter. If something is wrong, or if you cannot "
        "pay right now, tell us – we will find a way.",
        "If you have paid in the meantime, please disregard this letter. If you believe the invoice is wrong, "
        "please let us know.",
        "If you have paid in the meantime, please disregard this letter.",
    ),
    business_meantime="If you have paid in the meantime, please disregard this letter. If an invoice is missing or "
    "something is wrong, please let us know.",
    contract=LockWords(
        announced="If the amount has not arrived by then, we will lock the content that is not paid for under these "
        "invoices with our next letter. What you have paid for stays open, and so does your account.",
        locked="As announced, the content that is not paid for under the invoices we reminded you of is locked from "
        "today. It opens again as soon as your payment arrives.",
        box_announced="Locked with our next letter, unless payment arrives: the content that belongs to {numbers}.",
        box_locked="Locked until payment: the content that belongs to {numbers}.",
    ),
    customer=LockWords(
        announced="If the amount has not arrived by then, we will lock the content of all your contracts with us with "
        "our next letter. Your account and your invoices stay open.",
        locked="As announced, the content of all your contracts with us is locked from today. It opens again as soon "
        "as your payment arrives.",
        box_announced="Locked with our next letter, unless payment arrives: the content of all your contracts. "
        "Unpaid: {numbers}.",
        box_locked="Locked until payment: the content of all your contracts. Unpaid: {numbers}.",
    ),
)

FRENCH = Wording(
    subjects=("Rappel de paiement", "Deuxième rappel", "Dernier rappel"),
    greeting="Bonjour {name},",
    opening=(
        "un oubli est vite arrivé : à ce jour, nous n’avons pas constaté de paiement pour les factures mentionnées "
        "ci-dessous.",
        "notre rappel est resté sans effet. Les factures mentionnées ci-dessous sont toujours impayées.",
        "malgré nos rappels, les factures mentionnées ci-dessous restent impayées.",
    ),
    business_opening="à ce jour, nous n’avons pas constaté de paiement pour les factures mentionnées ci-dessous.",
    pay=(
        "Nous vous prions de régler le montant dû de {total} au plus tard le {pay_until}.",
        "Nous vous prions de régler {total} au plus tard le {pay_until}.",
        "Nous vous prions de régler {total} au plus tard le {pay_until}.",
    ),
    fees="Dont frais de rappel : {fees}.",
    interest="Dont intérêts de retard : {interest} (§ 288 BGB, Code civil allemand).",
    flat="Dont indemnité forfaitaire de retard : {flat} (§ 288, al. 5, BGB).",
    agency="À défaut de paiement dans ce délai, et si vous n’avez pas contesté la créance, nous la confierons sans "
    "autre rappel à une société de recouvrement. Des frais supplémentaires pourraient en résulter pour vous.",
    business_agency="À défaut de paiement dans ce délai, et sauf contestation de la créance, nous la confierons sans "
    "autre rappel à une société de recouvrement. Les frais sont à la charge du débiteur en demeure.",
    meantime=(
        "Si vous avez payé entre-temps, veuillez ne pas tenir compte de ce courrier. En cas d’erreur, ou si vous ne "
        "pouvez pas payer pour l’instant, contactez-nous : nous trouverons une solution.",
        "Si vous avez payé entre-temps, veuillez ne pas tenir compte de ce courrier. Si vous estimez que la facture "
        "est erronée, merci de nous le signaler.",
        "Si vous avez payé entre-temps, veuillez ne pas tenir compte de ce courrier.",
    ),
    business_meantime="Si vous avez payé entre-temps, veuillez ne pas tenir compte de ce courrier. S’il vous manque "
    "une facture ou en cas d’erreur, merci de nous le signaler.",
    contract=LockWords(
        announced="À défaut de paiement dans ce délai, nous bloquerons, avec le prochain rappel, l’accès aux contenus "
        "non payés de ces factures. Ce que vous avez payé vous reste acquis, de même que votre espace client.",
        locked="Comme annoncé, l’accès aux contenus non payés de ces factures est bloqué à compter d’aujourd’hui. Il "
        "sera rouvert dès réception de votre paiement.",
        box_announced="Bloqués avec le prochain rappel, à défaut de paiement : les contenus relatifs à {numbers}.",
        box_locked="Bloqués jusqu’au paiement : les contenus relatifs à {numbers}.",
    ),
    customer=LockWords(
        announced="À défaut de paiement dans ce délai, nous bloquerons, avec le prochain rappel, l’accès aux contenus "
        "de tous vos contrats. Votre espace client et vos factures restent accessibles.",
        locked="Comme annoncé, l’accès aux contenus de tous vos contrats est bloqué à compter d’aujourd’hui. Il sera "
        "rouvert dès réception de votre paiement.",
        box_announced="Bloqués avec le prochain rappel, à défaut de paiement : les contenus de tous vos contrats. "
        "Impayé : {numbers}.",
        box_locked="Bloqués jusqu’au paiement : les contenus de tous vos contrats. Impayé : {numbers}.",
    ),
)
