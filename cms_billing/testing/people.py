"""Invented German customers with running contracts, any number of them, the same for the same seed.

No library of names: what it makes must not change with somebody else's release.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from stdnum.iso7064 import mod_11_10

from cms_billing.memberships.schedule import add_months


def _words(text: str, between: str | None = None) -> list[str]:
    return [word.strip() for word in text.split(between)]


FIRST_NAMES = _words("""
Anna Lena Marie Sophie Laura Julia Sarah Lisa Katharina Johanna Clara Emma Mia Hannah Charlotte Paula Greta
Frieda Ida Martha Helga Ursula Renate Monika Sabine Petra Andrea Claudia Susanne Birgit Heike Martina Silke
Anja Nicole Tanja Ayşe Elif Zeynep Olga Agnieszka Lukas Leon Jonas Felix Paul Maximilian Jakob Emil Anton
Oskar Karl Friedrich Wilhelm Hans Günter Jürgen Dieter Manfred Klaus Wolfgang Uwe Bernd Rainer Thomas Michael
Andreas Stefan Christian Jörg Torsten Björn Sven Kai Mehmet Yusuf Piotr Dmitri André
""")
LAST_NAMES = _words("""
Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein
Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier
Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller
Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke
Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß
Seidel Heinrich Brandt Haas Schreiber Graf Dietrich Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann Yılmaz
Kaya Nowak Kowalski Nguyen
""")
STREETS = _words("""
Hauptstraße Bahnhofstraße Gartenstraße Schulstraße Dorfstraße Bergstraße Lindenstraße Kirchstraße Waldstraße
Ringstraße Birkenweg Ahornweg Amselweg Rosenweg Wiesenweg Mühlenweg Goethestraße Schillerstraße Mozartstraße
Beethovenstraße Bachstraße Uhlandstraße Jahnstraße Friedhofstraße Poststraße Marktplatz Kastanienallee
Buchenallee
""")
PLACES = (
    """
01067 Dresden|04109 Leipzig|06108 Halle (Saale)|07743 Jena|09111 Chemnitz|10115 Berlin|12043 Berlin|13347 Berlin
14467 Potsdam|18055 Rostock|19053 Schwerin|20095 Hamburg|22765 Hamburg|23552 Lübeck|24103 Kiel|26122 Oldenburg
28195 Bremen|30159 Hannover|33602 Bielefeld|34117 Kassel|37073 Göttingen|38100 Braunschweig|39104 Magdeburg
40213 Düsseldorf|42103 Wuppertal|44135 Dortmund|45127 Essen|48143 Münster|49074 Osnabrück|50667 Köln|52062 Aachen
53111 Bonn|54290 Trier|55116 Mainz|57072 Siegen|60311 Frankfurt am Main|64283 Darmstadt|66111 Saarbrücken
68159 Mannheim|69117 Heidelberg|70173 Stuttgart|72070 Tübingen|76133 Karlsruhe|78462 Konstanz|79098 Freiburg im Breisgau
80331 München|86150 Augsburg|87435 Kempten (Allgäu)|89073 Ulm|90402 Nürnberg|93047 Regensburg|94032 Passau
97070 Würzburg|99084 Erfurt
""".strip()
    .replace("\n", "|")
    .split("|")
)
TRADES = [
    "Musikschule",
    "Klavierhaus",
    "Gitarrenbau",
    "Tonstudio",
    "Buchhandlung",
    "Chorverband",
    "Kulturbüro",
]
LEGAL_FORMS = ["GmbH", "e. V.", "OHG", "GbR", "e. K.", "KG"]
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ş": "s", "ı": "i", "é": "e", "ğ": "g"})


@dataclass(frozen=True)
class Offer:
    """A plan by its code, what it cost over the years (newest first), months of a period, and instalments."""

    plan: str
    prices: tuple[str, ...]
    months: int
    share: int
    instalments: int = 0


OFFERS = (
    Offer("monat", ("9,90", "8,90"), months=1, share=62),
    Offer("jahr", ("99,00", "89,00"), months=12, share=26),
    Offer("kurs-raten", ("252,00",), months=1, share=12, instalments=6),
)
COLUMNS = (
    "customer_number", "kind", "company", "first_name", "last_name", "street", "postal_code", "city", "country",
    "email", "language", "vat_id", "plan", "contract_number", "start", "next_due", "price", "currency", "quantity",
)  # fmt: skip
# Every first period falls into so many days, so that one run at their end bills each contract exactly once.
DUE_DAYS = 28


def contract_lines(count: int, *, seed: int, due_from: date) -> Iterator[dict[str, str]]:
    """One line a contract, as ``import_contracts`` reads them: written the German way.

    Every contract is due once in the ``DUE_DAYS`` days from ``due_from`` on.
    """
    chance = random.Random(f"{seed} {due_from}")
    for number in range(1, count + 1):
        yield _customer(chance, number) | _contract(chance, number, due_from)


def _customer(chance: random.Random, number: int) -> dict[str, str]:
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    place = chance.choice(PLACES).split(" ", 1)
    is_business = chance.random() < 0.08
    company = f"{chance.choice(TRADES)} {last} {chance.choice(LEGAL_FORMS)}" if is_business else ""
    house = f"{chance.randint(1, 140)}{chance.choice('abc') if chance.random() < 0.1 else ''}"
    mailbox = f"{first}.{last}".lower().translate(_PLAIN)
    digits = f"{chance.randint(1, 9)}{chance.randint(0, 9_999_999):07}"
    has_vat_id = is_business and chance.random() < 0.6
    return {
        "customer_number": f"K-{number:06}",
        "kind": "business" if is_business else "consumer",
        "company": company,
        "first_name": first,
        "last_name": last,
        "street": f"{chance.choice(STREETS)} {house}",
        "postal_code": place[0],
        "city": place[1],
        "country": "DE",
        "email": f"{mailbox}.{number}@example.org",
        "language": "en" if chance.random() < 0.04 else "de",
        "vat_id": f"DE{digits}{mod_11_10.calc_check_digit(digits)}" if has_vat_id else "",
    }


def _contract(chance: random.Random, number: int, due_from: date) -> dict[str, str]:
    offer = chance.choices(OFFERS, weights=[offer.share for offer in OFFERS])[0]
    due = _due_day(chance, due_from)
    most = offer.instalments - 1 if offer.instalments else 96 // offer.months
    # Begun weeks before the first day, so that an import a little earlier finds them all running.
    periods = chance.randint(1 if offer.months == 12 else 2, most)
    return {
        "plan": offer.plan,
        "contract_number": f"V-{number:06}",
        "start": _german(add_months(due, -periods * offer.months)),
        "next_due": _german(due),
        "price": offer.prices[-1] if periods * offer.months > 36 else offer.prices[0],
        "currency": "EUR",
        "quantity": "1",
    }


def _due_day(chance: random.Random, due_from: date) -> date:
    """Not after the 28th: each month has the day, so that the start follows from it."""
    while True:
        day = due_from + timedelta(days=chance.randrange(DUE_DAYS))
        if day.day <= 28:
            return day


def _german(day: date) -> str:
    return f"{day:%d.%m.%Y}"
