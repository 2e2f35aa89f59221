"""Factories with believable defaults: ``CustomerFactory()`` alone can be invoiced lawfully."""

from __future__ import annotations

from datetime import date

import factory
from django.contrib.auth import get_user_model
from factory.django import DjangoModelFactory

from cms_billing.core.money import Money
from cms_billing.faktura.models import Booking, Customer, Issuer, Letterhead
from cms_billing.memberships.models import Contract, Plan, PlanPrice
from cms_billing.memberships.services import sign_contract
from cms_billing.payments.models import PaymentMethod, ProviderAccount


class UserFactory(DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"member{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password("secret")


class IssuerFactory(DjangoModelFactory):
    class Meta:
        model = Issuer

    name = factory.Sequence(lambda n: f"Akademie {n}")
    legal_name = factory.LazyAttribute(lambda issuer: f"{issuer.name} GmbH")
    street = "Lindenstraße 12"
    postal_code = "50674"
    city = "Köln"
    email = "rechnung@example.org"
    tax_number = "215/5432/1234"
    iban = "DE02120300000000202051"
    bic = "BYLADEM1001"
    account_holder = factory.LazyAttribute(lambda issuer: issuer.legal_name)


class LetterheadFactory(DjangoModelFactory):
    """The letterhead of all documents of an issuer; what is not given is inherited from the package."""

    class Meta:
        model = Letterhead

    issuer = factory.SubFactory(IssuerFactory)


class CustomerFactory(DjangoModelFactory):
    class Meta:
        model = Customer

    issuer = factory.SubFactory(IssuerFactory)
    number = factory.Sequence(lambda n: f"K-{n:05}")
    first_name = "Anna"
    last_name = factory.Sequence(lambda n: f"Muster{n}")
    street = "Hauptstraße 1"
    postal_code = "10115"
    city = "Berlin"
    email = factory.Sequence(lambda n: f"anna{n}@example.org")


class PlanFactory(DjangoModelFactory):
    class Meta:
        model = Plan
        skip_postgeneration_save = True

    issuer = factory.SubFactory(IssuerFactory)
    code = factory.Sequence(lambda n: f"plan-{n}")
    name = "Mitgliedschaft"
    interval = "monthly"

    @factory.post_generation
    def price(self, create, extracted, **kwargs):
        """``PlanFactory(price=Money.of("99", "EUR"))``; 9.90 EUR including tax when not given."""
        amount = Money.of("9.90", "EUR") if extracted is None else extracted
        if create:
            PlanPrice.objects.create(
                plan=self, valid_from=date(2000, 1, 1), amount_minor=amount.minor, currency=amount.currency
            )


class BookingFactory(DjangoModelFactory):
    class Meta:
        model = Booking

    customer = factory.SubFactory(CustomerFactory)
    issuer = factory.SelfAttribute("customer.issuer")
    source = "manual"
    source_id = factory.Sequence(lambda n: n)
    kind = "one_off"
    period_start = date(2026, 1, 1)
    period_end = date(2026, 1, 31)
    due_on = factory.SelfAttribute("period_start")
    invoice_group = factory.Sequence(lambda n: f"manual {n}")
    description = "Mitgliedschaft"
    unit_price_minor = 990
    currency = "EUR"
    tax_code = "standard"


class ProviderAccountFactory(DjangoModelFactory):
    """A test account; its secrets come from ``CMS_BILLING["PROVIDER_ACCOUNTS"]``."""

    class Meta:
        model = ProviderAccount

    issuer = factory.SubFactory(IssuerFactory)
    provider = "stripe"
    slug = "main"
    title = "Card or direct debit"


class PaymentMethodFactory(DjangoModelFactory):
    class Meta:
        model = PaymentMethod

    customer = factory.SubFactory(CustomerFactory)
    provider = "fake"
    reference = factory.Sequence(lambda n: f"card-{n}")


def signed_contract(
    *, start: date, plan: Plan | None = None, customer: Customer | None = None, **kwargs
) -> Contract:
    """A contract signed on its first day, of a new customer and plan of one issuer unless given."""
    issuer = plan.issuer if plan else customer.issuer if customer else IssuerFactory()
    plan = plan or PlanFactory(issuer=issuer)
    customer = customer or CustomerFactory(issuer=issuer)
    return sign_contract(
        customer=customer, plan=plan, start=start, today=kwargs.pop("today", start), **kwargs
    )
