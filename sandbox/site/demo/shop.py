"""The shop: a partner, three kinds of products, and what the academy sells."""

import warnings
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from oscar.core.loading import get_model

from .artwork import draw_cover
from .texts import rich

PARTNER_CODE = "saitenweg"
SQUARE = (900, 900)


@dataclass(frozen=True)
class Kind:
    name: str
    slug: str
    category: str
    requires_shipping: bool
    track_stock: bool
    attributes: dict[str, str]


@dataclass(frozen=True)
class Item:
    sku: str
    title: str
    kind: str
    price: Decimal
    art: str
    description: str
    facts: dict[str, str] = field(default_factory=dict)
    stock: int | None = None


BOOK = Kind(
    name="Buch",
    slug="buch",
    category="Bücher",
    requires_shipping=True,
    track_stock=True,
    attributes={"autor": "Von", "umfang": "Umfang", "steuer": "Umsatzsteuer"},
)
MEMBERSHIP = Kind(
    name="Mitgliedschaft",
    slug="mitgliedschaft",
    category="Mitgliedschaft",
    requires_shipping=False,
    track_stock=False,
    attributes={
        "preisangabe": "Preis",
        "laufzeit": "Laufzeit",
        "kuendigung": "Kündigung",
        "steuer": "Umsatzsteuer",
    },
)
COURSE = Kind(
    name="Kurs",
    slug="kurs",
    category="Kurse",
    requires_shipping=False,
    track_stock=False,
    attributes={"preisangabe": "Preis", "umfang": "Umfang", "zahlung": "Zahlung", "steuer": "Umsatzsteuer"},
)
KINDS = [MEMBERSHIP, COURSE, BOOK]

ITEMS = [
    Item(
        sku="MITGLIED-MONAT",
        title="Mitgliedschaft monatlich",
        kind="mitgliedschaft",
        price=Decimal("9.90"),
        art="month",
        description=(
            "Das ganze Magazin lesen, Monat für Monat.\n\n"
            "- alle Artikel in voller Länge\n- alle zwei Wochen ein neuer Text\n- monatlich kündbar"
        ),
        facts={
            "preisangabe": "im Monat",
            "laufzeit": "ein Monat",
            "kuendigung": "zum Ende jedes Monats",
            "steuer": "19 % im Preis enthalten",
        },
    ),
    Item(
        sku="MITGLIED-JAHR",
        title="Mitgliedschaft jährlich",
        kind="mitgliedschaft",
        price=Decimal("99.00"),
        art="year",
        description=(
            "Ein Jahr lang das ganze Magazin lesen und zwei Monate sparen.\n\n"
            "- alle Artikel in voller Länge\n- alle zwei Wochen ein neuer Text\n- eine Rechnung im Jahr"
        ),
        facts={
            "preisangabe": "im Jahr",
            "laufzeit": "zwölf Monate",
            "kuendigung": "einen Monat vor Ablauf",
            "steuer": "19 % im Preis enthalten",
        },
    ),
    Item(
        sku="KURS-SONGWRITING",
        title="Songwriting in sechs Wochen",
        kind="kurs",
        price=Decimal("240.00"),
        art="once",
        description=(
            "Vom ersten Zettel zum fertigen Lied: ein Auftakt und sechs Wochenlektionen mit Übungen.\n\n"
            "Der Kurs bleibt dauerhaft zugänglich."
        ),
        facts={
            "umfang": "sieben Lektionen",
            "preisangabe": "einmalig",
            "zahlung": "auf einmal",
            "steuer": "19 % im Preis enthalten",
        },
    ),
    Item(
        sku="KURS-SONGWRITING-RATEN",
        title="Songwriting in sechs Wochen, in Raten",
        kind="kurs",
        price=Decimal("42.00"),
        art="instalments",
        description=(
            "Derselbe Kurs, bezahlt in sechs Monatsraten zu je 42,00 €, zusammen 252,00 €. "
            "Die erste Rate ist mit der Bestellung fällig.\n\n"
            "Alle Lektionen stehen von Anfang an offen."
        ),
        facts={
            "umfang": "sieben Lektionen",
            "preisangabe": "je Rate, sechs Raten",
            "zahlung": "sechs Raten zu 42,00 €, zusammen 252,00 €",
            "steuer": "19 % im Preis enthalten",
        },
    ),
    Item(
        sku="BUCH-GRIFFE",
        title="Saitenweg: Das Griffbuch",
        kind="buch",
        price=Decimal("12.95"),
        art="book",
        stock=12,
        description=(
            "Alle Griffe des Kurses auf einen Blick: offene Akkorde, Barré, Kapodaster und Platz für eigene.\n\n"
            "Klein genug für die Gitarrentasche."
        ),
        facts={
            "autor": "Jonas Reetz",
            "umfang": "48 Seiten",
            "steuer": "7 % im Preis enthalten",
        },
    ),
    Item(
        sku="BUCH-LIEDER",
        title="Saitenweg: Das Liederbuch",
        kind="buch",
        price=Decimal("24.80"),
        art="book",
        stock=40,
        description=(
            "Vierundsechzig Lieder aus zehn Jahren Saitenweg, mit Texten, Akkorden und Griffbildern.\n\n"
            "Fadengeheftet, bleibt auf dem Notenständer offen liegen."
        ),
        facts={
            "autor": "Hanne Brockdorf und Jonas Reetz",
            "umfang": "144 Seiten",
            "steuer": "7 % im Preis enthalten",
        },
    ),
]


