"""The money side: what is sold and opens which page, who bought what, and four months of history.

Nothing of the history is written by hand: the clock is set to each day in turn, contracts are signed, money
comes in, and the real daily run does the rest, invoices, mails and reminders included.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django_q.models import OrmQ
from oscar.core.loading import get_model
from wagtail.models import Page, Site

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.daily.models import DailyRun
from cms_billing.daily.services import run_daily
from cms_billing.faktura.models import (
    Customer,
    Document,
    DocumentKind,
    Issuer,
    OpenItem,
)
from cms_billing.memberships.models import Contract, Plan, PlanPrice
from cms_billing.memberships.services import sign_contract, terminate_contract
from cms_billing.payments.services import record_payment
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.terms import OpensTo, Preview, RuleTerms
from cms_billing.shop.models import CheckoutSettings, PartnerIssuer, PlanProduct, ProductClassTax

from .arrears import settle_situations
from .books import live_with_books
from .cards import hear_from_providers, store_card
from .collection import live_with_collection
from .content import COURSE, LAST_LESSON, LONGER_PREVIEW, MEMBERS_SECTION, SAMPLE_LESSON
from .papers import live_with_papers
from .people import MEMBERS, Person, account
from .sellers import ACADEMY, STUDIO, build_sellers
from .shop import BOOK, PARTNER_CODE

Report = Callable[[str], None]

DAYS = 120
LAST_LESSON_AFTER_DAYS = 84
REPORTED = (1, 11, 21)
MORNING = time(6)
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class PlanOnSale:
    code: str
    name: str
    kind: str
    interval: str
    price: str
    issuer: str = ACADEMY
    instalments: int = 1


PLANS = [
    PlanOnSale("monat", "Mitgliedschaft monatlich", "membership", "monthly", "9.90"),
    PlanOnSale("jahr", "Mitgliedschaft jährlich", "membership", "yearly", "99.00"),
    PlanOnSale("kurs", "Kurs „Songwriting in sechs Wochen“", "course", "once", "240.00"),
    PlanOnSale(
        "kurs-raten",
        "Kurs „Songwriting in sechs Wochen“ in sechs Raten",
        "course",
        "instalments",
        "252.00",
        instalments=6,
    ),
    PlanOnSale("stimme", "Stimmbildung, monatlich", "membership", "monthly", "48.00", issuer=STUDIO),
]


PRODUCTS = {
    "monat": "MITGLIED-MONAT",
    "jahr": "MITGLIED-JAHR",
    "kurs": "KURS-SONGWRITING",
    "kurs-raten": "KURS-SONGWRITING-RATEN",
}


@dataclass(frozen=True)
class Story:
    """One contract: signed ``days_ago``, each invoice paid some days after it came.

    From the ``unpaid_from``-th invoice on nothing more is paid; with ``pays_only`` the money that comes is less than
    what was asked for.
    """

    username: str
    plan: str
    days_ago: int
    pays_after: int = 6
    unpaid_from: int | None = None
    pays_only: str = ""
    leaves_in: int | None = None


# A month has 28 to 31 days. A first reminder goes out 21 days after the invoice, the second at 35, the third, which
# locks, at 49; ten days later the case is ready for collection.
STORIES = [
    Story("mitglied", "monat", 104),
    Story("mitglied", "kurs-raten", 88),
    Story("rueckstand1", "monat", 86, unpaid_from=3),
    Story("rueckstand2", "monat", 101, unpaid_from=3),
    Story("rueckstand3", "monat", 113, unpaid_from=3),
    Story("gesperrt", "monat", 118, unpaid_from=2),
    Story("zusage", "monat", 100, unpaid_from=3),
    Story("raten", "kurs-raten", 112, unpaid_from=2),
    Story("widerspruch", "monat", 87, unpaid_from=3),
    # A business: interest and 40 euros from the second letter on, and everything is locked with the third.
    Story("firma", "monat", 117, unpaid_from=2),
    Story("firma", "kurs-raten", 60, unpaid_from=1),
    # Handed over after the third letter; what of it is said in ``collection``.
    Story("inkasso", "monat", 119, unpaid_from=1),
    Story("jaekel", "jahr", 97),
    Story("petersen", "monat", 92, pays_after=25),
    Story("kowalski", "jahr", 81, pays_after=13),
    Story("brandt", "jahr", 45, pays_only="50.00"),
    Story("yilmaz", "monat", 59, pays_after=3),
    Story("schuster", "jahr", 64),
    Story("nowak", "kurs-raten", 95, pays_after=9),
    Story("freitag", "kurs", 70),
    Story("gruber", "monat", 75, leaves_in=16),
    Story("hansen", "monat", 3),
    Story("petersen", "stimme", 42),
    Story("yilmaz", "stimme", 37, unpaid_from=1),
    # From here on the daily run collects; what becomes of it is said in ``cards``.
    Story("karte", "monat", 80, unpaid_from=1),
    Story("lastschrift", "monat", 66, unpaid_from=1),
    Story("leerekarte", "monat", 52, unpaid_from=1),
    Story("gestohlen", "monat", 41, unpaid_from=1),
    Story("rueckbuchung", "monat", 50, unpaid_from=1),
]


def billing_is_loaded() -> bool:
    first = first_day()
    return first is not None and DailyRun.objects.filter(day=first + timedelta(days=DAYS)).exists()


def load_billing(*, report: Report) -> None:
    """Everything below; taken up again where it was stopped."""
    build_business()
    live_through(from_day=first_day() or clock.today() - timedelta(days=DAYS), report=report)


@transaction.atomic
def build_business() -> None:
    build_sellers()
    build_plans()
    close_pages()
    tie_shop()


def first_day() -> date | None:
    return DailyRun.objects.order_by("day").values_list("day", flat=True).first()


# -- what is sold -------------------------------------------------------------------------------------------------


def build_plans() -> None:
    for on_sale in PLANS:
        plan, created = Plan.objects.get_or_create(
            issuer=Issuer.objects.get(name=on_sale.issuer),
            code=on_sale.code,
            defaults={
                "name": on_sale.name,
                "kind": on_sale.kind,
                "interval": on_sale.interval,
                "instalments": on_sale.instalments,
            },
        )
        if created:
            PlanPrice.objects.create(
                plan=plan, valid_from=date(2024, 1, 1), amount_minor=Money.of(on_sale.price, "EUR").minor
            )


def close_pages() -> None:
    """The members' section and the course are sold; the course's first lesson is a free sample, its last one comes when
    there was time for the others. One article shows its beginning in place of a teaser. Two articles a month are free
    for everybody, and members give three away."""
    sell(MEMBERS_SECTION, plans=["monat", "jahr"], terms=RuleTerms(quota=2, gifts=3))
    sell(COURSE, plans=["kurs", "kurs-raten"])
    set_rule(page=Page.objects.get(slug=SAMPLE_LESSON), terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    later = RuleTerms(
        opens_to=OpensTo.SECTION, preview=Preview.SECTION, opens_after_days=LAST_LESSON_AFTER_DAYS
    )
    set_rule(page=Page.objects.get(slug=LAST_LESSON), terms=later)
    beginning = RuleTerms(opens_to=OpensTo.SECTION, preview=Preview.DIVIDER)
    set_rule(page=Page.objects.get(slug=LONGER_PREVIEW), terms=beginning)


def sell(slug: str, *, plans: Sequence[str], terms: RuleTerms | None = None) -> None:
    set_rule(page=Page.objects.get(slug=slug), plans=Plan.objects.filter(code__in=plans), terms=terms)


def tie_shop() -> None:
    """Which product sells which plan, whose invoice an order becomes, and where the legal texts stand."""
    academy = Issuer.objects.get(name=ACADEMY)
    partner = get_model("partner", "Partner").objects.get(code=PARTNER_CODE)
    PartnerIssuer.objects.get_or_create(partner=partner, defaults={"issuer": academy})
    books = get_model("catalogue", "ProductClass").objects.get(slug=BOOK.slug)
    ProductClassTax.objects.get_or_create(product_class=books, defaults={"tax_code": "reduced"})
    products = get_model("catalogue", "Product").objects
    for code, sku in PRODUCTS.items():
        PlanProduct.objects.get_or_create(product=products.get(upc=sku), defaults={"plan": plan_named(code)})
    CheckoutSettings.objects.update_or_create(
        site=Site.objects.get(is_default_site=True),
        defaults={
            "terms_page": Page.objects.get(slug="agb"),
            "privacy_page": Page.objects.get(slug="datenschutz"),
            "withdrawal_page": Page.objects.get(slug="widerruf"),
        },
    )


# -- four months --------------------------------------------------------------------------------------------------


def live_through(*, from_day: date, report: Report) -> None:
    last_day = from_day + timedelta(days=DAYS)
    logging.getLogger("django-q").setLevel(logging.WARNING)
    for day in days_to_live(from_day, last_day):
        with clock.frozen(morning_of(day)):
            hear_from_providers()
            live_with_books(day, last_day=last_day)
            for issuer in Issuer.objects.all():
                live_one_day(issuer, day, last_day=last_day)
        if day.day in REPORTED or day == last_day:
            report(f"  {date_format(day, 'j. F Y')}: {told(day)}")
    # The work is done: what the queue still hints at is old.
    OrmQ.objects.all().delete()


def days_to_live(first: date, last: date) -> Iterator[date]:
    """Those without a finished run, so that a load that was stopped goes on where it was."""
    finished = DailyRun.objects.filter(state=DailyRun.State.DONE).order_by("-day")
    reached = finished.values_list("day", flat=True).first()
    day = first if reached is None else reached
    while day <= last:
        yield day
        day += timedelta(days=1)


def morning_of(day: date) -> datetime:
    """Six o'clock, but never later than now: work planned for the future would be left lying."""
    return min(datetime.combine(day, MORNING, tzinfo=BERLIN), timezone.now())


