"""The agency that gets what three letters did not bring, and a claim that is there already."""

from datetime import date, timedelta

from cms_billing.core.money import Money
from cms_billing.dunning.models import Agency, AgencyStatusWord, Case, HandOverClaim
from cms_billing.dunning.services import hand_over
from cms_billing.faktura.models import Issuer
from cms_billing.payments.services import record_payment

from .people import account

DEBTOR = "inkasso"
# Days before the last one.
HANDED_OVER = 40
PAID_US = 25

WORDS = {
    "in Bearbeitung": "in_progress",
    "bezahlt": "paid",
    "uneinbringlich": "uncollectable",
    "Akte geschlossen": "closed",
}


def build_agency(issuer: Issuer) -> None:
    agency, created = Agency.objects.get_or_create(
        issuer=issuer,
        slug="nordwind",
        defaults={
            "name": "Nordwind Inkasso (erfunden)",
            "client_number": "M-20417",
            "street": "Deichtor 7",
            "postal_code": "20095",
            "city": "Hamburg",
            "email": "mandanten@nordwind.example",
            "phone": "040 66969 700",
            "is_default": True,
        },
    )
    if created:
        AgencyStatusWord.objects.bulk_create(
            AgencyStatusWord(agency=agency, word=word, status=status) for word, status in WORDS.items()
        )


def live_with_collection(issuer: Issuer, day: date, *, last_day: date) -> None:
    """Released once; later the debtor pays a part to us all the same, which the next file tells the agency."""
    if last_day - timedelta(days=HANDED_OVER) == day:
        release(issuer, day)
    elif last_day - timedelta(days=PAID_US) == day:
        pay_us(issuer, day)


def release(issuer: Issuer, day: date) -> None:
    ready = Case.objects.filter(
        issuer=issuer, customer__user__username=DEBTOR, state=Case.State.READY_FOR_COLLECTION
    )
    ids = list(ready.values_list("pk", flat=True))
    if ids:
        agency = Agency.objects.get(issuer=issuer, slug="nordwind")
        hand_over(case_ids=ids, agency_id=agency.pk, today=day, user=account("buchhaltung"))


def pay_us(issuer: Issuer, day: date) -> None:
    for claim in HandOverClaim.objects.filter(issuer=issuer, customer__user__username=DEBTOR):
        if not claim.document.ledger_entries.filter(kind="payment").exists():
            record_payment(
                customer_id=claim.customer_id,
                amount=Money.of("5.00", "EUR"),
                received_on=day,
                way="transfer",
                today=day,
                documents=[claim.document],
            )
