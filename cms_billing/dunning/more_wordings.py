"""The words of the shipped letters in Italian, Spanish and Dutch; see ``wordings``."""

from __future__ import annotations

from .wordings import LockWords, Wording

ITALIAN = Wording(
    subjects=("Sollecito di pagamento", "Secondo sollecito", "Ultimo sollecito"),
    greeting="Gentile {name},",
    opening=(
        "una dimenticanza può capitare: ad oggi non ci risulta alcun pagamento per le fatture elencate di seguito.",
        "dopo il nostro sollecito non ci risulta ancora alcun pagamento. Le fatture elencate di seguito sono tuttora "
        "insolute.",
        "nonostante i nostri solleciti, le fatture elencate di seguito sono ancora insolute.",
    ),
    business_opening="ad oggi non ci risulta alcun pagamento per le fatture elencate di seguito.",
    pay=(
        "La preghiamo di versare l’importo di {total} entro il {pay_until}.",
        "La preghiamo di pagare {total} entro il {pay_until}.",
        "La preghiamo di pagare {total} entro il {pay_until}.",
    ),
    fees="Di cui spese di sollecito: {fees}.",
    interest="Di cui interessi di mora: {interest} (§ 288 BGB, codice civile tedesco).",
    flat="Di cui indennizzo forfettario per il ritardo: {flat} (§ 288, comma 5, BGB).",
    agency="In mancanza di pagamento entro tale data, e se non ha contestato il credito, lo affideremo senza ulteriore "
    "avviso a una società di recupero crediti. Ciò può comportare per Lei costi aggiuntivi.",
    business_agency="In mancanza di pagamento entro tale data, e salvo contestazione del credito, lo affideremo senza "
    "ulteriore avviso a una società di recupero crediti. I costi sono a carico del debitore in mora.",
    meantime=(
        "Se ha già pagato, La preghiamo di non tenere conto di questa lettera. Se qualcosa non è corretto o se al "
        "momento non può pagare, ci contatti: troveremo una soluzione.",
        "Se ha già pagato, La preghiamo di non tenere conto di questa lettera. Se ritiene che la fattura sia errata, "
        "La preghiamo di comunicarcelo.",
        "Se ha già pagato, La preghiamo di non tenere conto di questa lettera.",
    ),
    business_meantime="Se ha già pagato, La preghiamo di non tenere conto di questa lettera. Se manca una fattura o "
    "qualcosa non è corretto, La preghiamo di comunicarcelo.",
    contract=LockWords(
        announced="In mancanza di pagamento entro tale data, con il prossimo sollecito bloccheremo l’accesso ai "
        "contenuti non pagati di queste fatture. Ciò che ha pagato resta accessibile, così come la Sua area clienti.",
        locked="Come annunciato, l’accesso ai contenuti non pagati di queste fatture è bloccato da oggi. Sarà riaperto "
        "non appena riceveremo il Suo pagamento.",
        box_announced="Bloccati con il prossimo sollecito, in mancanza di pagamento: i contenuti relativi a {numbers}.",
        box_locked="Bloccati fino al pagamento: i contenuti relativi a {numbers}.",
    ),
    customer=LockWords(
        announced="In mancanza di pagamento entro tale data, con il prossimo sollecito bloccheremo l’accesso ai "
        "contenuti di tutti i Suoi contratti. La Sua area clienti e le Sue fatture restano accessibili.",
        locked="Come annunciato, l’accesso ai contenuti di tutti i Suoi contratti è bloccato da oggi. Sarà riaperto "
        "non appena riceveremo il Suo pagamento.",
        box_announced="Bloccati con il prossimo sollecito, in mancanza di pagamento: i contenuti di tutti i Suoi "
        "contratti. Non pagato: {numbers}.",
        box_locked="Bloccati fino al pagamento: i contenuti di tutti i Suoi contratti. Non pagato: {numbers}.",
    ),
)

SPANISH = Wording(
    subjects=("Recordatorio de pago", "Segundo recordatorio", "Último recordatorio"),
    greeting="Hola, {name}:",
    opening=(
        "es fácil que algo se pase por alto: hasta hoy no nos consta ningún pago de las facturas indicadas más "
        "abajo.",
        "tras nuestro recordatorio seguimos sin haber recibido el pago. Las facturas indicadas más abajo continúan "
        "pendientes.",
        "a pesar de nuestros recordatorios, las facturas indicadas más abajo siguen pendientes.",
    ),
    business_opening="hasta hoy no nos consta ningún pago de las facturas indicadas más abajo.",
    pay=(
        "Le rogamos que abone el importe pendiente de {total} a más tardar el {pay_until}.",
        "Le rogamos que pague {total} a más tardar el {pay_until}.",
        "Le rogamos que pague {total} a más tardar el {pay_until}.",
    ),
    fees="Incluye gastos de reclamación: {fees}.",
    interest="Incluye intereses de demora: {interest} (§ 288 BGB, Código Civil alemán).",
    flat="Incluye la indemnización a tanto alzado por demora: {flat} (§ 288, ap. 5, BGB).",
    agency="Si el importe no se recibe en ese plazo y usted no ha impugnado la deuda, la entregaremos sin más aviso a "
    "una empresa de recobro. Esto puede suponerle gastos adicionales.",
    business_agency="Si el importe no se recibe en ese plazo, y salvo que la deuda haya sido impugnada, la "
    "entregaremos sin más aviso a una empresa de recobro. Los gastos corren a cargo del deudor en mora.",
    meantime=(
        "Si ya ha pagado, no tenga en cuenta esta carta. Si hay algún error o no puede pagar en este momento, "
        "póngase en contacto con nosotros: encontraremos una solución.",
        "Si ya ha pagado, no tenga en cuenta esta carta. Si considera que la factura es incorrecta, le rogamos que "
        "nos lo comunique.",
        "Si ya ha pagado, no tenga en cuenta esta carta.",
    ),
    business_meantime="Si ya ha pagado, no tenga en cuenta esta carta. Si le falta alguna factura o hay algún error, "
    "le rogamos que nos lo comunique.",
    contract=LockWords(
        announced="Si el importe no se recibe en ese plazo, con el próximo recordatorio bloquearemos el acceso a los "
        "contenidos no pagados de estas facturas. Lo que ya ha pagado seguirá abierto, al igual que su área de "
        "cliente.",
        locked="Tal como anunciamos, el acceso a los contenidos no pagados de estas facturas queda bloqueado desde "
        "hoy. Se volverá a abrir en cuanto recibamos su pago.",
        box_announced="Se bloquearán con el próximo recordatorio, si no se recibe el pago: los contenidos de "
        "{numbers}.",
        box_locked="Bloqueados hasta el pago: los contenidos correspondientes a {numbers}.",
    ),
    customer=LockWords(
        announced="Si el importe no se recibe en ese plazo, con el próximo recordatorio bloquearemos el acceso a los "
        "contenidos de todos sus contratos. Su área de cliente y sus facturas seguirán abiertas.",
        locked="Tal como anunciamos, el acceso a los contenidos de todos sus contratos queda bloqueado desde hoy. Se "
        "volverá a abrir en cuanto recibamos su pago.",
        box_announced="Se bloquearán con el próximo recordatorio, si no se recibe el pago: los contenidos de todos "
        "sus contratos. Pendiente: {numbers}.",
        box_locked="Bloqueados hasta el pago: los contenidos de todos sus contratos. Pendiente: {numbers}.",
    ),
)

