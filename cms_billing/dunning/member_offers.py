"""What members are offered about overdue documents, and what runs for them: for their pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _

from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, OpenItem
from cms_billing.payments.page_offers import PageOffer

from . import agreements as rules
from .agreement_facts import AgreementFacts, running_about
from .agreements import Offer, Part
from .services.agreements import Debt, first_instalment_on, offer_for


@dataclass(frozen=True)
class DebtOffer:
    """The overdue documents of one customer and currency, and what may be agreed on about them."""

    debt: Debt
    offer: Offer
    today: date

    @property
    def key(self) -> int:
        """What forms call it: the first of its documents."""
        return self.debt.documents[0]

    @property
    def amount(self) -> Money:
        return self.debt.amount

    @property
    def plans(self) -> list[tuple[int, Sequence[Part]]]:
        """By number of instalments: when, and how much."""
        return [(count, self.plan(count)) for count in self.offer.counts]

    def plan(self, count: int) -> tuple[Part, ...]:
        return rules.monthly(self.amount, count=count, first_on=first_instalment_on(self.today))


def debts_of(document_ids: Collection[int], *, today: date) -> list[DebtOffer]:
    """What is overdue of these documents, with what is offered; without an offer it is left out."""
    groups: dict[tuple[int, str], list[OpenItem]] = defaultdict(list)
    rows = OpenItem.objects.overdue(today=today).filter(document__in=document_ids).select_related("document")
    for item in rows.order_by("due_on", "document_id"):
        groups[item.customer_id, item.currency].append(item)
    customers = Customer.objects.select_related("issuer").in_bulk([customer for customer, _c in groups])
    debts = [Debt(customers[customer], tuple(items)) for (customer, _currency), items in groups.items()]
    offers = [DebtOffer(debt, offer_for(debt, today=today), today) for debt in debts]
    return [offer for offer in offers if offer.offer]


def running_for(document_ids: Collection[int]) -> list[AgreementFacts]:
    """Agreements about these documents and no others: a link shows nothing but what it is for."""
    return [facts for facts in running_about(document_ids) if set(facts.documents) <= set(document_ids)]


def page_offers(document_ids: Collection[int], token: str, today: date) -> list[PageOffer]:
    """For the payment page."""
    if not debts_of(document_ids, today=today):
        return []
    url = reverse("cms_billing:agree", args=[token]) if token else reverse("cms_billing:agree_account")
    return [PageOffer(_("You cannot pay just now?"), _("Pay later or in instalments"), url)]