def live_one_day(issuer: Issuer, day: date, *, last_day: date) -> None:
    stories = stories_with(issuer)
    for story in stories:
        if last_day - timedelta(days=story.days_ago) == day:
            sign(story, day)
    if issuer.name == ACADEMY:
        live_with_papers(issuer, day, last_day=last_day)
        live_with_collection(issuer, day, last_day=last_day)
    for item in OpenItem.objects.open().filter(document__issuer=issuer).select_related("document"):
        pay_if_they_would(item, stories, day)
    if issuer.name == ACADEMY or issuer.contracts.exists():
        run_daily(issuer=issuer, today=day)
    if day == last_day:
        settle_situations(issuer, day)


def stories_with(issuer: Issuer) -> list[Story]:
    plans = {on_sale.code for on_sale in PLANS if on_sale.issuer == issuer.name}
    return [story for story in STORIES if story.plan in plans]


def sign(story: Story, day: date) -> None:
    plan = plan_named(story.plan)
    customer = customer_of(story.username, plan.issuer)
    if Contract.objects.filter(customer=customer, plan=plan).exists():
        return
    store_card(story.username, customer)
    contract = sign_contract(customer=customer, plan=plan, start=day, today=day)
    if story.leaves_in is not None:
        last = day + timedelta(days=story.days_ago + story.leaves_in)
        terminate_contract(contract_id=contract.pk, last_day=last, today=day, reason="Kündigung per E-Mail")


