"""What integrators get from ``cms_billing.testing.pytest_plugin``."""

from datetime import date

import pytest

from cms_billing.core.clock import today
from cms_billing.payments.models import Payment
from cms_billing.payments.services import collect_due
from cms_billing.testing import pytest_plugin

clock = pytest_plugin.clock
fake_provider = pytest_plugin.fake_provider
work = pytest_plugin.work


def test_clock_stands_where_it_is_set_and_goes_forward(clock):
    clock.set(date(2024, 2, 29))
    assert today() == clock.today == date(2024, 2, 29)
    clock.forward(1)
    assert today() == date(2024, 3, 1)
    clock.release()
    assert today() > date(2024, 3, 1)


@pytest.mark.django_db
def test_fake_provider_and_workers(clock, fake_provider, work):
    from cms_billing.faktura.services import issue_next_invoices
    from cms_billing.testing.factories import BookingFactory, CustomerFactory, PaymentMethodFactory

    clock.set(date(2026, 1, 1))
    customer = CustomerFactory(issuer__payment_days=0)
    BookingFactory(customer=customer)
    PaymentMethodFactory(customer=customer)
    issue_next_invoices(issuer=customer.issuer, today=clock.today)
    fake_provider.behave("pending-2")
    collect_due(issuer=customer.issuer, today=clock.today)
    work(Payment)
    assert Payment.objects.get().state == "pending"
    clock.forward(2)
    assert fake_provider.deliver_webhooks() == [200, 200]
    assert Payment.objects.get().state == "settled"
    assert fake_provider.charges().get().status == "settled"
