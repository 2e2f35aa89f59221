"""The accounts: those who work at the academy and those who pay it."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from oscar.core.loading import get_model

from cms_billing.core.roles import ACCOUNTANTS, AUDITORS, EDITORS, Role

from .shop import PARTNER_CODE


@dataclass(frozen=True)
class Person:
    username: str
    first_name: str
    last_name: str
    role: str
    street: str = ""
    postcode: str = ""
    city: str = ""
    company: str = ""

    @property
    def email(self) -> str:
        return f"{self.username}@saitenweg.example"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


STAFF = [
    Person("admin", "Hanne", "Brockdorf", "darf alles"),
    Person("redaktion", "Nele", "Wiechert", "schreibt und veröffentlicht Seiten"),
    Person("buchhaltung", "Ruth", "Sandmann", "Rechnungen, Zahlungen, Mahnungen"),
    Person("rechnungen", "Jonas", "Friedrichs", "schreibt Rechnungsentwürfe, verschickt Belege"),
    Person("pruefung", "Elke", "Thomsen", "sieht alles der Abrechnung, ändert nichts"),
    Person("verkauf", "Mira", "Adler", "verkauft im Shop"),
]

SHOWN_MEMBERS = [
    Person("mitglied", "Klara", "Voss", "alles bezahlt", "Möwenweg 3", "22559", "Hamburg"),
    Person("rueckstand1", "Timo", "Hagedorn", "erste Mahnung", "Am Deich 21", "26382", "Wilhelmshaven"),
    Person("rueckstand2", "Ayşe", "Demir", "zweite Mahnung", "Torfgasse 8", "28203", "Bremen"),
    Person("rueckstand3", "Peter", "Lindner", "dritte Mahnung", "Ulmenring 44", "30177", "Hannover"),
    Person("gesperrt", "Bettina", "Ohlsen", "gesperrt", "Fährstraße 11", "24103", "Kiel"),
]

LEARNERS = [
    Person("nowak", "Anton", "Nowak", "hat den Kurs abgeschlossen", "Mühlpfad 9", "04229", "Leipzig"),
    Person("freitag", "Lena", "Freitag", "wartet auf die letzte Lektion", "Steinweg 17", "99084", "Erfurt"),
]

CARD_MEMBERS = [
    Person("karte", "Sven", "Albers", "zahlt mit Karte", "Deichweg 8", "27472", "Cuxhaven"),
    Person("lastschrift", "Gesa", "Kröger", "zahlt per Lastschrift", "Süderende 14", "25938", "Wyk auf Föhr"),
    Person("leerekarte", "Jens", "Paulsen", "Karte ohne Deckung", "Holzmarkt 3", "18055", "Rostock"),
    Person("gestohlen", "Marta", "Weiland", "Karte gesperrt", "Bachgasse 22", "35037", "Marburg"),
    Person("rueckbuchung", "Olaf", "Rickmers", "holt sein Geld zurück", "Alter Hafen 1", "26931", "Elsfleth"),
]

OTHER_MEMBERS = [
    Person("jaekel", "Martin", "Jaekel", "Mitglied", "Buchenstieg 6", "22391", "Hamburg"),
    Person("petersen", "Inga", "Petersen", "Mitglied", "Hafenzeile 19", "23966", "Wismar"),
    Person("kowalski", "Dorota", "Kowalski", "Mitglied", "Lindenplatz 2", "10119", "Berlin"),
    Person("brandt", "Heiko", "Brandt", "Mitglied", "Am Wehr 5", "37073", "Göttingen"),
    Person("yilmaz", "Deniz", "Yılmaz", "Mitglied", "Rosenhag 30", "50674", "Köln"),
    Person("schuster", "Evelyn", "Schuster", "Mitglied", "Talblick 12", "79104", "Freiburg"),
    Person("gruber", "Josef", "Gruber", "Mitglied", "Kirchsteig 1", "80469", "München"),
    Person("hansen", "Birte", "Hansen", "Mitglied", "Osterkoppel 4", "24937", "Flensburg"),
]

# What became of them is said in ``arrears``.
LATE_MEMBERS = [
    Person("zusage", "Karin", "Behrens", "hat Zahlung zugesagt", "Bleichweg 5", "24937", "Flensburg"),
    Person("raten", "Emil", "Franke", "zahlt den Rückstand in Raten", "Marktgang 9", "06108", "Halle (Saale)"),
    Person("widerspruch", "Nora", "Seidel", "bestreitet die Rechnung", "Wallstraße 31", "48143", "Münster"),
    Person(
        "firma", "Ole", "Brinkmann", "Geschäftskunde, ganz gesperrt", "Speicherkai 4", "28217", "Bremen",
        company="Brinkmann Veranstaltungstechnik GmbH",
    ),
    Person("inkasso", "Gerd", "Ahrens", "Forderung beim Inkassobüro", "Querweg 16", "24937", "Flensburg"),
]  # fmt: skip

MEMBERS = [*SHOWN_MEMBERS, *LEARNERS, *OTHER_MEMBERS, *CARD_MEMBERS, *LATE_MEMBERS]
SHOWN = [*STAFF, *SHOWN_MEMBERS, *LEARNERS, *CARD_MEMBERS, *LATE_MEMBERS]


def people_are_loaded() -> bool:
    return get_user_model().objects.filter(username=MEMBERS[-1].username).exists()


def load_people() -> None:
    password = make_password(settings.SANDBOX_PASSWORD)
    for person in [*STAFF, *MEMBERS]:
        build_account(person, password=password)
    make_admin("admin")
    make_editor("redaktion")
    for username, role in (("buchhaltung", ACCOUNTANTS), ("rechnungen", EDITORS), ("pruefung", AUDITORS)):
        give_role(username, role)
    make_seller("verkauf")


def build_account(person: Person, *, password: str) -> None:
    user, _ = get_user_model().objects.get_or_create(
        username=person.username,
        defaults={
            "email": person.email,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "password": password,
        },
    )
    if person.street:
        user.addresses.get_or_create(
            line1=person.street,
            defaults={
                "first_name": person.first_name,
                "last_name": person.last_name,
                "line4": person.city,
                "postcode": person.postcode,
                "country_id": "DE",
                "is_default_for_shipping": True,
                "is_default_for_billing": True,
            },
        )


def account(username: str):
    return get_user_model().objects.get(username=username)


def make_admin(username: str) -> None:
    get_user_model().objects.filter(username=username).update(is_staff=True, is_superuser=True)


def make_editor(username: str) -> None:
    account(username).groups.add(*Group.objects.filter(name__in=["Editors", "Moderators"]))


def give_role(username: str, role: Role) -> None:
    """What the group may do, the package decides; whose papers it sees, ``billing``."""
    group, _ = Group.objects.get_or_create(name=role.group)
    account(username).groups.add(group)


def make_seller(username: str) -> None:
    """Sees the shop's dashboard, and in it only what her partner sells."""
    seller = account(username)
    seller.user_permissions.add(
        Permission.objects.get(codename="dashboard_access", content_type__app_label="partner")
    )
    get_model("partner", "Partner").objects.get(code=PARTNER_CODE).users.add(seller)
