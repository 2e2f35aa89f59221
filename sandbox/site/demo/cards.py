"""Members who pay by card or direct debit, at three providers that are not there."""

from dataclasses import dataclass

from cms_billing.core import clock
from cms_billing.faktura.models import Customer, Issuer
from cms_billing.payments.models import PaymentMethod, ProviderAccount
from cms_billing.testing.timemachine import DayLived, hear_the_news
from cms_billing.testing.vendors.behaviours import Behaviour
from cms_billing.testing.vendors.storing import store_on_stand_in

SHORT_NAME = "akademie"


@dataclass(frozen=True)
class Card:
    provider: str
    behaviour: Behaviour


CARDS = {
    "karte": Card("stripe", Behaviour.GOOD_CARD),
    "lastschrift": Card("stripe", Behaviour.GOOD_ACCOUNT),
    "leerekarte": Card("mollie", Behaviour.EMPTY_CARD),
    "gestohlen": Card("adyen", Behaviour.STOLEN_CARD),
    "rueckbuchung": Card("stripe", Behaviour.DISPUTED_CARD),
}


def open_accounts(issuer: Issuer) -> None:
    for provider, title, merchant in (
        ("stripe", "Karte oder SEPA-Lastschrift (Stripe)", ""),
        ("mollie", "Karte, iDEAL oder PayPal (Mollie)", ""),
        ("adyen", "Karte oder SEPA-Lastschrift (Adyen)", "SaitenwegECOM"),
    ):
        ProviderAccount.objects.get_or_create(
            provider=provider,
            slug=SHORT_NAME,
            defaults={
                "issuer": issuer,
                "title": title,
                "merchant_account": merchant,
                "requests_per_second": 100,
            },
        )


def store_card(username: str, customer: Customer) -> None:
    """On the day the member signs, if they are one who pays by card."""
    card = CARDS.get(username)
    if card is None or PaymentMethod.objects.filter(customer=customer).exists():
        return
    account = ProviderAccount.objects.get(provider=card.provider, slug=SHORT_NAME)
    store_on_stand_in(account, customer, card.behaviour)


def hear_from_providers() -> None:
    """What they have to tell this morning."""
    lived = DayLived(clock.today())
    hear_the_news(lived)
    if lived.errors:
        raise RuntimeError("; ".join(lived.errors))
