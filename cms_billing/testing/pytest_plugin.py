"""Fixtures for the tests of your site. In ``conftest.py``::

    pytest_plugins = ["cms_billing.testing.pytest_plugin"]

``clock`` sets today, ``fake_provider`` is the payment provider that misbehaves on demand, ``work`` does what the
workers would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from cms_billing.core import clock as site_clock
from cms_billing.core import outbox
from cms_billing.core.models import OutsideWork


class Clock:
    """The site's clock, standing still. It starts at noon of a given day in Django's time zone."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    @property
    def today(self) -> date:
        return site_clock.today()

    def set(self, day: date | datetime) -> None:
        """To noon of a day, or to an aware moment."""
        moment = day if isinstance(day, datetime) else timezone.make_aware(datetime.combine(day, time(12)))
        self._stack.close()
        self._stack.enter_context(site_clock.frozen(moment))

    def forward(self, days: int = 0, *, hours: int = 0) -> None:
        self.set(site_clock.now() + timedelta(days=days, hours=hours))

    def release(self) -> None:
        self._stack.close()


class FakeProviderTools:
    """The fake provider's books and its tricks; see ``cms_billing.testing.providers``."""

    def charges(self):
        """Its charges, oldest first (a queryset of ``FakeCharge``)."""
        from .models import FakeCharge

        return FakeCharge.objects.all()

    def behave(self, behaviour: str, *, method: str = "", times: int = 1) -> None:
        """The next ``times`` charges (of ``method``) go like this: ``timeout-after``, ``pending-3``, ``down`` …"""
        from .models import FakeBehaviour

        FakeBehaviour.objects.create(method_reference=method, behaviour=behaviour, times=times)

    def deliver_webhooks(self, **how) -> list[int]:
        """Post its news to the endpoint and let them be worked on; see ``providers.deliver_webhooks``."""
        from cms_billing.payments.models import WebhookEvent

        from . import providers

        answers = providers.deliver_webhooks(**how)
        outbox.drain(WebhookEvent, now=site_clock.now())
        return answers


@pytest.fixture
def clock() -> Iterator[Clock]:
    """``clock.set(date(2026, 3, 31))``; without it, time goes on as usual."""
    clock = Clock()
    yield clock
    clock.release()


@pytest.fixture
def fake_provider(settings, db) -> FakeProviderTools:
    """The provider ``fake`` is registered for this test, next to those of your settings."""
    from cms_billing.core.conf import billing_settings

    providers = {**billing_settings().providers, "fake": "cms_billing.testing.providers.FakeProvider"}
    settings.CMS_BILLING = {**getattr(settings, "CMS_BILLING", {}), "PROVIDERS": providers}
    return FakeProviderTools()


@pytest.fixture
def work(db):
    """``work(Payment)``: do all outside work of a model that is due now; ``work()``: of every model, in order."""

    def do(*models: type[OutsideWork]) -> None:
        for model in models or outbox.registered():
            outbox.drain(model, now=site_clock.now())

    return do