def pay_if_they_would(item: OpenItem, stories: Sequence[Story], day: date) -> None:
    document = item.document
    story = story_of(document, stories)
    if story is None or (day - document.issued_on).days < story.pays_after:
        return
    if story.unpaid_from is not None and position_of(document) >= story.unpaid_from:
        return
    if story.pays_only and item.open_minor != document.gross_minor:
        return
    record_payment(
        customer_id=document.customer_id,
        amount=Money.of(story.pays_only, "EUR") if story.pays_only else item.open_amount,
        received_on=day,
        way="transfer",
        today=day,
        documents=[document],
    )


def story_of(document: Document, stories: Sequence[Story]) -> Story | None:
    username = document.customer.user.username if document.customer.user else ""
    return next((story for story in stories if story.username == username), None)


def position_of(document: Document) -> int:
    """The how many-th invoice of the customer it is."""
    invoices = Document.objects.filter(customer_id=document.customer_id, kind=DocumentKind.INVOICE)
    return invoices.filter(pk__lte=document.pk).count()


def told(day: date) -> str:
    runs = DailyRun.objects.filter(day__lte=day)
    invoices = Document.objects.filter(kind=DocumentKind.INVOICE).count()
    letters = Document.objects.filter(kind=DocumentKind.DUNNING_LETTER).count()
    days = runs.values("day").distinct().count()
    return f"{days} Tage, {invoices} Rechnungen, {letters} Mahnungen"


def plan_named(code: str) -> Plan:
    return Plan.objects.select_related("issuer").get(code=code)


def customer_of(username: str, issuer: Issuer) -> Customer:
    person = person_named(username)
    customer, _ = Customer.objects.get_or_create(
        issuer=issuer,
        user=account(username),
        defaults={
            "number": f"K-{10001 + MEMBERS.index(person)}",
            "kind": Customer.Kind.BUSINESS if person.company else Customer.Kind.CONSUMER,
            "company": person.company,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "street": person.street,
            "postal_code": person.postcode,
            "city": person.city,
            "email": person.email,
        },
    )
    return customer


def person_named(username: str) -> Person:
    return next(person for person in MEMBERS if person.username == username)
