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
    (1, "fr"): (
        "Rappel de paiement",
        "Bonjour {name},\n\n"
        "un oubli est vite arrivé : à ce jour, nous n’avons pas reçu de paiement pour les factures mentionnées "
        "ci-dessous.\n\n"
        "Nous vous prions de régler le montant dû de {total} au plus tard le {pay_until}.\n\n"
        "Si vous avez payé entre-temps, veuillez ne pas tenir compte de ce courrier. En cas d’erreur, ou si vous ne "
        "pouvez pas payer pour l’instant, contactez-nous : nous trouverons une solution.",
    ),
    (2, "fr"): (
        "Deuxième rappel",
        "Bonjour {name},\n\n"
        "notre rappel est resté sans effet. Les factures mentionnées ci-dessous sont toujours impayées.\n\n"
        "Nous vous prions de régler {total} au plus tard le {pay_until}.\n\n"
        "À défaut de paiement dans ce délai, nous bloquerons, avec le prochain rappel, l’accès aux contenus non "
        "payés de ces factures. Ce que vous avez payé vous reste acquis, de même que votre espace client.\n\n"
        "Si vous avez payé entre-temps, veuillez ne pas tenir compte de ce courrier. Si vous estimez que la facture "
        "est erronée, merci de nous le signaler.",
    ),
    (3, "fr"): (
        "Dernier rappel",
        "Bonjour {name},\n\n"
        "malgré nos rappels, les factures mentionnées ci-dessous restent impayées. Comme annoncé, l’accès aux "
        "contenus non payés de ces factures est bloqué à compter d’aujourd’hui. Il sera rouvert dès réception de "
        "votre paiement.\n\n"
        "Nous vous prions de régler {total} au plus tard le {pay_until}.\n\n"
        "À défaut de paiement dans ce délai, et si vous n’avez pas contesté la créance, nous la confierons sans autre "
        "rappel à une société de recouvrement. Des frais supplémentaires pourraient en résulter pour vous.\n\n"
        "Si vous avez payé entre-temps, veuillez ne pas tenir compte de ce courrier.",
    ),
    (1, "it"): (
        "Sollecito di pagamento",
        "Gentile {name},\n\n"
        "una dimenticanza può capitare: ad oggi non ci risulta alcun pagamento per le fatture elencate di seguito.\n\n"
        "La preghiamo di versare l’importo di {total} entro il {pay_until}.\n\n"
        "Se ha già pagato, La preghiamo di non tenere conto di questa lettera. Se qualcosa non è corretto o se al "
        "momento non può pagare, ci contatti: troveremo una soluzione.",
    ),
    (2, "it"): (
        "Secondo sollecito",
        "Gentile {name},\n\n"
        "dopo il nostro sollecito non ci risulta ancora alcun pagamento. Le fatture elencate di seguito sono tuttora "
        "insolute.\n\n"
        "La preghiamo di pagare {total} entro il {pay_until}.\n\n"
        "In mancanza di pagamento entro tale data, con il prossimo sollecito bloccheremo l’accesso ai contenuti non "
        "pagati di queste fatture. Ciò che ha pagato resta accessibile, così come la Sua area clienti.\n\n"
        "Se ha già pagato, La preghiamo di non tenere conto di questa lettera. Se ritiene che la fattura sia errata, "
        "La preghiamo di comunicarcelo.",
    ),
    (3, "it"): (
        "Ultimo sollecito",
        "Gentile {name},\n\n"
        "nonostante i nostri solleciti, le fatture elencate di seguito sono ancora insolute. Come annunciato, "
        "l’accesso ai contenuti non pagati di queste fatture è bloccato da oggi. Sarà riaperto non appena riceveremo "
        "il Suo pagamento.\n\n"
        "La preghiamo di pagare {total} entro il {pay_until}.\n\n"
        "In mancanza di pagamento entro tale data, e se non ha contestato il credito, lo affideremo senza ulteriore "
        "avviso a una società di recupero crediti. Ciò può comportare per Lei costi aggiuntivi.\n\n"
        "Se ha già pagato, La preghiamo di non tenere conto di questa lettera.",
    ),
    (1, "es"): (
        "Recordatorio de pago",
        "Hola, {name}:\n\n"
        "es fácil que algo se pase por alto: hasta hoy no nos consta ningún pago de las facturas indicadas más "
        "abajo.\n\n"
        "Le rogamos que abone el importe pendiente de {total} a más tardar el {pay_until}.\n\n"
        "Si ya ha pagado, no tenga en cuenta esta carta. Si hay algún error o no puede pagar en este momento, "
        "póngase en contacto con nosotros: encontraremos una solución.",
    ),
    (2, "es"): (
        "Segundo recordatorio",
        "Hola, {name}:\n\n"
        "tras nuestro recordatorio seguimos sin haber recibido el pago. Las facturas indicadas más abajo continúan "
        "pendientes.\n\n"
        "Le rogamos que pague {total} a más tardar el {pay_until}.\n\n"
        "Si el importe no se recibe en ese plazo, con el próximo recordatorio bloquearemos el acceso a los contenidos "
        "no pagados de estas facturas. Lo que ya ha pagado seguirá abierto, al igual que su área de cliente.\n\n"
        "Si ya ha pagado, no tenga en cuenta esta carta. Si considera que la factura es incorrecta, le rogamos que "
        "nos lo comunique.",
    ),
    (3, "es"): (
        "Último recordatorio",
        "Hola, {name}:\n\n"
        "a pesar de nuestros recordatorios, las facturas indicadas más abajo siguen pendientes. Tal como anunciamos, "
        "el acceso a los contenidos no pagados de estas facturas queda bloqueado desde hoy. Se volverá a abrir en "
        "cuanto recibamos su pago.\n\n"
        "Le rogamos que pague {total} a más tardar el {pay_until}.\n\n"
        "Si el importe no se recibe en ese plazo y usted no ha impugnado la deuda, la entregaremos sin más aviso a "
        "una empresa de recobro. Esto puede suponerle gastos adicionales.\n\n"
        "Si ya ha pagado, no tenga en cuenta esta carta.",
    ),
    (1, "nl"): (
        "Betalingsherinnering",
        "Geachte {name},\n\n"
        "het kan gebeuren dat iets aan de aandacht ontsnapt: wij hebben tot op heden geen betaling ontvangen voor de "
        "hieronder vermelde facturen.\n\n"
        "Wij verzoeken u het openstaande bedrag van {total} uiterlijk op {pay_until} over te maken.\n\n"
        "Hebt u inmiddels betaald, dan kunt u deze brief als niet verzonden beschouwen. Klopt er iets niet of kunt u "
        "op dit moment niet betalen, neem dan contact met ons op: wij vinden een oplossing.",
    ),
    (2, "nl"): (
        "Tweede herinnering",
        "Geachte {name},\n\n"
        "na onze herinnering hebben wij nog geen betaling ontvangen. De hieronder vermelde facturen staan nog "
        "open.\n\n"
        "Wij verzoeken u {total} uiterlijk op {pay_until} te betalen.\n\n"
        "Is het bedrag dan niet ontvangen, dan blokkeren wij met de volgende aanmaning de toegang tot de inhoud die "
        "met deze facturen niet is betaald. Wat u hebt betaald, blijft toegankelijk, evenals uw account.\n\n"
        "Hebt u inmiddels betaald, dan kunt u deze brief als niet verzonden beschouwen. Is de factuur volgens u "
        "onjuist, laat het ons dan weten.",
    ),
    (3, "nl"): (
        "Laatste aanmaning",
        "Geachte {name},\n\n"
        "ondanks onze aanmaningen staan de hieronder vermelde facturen nog open. Zoals aangekondigd is de toegang tot "
        "de inhoud die met deze facturen niet is betaald, vanaf vandaag geblokkeerd. Zodra uw betaling binnen is, "
        "wordt de toegang weer geopend.\n\n"
        "Wij verzoeken u {total} uiterlijk op {pay_until} te betalen.\n\n"
        "Is het bedrag dan niet ontvangen en hebt u de vordering niet betwist, dan dragen wij deze zonder verdere "
        "aanmaning over aan een incassobureau. Daardoor kunnen voor u extra kosten ontstaan.\n\n"
        "Hebt u inmiddels betaald, dan kunt u deze brief als niet verzonden beschouwen.",
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
    "fr": (
        "Bloqués jusqu’au paiement : les contenus relatifs à {numbers}.",
        "Bloqués avec le prochain rappel, à défaut de paiement : les contenus relatifs à {numbers}.",
    ),
    "it": (
        "Bloccati fino al pagamento: i contenuti relativi a {numbers}.",
        "Bloccati con il prossimo sollecito, in mancanza di pagamento: i contenuti relativi a {numbers}.",
    ),
    "es": (
        "Bloqueados hasta el pago: los contenidos correspondientes a {numbers}.",
        "Se bloquearán con el próximo recordatorio, si no se recibe el pago: los contenidos de {numbers}.",
    ),
    "nl": (
        "Geblokkeerd tot betaling: de inhoud die hoort bij {numbers}.",
        "Met de volgende aanmaning geblokkeerd, als er geen betaling komt: de inhoud die hoort bij {numbers}.",
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
