"""Accounts at providers, payouts, differences and webhooks in a real browser: desktop, phone, dark."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.core.roles import ACCOUNTANTS
from cms_billing.payments.models import Payout, ProviderAccount, ProviderDifference, WebhookEvent
from cms_billing.payments.providers import PayoutLine, PayoutLineKind, PayoutNotice
from cms_billing.payments.services import keep_payouts
from cms_billing.testing.factories import CustomerFactory, ProviderAccountFactory, UserFactory
from tests.payments.desk_provider import ANSWERS, listed

from .conftest import DESKTOP, PHONE
from .test_desk import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def account(live_server, settings) -> ProviderAccount:
    ANSWERS.reset()
    listed(settings, main={"SECRET_KEY": "sk_test_VerySecret4242"})
    customer = CustomerFactory(issuer__name="Akademie am See")
    account = ProviderAccountFactory(
        issuer=customer.issuer, provider="desk", slug="main", title="Card or debit"
    )
    lines = [
        PayoutLine(
            PayoutLineKind.PAYMENT,
            f"pay_{n}",
            Money(124_900, "EUR"),
            Money(-2135, "EUR"),
            Money(122_765, "EUR"),
            booked_on=date(2026, 3, 10),
        )
        for n in range(3)
    ]
    paid = PayoutNotice("po_2026_03_12", Money(368_295, "EUR"), date(2026, 3, 12), paid=True, lines=lines)
    keep_payouts(account=account, told=[paid], now=clock.now())
    WebhookEvent.objects.create(
        provider="desk",
        account=account,
        body=b'{"id": "evt_1", "type": "payment.paid", "data": {"id": "pay_1"}}',
        digest="0" * 64,
        references=["pay_1"],
        work_state="done",
        concerned=0,
    )
    group = Group.objects.get(name=ACCOUNTANTS.group)
    UserFactory(username="accountant").groups.add(group)
    customer.issuer.groups.add(group)
    return account


def addresses(account) -> dict[str, str]:
    return {
        "add": reverse("billing-provideraccount:add"),
        "form": reverse("billing-provideraccount:add") + "?provider=desk",
        "account": reverse("billing-provideraccount:inspect", args=[account.pk]),
        "payouts": reverse("billing-payout:index"),
        "payout": reverse("billing-payout:inspect", args=[Payout.objects.get().pk]),
        "differences": reverse("billing-providerdifference:index"),
        "difference": reverse(
            "billing-providerdifference:inspect", args=[ProviderDifference.objects.first().pk]
        ),
        "webhooks": reverse("billing-webhookevent:index"),
        "webhook": reverse("billing-webhookevent:inspect", args=[WebhookEvent.objects.get().pk]),
    }


def test_connection_is_tested_with_one_click(open_window, account, screenshot):
    page = open_window(**DESKTOP)
    log_in(page)
    page.goto(addresses(account)["account"])
    page.click("text=Test connection")
    page.wait_for_selector("text=The provider knows this account as")
    screenshot(page, "provider-tested")


@pytest.mark.parametrize(
    ("name", "options"),
    [("desktop", DESKTOP), ("phone", PHONE), ("dark", {**DESKTOP, "color_scheme": "dark"})],
)
def test_pages_fit_the_window(open_window, account, screenshot, name, options):
    page = open_window(**options)
    log_in(page)
    for what, url in addresses(account).items():
        assert page.goto(url).status == 200
        screenshot(page, f"providers-{what}-{name}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 1, what
        assert "VerySecret" not in page.content()