def shop_is_loaded() -> bool:
    return get_model("partner", "StockRecord").objects.filter(partner_sku=ITEMS[-1].sku).exists()


def load_shop() -> None:
    ship_to("DE", "Deutschland", first=True)
    ship_to("AT", "Österreich")
    keep_placeholder_picture()
    partner, _ = get_model("partner", "Partner").objects.get_or_create(
        code=PARTNER_CODE, defaults={"name": "Saitenweg Akademie"}
    )
    warnings.filterwarnings("ignore", message=".* is not implemented in this backend", module="haystack")
    shelves = {kind.slug: build_kind(kind) for kind in KINDS}
    for item in ITEMS:
        build_product(item, partner, *shelves[item.kind])


def ship_to(code: str, name: str, *, first: bool = False) -> None:
    get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2=code,
        defaults={
            "printable_name": name,
            "name": name,
            "is_shipping_country": True,
            "display_order": 1 if first else 0,
        },
    )


def keep_placeholder_picture() -> None:
    """Oscar shows this file for a product without a picture."""
    path = Path(settings.MEDIA_ROOT) / settings.OSCAR_MISSING_IMAGE_URL
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(draw_cover("threads", size=SQUARE))


def build_kind(kind: Kind):
    """The product class and the category a product of this kind is shown in."""
    product_class, _ = get_model("catalogue", "ProductClass").objects.get_or_create(
        slug=kind.slug,
        defaults={
            "name": kind.name,
            "requires_shipping": kind.requires_shipping,
            "track_stock": kind.track_stock,
        },
    )
    for code, label in kind.attributes.items():
        product_class.attributes.get_or_create(code=code, defaults={"name": label, "type": "text"})
    categories = get_model("catalogue", "Category")
    category = categories.objects.filter(name=kind.category).first() or categories.add_root(
        name=kind.category
    )
    return product_class, category


def build_product(item: Item, partner, product_class, category) -> None:
    product = get_model("catalogue", "Product")(
        structure="standalone",
        upc=item.sku,
        title=item.title,
        product_class=product_class,
        description=rich(item.description),
        meta_description=item.description.split("\n")[0],
    )
    for code, value in item.facts.items():
        setattr(product.attr, code, value)
    product.save()
    product.categories.add(category)
    product.images.create(
        original=ContentFile(draw_cover(item.art, size=SQUARE), name=f"{item.art}.jpg"),
        caption=item.title,
    )
    product.stockrecords.create(
        partner=partner,
        partner_sku=item.sku,
        price=item.price,
        price_currency="EUR",
        num_in_stock=item.stock,
    )
