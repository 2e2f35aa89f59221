"""A payment and a review, two reviews, two agreements at the same moment: row locks decide, so PostgreSQL only."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest

from cms_billing.dunning.exceptions import CannotAgree
from cms_billing.dunning.models import Agreement, AgreementDocument, CaseStep
from cms_billing.dunning.services import (
    create_default_procedure,
    dun_next_customers,
    make_instalment_plan,
    make_promise,
    review_agreements,
)
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .conftest import case_of, invoice_due, pay
from .test_at_once import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

DUE, AGREED, LATE = date(2026, 1, 15), date(2026, 1, 25), date(2026, 2, 20)


@pytest.fixture
def invoices():
    issuer = IssuerFactory()
    create_default_procedure(issuer)
    documents = [invoice_due(customer, DUE) for customer in CustomerFactory.create_batch(6, issuer=issuer)]
    dun_next_customers(issuer=issuer, today=AGREED)
    return documents


def promise(document) -> Agreement:
    return make_promise(document_ids=[document.pk], until=date(2026, 2, 1), today=AGREED)


def test_a_payment_and_a_review_at_once_give_one_verdict_that_fits_the_books(invoices):
    """Kept where the payment was first, else broken, and the case closed by the payment: never half of each."""
    for document in invoices:
        agreement = promise(document)
        review = partial(review_agreements, issuer=document.issuer, today=LATE, wait=True)
        assert at_once(partial(pay, document, LATE), review) == []
        agreement.refresh_from_db()
        document.open_item.refresh_from_db()
        assert document.open_item.open_minor == 0
        assert agreement.state in ("kept", "broken")
        ended = CaseStep.objects.filter(case=case_of(document), kind="agreement_ended")
        assert ended.count() <= 1
    assert not AgreementDocument.objects.filter(running=True).exists()


def test_two_reviews_at_once_break_each_agreement_once(invoices):
    for document in invoices:
        promise(document)
    review = partial(review_agreements, issuer=invoices[0].issuer, today=LATE, wait=True)
    assert at_once(review, review) == []
    assert set(Agreement.objects.values_list("state", flat=True)) == {"broken"}
    assert CaseStep.objects.filter(kind="agreement_ended").count() == len(invoices)


def test_two_agreements_at_once_about_one_document_are_one(invoices):
    document = invoices[0]
    plan = partial(
        make_instalment_plan, document_ids=[document.pk], count=2, first_on=date(2026, 2, 1), today=AGREED
    )
    [error] = at_once(partial(promise, document), plan)
    assert isinstance(error, CannotAgree)
    assert Agreement.objects.count() == 1
