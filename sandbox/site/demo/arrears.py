"""Those who do not pay: the page they get, and members in each situation that dunning knows."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from wagtail.models import Page

from cms_billing.dunning.models import Agreement, Case, DunningPolicy, Hold, Level
from cms_billing.dunning.services import make_instalment_plan, make_promise, set_hold
from cms_billing.faktura.models import Customer, Issuer
from cms_billing.paywall.models import ArrearsPage

from .texts import rich

PARENT = "kontakt"

TEXTS = {
    "de": {
        "title": "Hier fehlt noch Ihre Zahlung",
        "slug": "zahlung-offen",
        "introduction": "Schön, dass Sie weiterlesen möchten. Dieser Text gehört zu einem Vertrag, für den trotz "
        "unserer Erinnerungen noch eine Rechnung offen ist. Sobald sie bezahlt ist, geht es genau hier weiter.",
        "way": "Nach der Zahlung",
        "text": "Zahlen Sie online, öffnet sich die Seite sofort. Eine Überweisung sehen wir meist am nächsten "
        "Werktag. Ihre Lesezeichen und Ihr Fortschritt im Kurs bleiben, wie sie sind.",
        "contact": "Schon bezahlt, oder gerade knapp bei Kasse? Schreiben Sie uns, wir finden einen Weg:",
    },
    "en": {
        "title": "Your payment is still missing",
        "slug": "payment-missing",
        "introduction": "Good to see that you want to read on. This text belongs to a contract with an invoice that "
        "is unpaid in spite of our reminders. As soon as it is paid, you go on right here.",
        "way": "After your payment",
        "text": "If you pay online, the page opens at once. We usually see a bank transfer on the next working day. "
        "Your bookmarks and your progress in the course stay as they are.",
        "contact": "Paid already, or short of money at the moment? Write to us, we will find a way:",
    },
}


def build_arrears_pages(issuer: Issuer) -> None:
    """In German and English, below a page that no menu and no list shows the children of."""
    parent = Page.objects.get(slug=PARENT)
    for language, words in TEXTS.items():
        if not ArrearsPage.objects.filter(issuer=issuer, language=language).exists():
            parent.add_child(instance=page_for(issuer, language, words))


def page_for(issuer: Issuer, language: str, words: Mapping[str, str]) -> ArrearsPage:
    return ArrearsPage(
        issuer=issuer,
        language=language,
        title=words["title"],
        slug=f"{words['slug']}-{issuer.pk}",
        introduction=rich(words["introduction"]),
        body=[
            ("owed", None),
            ("payment", {"label": ""}),
            ("reason", None),
            ("offers", None),
            ("heading", words["way"]),
            ("text", rich(words["text"])),
            ("contact", {"text": words["contact"]}),
        ],
    )


def build_policy(issuer: Issuer) -> None:
    """Members may help themselves; businesses are locked wholly, for then they notice."""
    DunningPolicy.objects.get_or_create(
        issuer=issuer, defaults={"promise_days": 14, "instalments_max": 6, "instalment_min_minor": 500}
    )
    Level.objects.filter(procedure__issuer=issuer, procedure__customer_kind="business", number=3).update(
        lock_scope="customer"
    )


# -- on the last day ----------------------------------------------------------------------------------------------


def promise(customer: Customer, documents: list[int], today: date) -> None:
    if not Agreement.objects.filter(customer=customer).exists():
        make_promise(document_ids=documents, until=today + timedelta(days=10), today=today, note="am Telefon")


def instalments(customer: Customer, documents: list[int], today: date) -> None:
    if not Agreement.objects.filter(customer=customer).exists():
        first = today + timedelta(days=7)
        make_instalment_plan(document_ids=documents, count=3, first_on=first, today=today)


def dispute(customer: Customer, documents: list[int], today: date) -> None:
    if not Hold.objects.filter(customer=customer).exists():
        set_hold(
            customer_id=customer.pk,
            document_id=documents[0],
            kind=Hold.Kind.DISPUTE,
            reason="Hat gekündigt, sagt sie; die Kündigung wird gesucht",
            today=today,
        )


SITUATIONS: Mapping[str, Callable[[Customer, list[int], date], None]] = {
    "zusage": promise,
    "raten": instalments,
    "widerspruch": dispute,
}


def settle_situations(issuer: Issuer, today: date) -> None:
    """What was agreed with those who called, after the day's run."""
    for username, settle in SITUATIONS.items():
        cases = Case.objects.standing().filter(issuer=issuer, customer__user__username=username, level__gte=1)
        documents = list(cases.order_by("document").values_list("document", flat=True))
        if documents:
            settle(cases[0].customer, documents, today)