DUTCH = Wording(
    subjects=("Betalingsherinnering", "Tweede herinnering", "Laatste aanmaning"),
    greeting="Geachte {name},",
    opening=(
        "het kan gebeuren dat iets aan de aandacht ontsnapt: wij hebben tot op heden geen betaling ontvangen voor de "
        "hieronder vermelde facturen.",
        "na onze herinnering hebben wij nog geen betaling ontvangen. De hieronder vermelde facturen staan nog open.",
        "ondanks onze aanmaningen staan de hieronder vermelde facturen nog open.",
    ),
    business_opening="wij hebben tot op heden geen betaling ontvangen voor de hieronder vermelde facturen.",
    pay=(
        "Wij verzoeken u het openstaande bedrag van {total} uiterlijk op {pay_until} over te maken.",
        "Wij verzoeken u {total} uiterlijk op {pay_until} te betalen.",
        "Wij verzoeken u {total} uiterlijk op {pay_until} te betalen.",
    ),
    fees="Waarvan aanmaningskosten: {fees}.",
    interest="Waarvan vertragingsrente: {interest} (§ 288 BGB, Duits burgerlijk wetboek).",
    flat="Waarvan forfaitaire vergoeding wegens vertraging: {flat} (§ 288, lid 5, BGB).",
    agency="Is het bedrag dan niet ontvangen en hebt u de vordering niet betwist, dan dragen wij deze zonder verdere "
    "aanmaning over aan een incassobureau. Daardoor kunnen voor u extra kosten ontstaan.",
    business_agency="Is het bedrag dan niet ontvangen en is de vordering niet betwist, dan dragen wij deze zonder "
    "verdere aanmaning over aan een incassobureau. De kosten zijn voor rekening van de schuldenaar in verzuim.",
    meantime=(
        "Hebt u inmiddels betaald, dan kunt u deze brief als niet verzonden beschouwen. Klopt er iets niet of kunt u "
        "op dit moment niet betalen, neem dan contact met ons op: wij vinden een oplossing.",
        "Hebt u inmiddels betaald, dan kunt u deze brief als niet verzonden beschouwen. Is de factuur volgens u "
        "onjuist, laat het ons dan weten.",
        "Hebt u inmiddels betaald, dan kunt u deze brief als niet verzonden beschouwen.",
    ),
    business_meantime="Hebt u inmiddels betaald, dan kunt u deze brief als niet verzonden beschouwen. Ontbreekt er "
    "een factuur of klopt er iets niet, laat het ons dan weten.",
    contract=LockWords(
        announced="Is het bedrag dan niet ontvangen, dan blokkeren wij met de volgende aanmaning de toegang tot de "
        "inhoud die met deze facturen niet is betaald. Wat u hebt betaald, blijft toegankelijk, evenals uw account.",
        locked="Zoals aangekondigd is de toegang tot de inhoud die met deze facturen niet is betaald, vanaf vandaag "
        "geblokkeerd. Zodra uw betaling binnen is, wordt de toegang weer geopend.",
        box_announced="Met de volgende aanmaning geblokkeerd, als er geen betaling komt: de inhoud die hoort bij "
        "{numbers}.",
        box_locked="Geblokkeerd tot betaling: de inhoud die hoort bij {numbers}.",
    ),
    customer=LockWords(
        announced="Is het bedrag dan niet ontvangen, dan blokkeren wij met de volgende aanmaning de toegang tot de "
        "inhoud van al uw contracten. Uw account en uw facturen blijven toegankelijk.",
        locked="Zoals aangekondigd is de toegang tot de inhoud van al uw contracten vanaf vandaag geblokkeerd. Zodra "
        "uw betaling binnen is, wordt de toegang weer geopend.",
        box_announced="Met de volgende aanmaning geblokkeerd, als er geen betaling komt: de inhoud van al uw "
        "contracten. Onbetaald: {numbers}.",
        box_locked="Geblokkeerd tot betaling: de inhoud van al uw contracten. Onbetaald: {numbers}.",
    ),
)
