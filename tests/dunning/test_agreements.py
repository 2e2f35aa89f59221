"""Promises, instalment plans and deferrals: made, kept, broken and ended; what they hold back meanwhile."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.dunning.agreement_facts import facts_of
from cms_billing.dunning.exceptions import CannotAgree, ReasonMissing
from cms_billing.dunning.models import (
    Agreement,
    AgreementDocument,
    AgreementNotice,
    Case,
    DunningPolicy,
    Level,
)
from cms_billing.dunning.plans import decision_for
from cms_billing.dunning.reasons import sentence
from cms_billing.dunning.selectors import owed
from cms_billing.dunning.services import (
    announce_instalments,
    end_agreement,
    instalments_by_member,
    make_deferral,
    make_instalment_plan,
    make_promise,
    offer_for,
    promise_by_member,
    read_debt,
    review_agreements,
    waive_charges,
)
from cms_billing.payments.models import Payment, PaymentMethod
from cms_billing.payments.services import charge_back, collect_due
from cms_billing.testing.factories import CustomerFactory, PaymentMethodFactory, UserFactory
from cms_billing.testing.models import FakeCharge

from .conftest import case_of, invoice_due, pay, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
DAYS = (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19))
AGREED = date(2026, 1, 25)
State = Agreement.State


@pytest.fixture
def invoice(customer):
    document = invoice_due(customer, DUE, amount=9000, contract="V-1")
    run(customer.issuer, DAYS[0])
    return document


@pytest.fixture
def editor(db):
    return UserFactory(username="editor")


def at(day: date):
    return clock.frozen(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def review(issuer, day: date) -> list[Agreement]:
    return review_agreements(issuer=issuer, today=day).changed


def plan(invoice, **values) -> Agreement:
    return make_instalment_plan(
        **{
            "document_ids": [invoice.pk],
            "count": 3,
            "first_on": date(2026, 2, 1),
            "today": AGREED,
            **values,
        }
    )


def locked(customer) -> list[int]:
    """Documents that lock, as the paywall and the arrears page ask for it."""
    documents = list(Case.objects.locking().filter(customer=customer).values_list("document", flat=True))
    assert documents == [claim.document_id for claim in owed([customer.pk]) if claim.locked]
    return documents


def steps_of(invoice) -> list[tuple[str, str]]:
    return list(case_of(invoice).steps.values_list("kind", "reason"))


def test_a_promise_keeps_letters_away_until_its_day_and_grace_are_over(issuer, invoice, editor):
    promise = make_promise(
        document_ids=[invoice.pk], until=date(2026, 2, 10), today=AGREED, note="by phone", user=editor
    )
    assert (promise.amount, promise.user, promise.grace_days) == (Money.of("90", "EUR"), editor, 3)
    assert run(issuer, DAYS[1]) == []
    said = sentence(decision_for(case_of(invoice), today=DAYS[1]))
    assert said == "Payment has been promised until 02/10/2026. (€90.00)"
    assert run(issuer, date(2026, 2, 13)) == []
    # Broken the day after: the letter that waited goes out at once, its waiting days are not counted anew.
    assert len(run(issuer, date(2026, 2, 14))) == 1
    promise.refresh_from_db()
    assert (promise.state, promise.ended_on) == (State.BROKEN, date(2026, 2, 14))
    assert case_of(invoice).level == 2
    kinds = [kind for kind, _reason in steps_of(invoice)]
    assert kinds == ["opened", "letter", "agreed", "agreement_ended", "letter"]
    assert "€90.00 were not paid" in steps_of(invoice)[3][1]


def test_a_payment_of_any_way_keeps_it_at_once(issuer, invoice, after_commit):
    promise = make_promise(document_ids=[invoice.pk], until=date(2026, 2, 10), today=AGREED)
    with after_commit():
        pay(invoice, date(2026, 2, 9))
    promise.refresh_from_db()
    assert (promise.state, case_of(invoice).state) == (State.KEPT, Case.State.CLOSED)
    assert review(issuer, date(2026, 3, 1)) == []


def test_a_plan_goes_on_while_each_instalment_is_paid_and_is_kept_by_the_last(issuer, invoice):
    agreement = plan(invoice)
    assert [p.amount_minor for p in agreement.instalments.all()] == [3000, 3000, 3000]
    for day in (date(2026, 2, 3), date(2026, 3, 1), date(2026, 4, 4)):
        pay(invoice, day, amount=Money.of("30", "EUR"))
        assert run(issuer, day + timedelta(days=1)) == []
    assert review(issuer, date(2026, 4, 5)) == [agreement]
    agreement.refresh_from_db()
    assert (agreement.state, agreement.end_reason) == (
        State.KEPT,
        "Kept: instalment plan €90.00.",
    )


def test_a_plan_breaks_when_one_instalment_stays_away_and_dunning_goes_on_where_it_was(issuer, invoice):
    agreement = plan(invoice)
    pay(invoice, date(2026, 2, 1), amount=Money.of("30", "EUR"))
    assert run(issuer, date(2026, 3, 4)) == []
    letters = run(issuer, date(2026, 3, 5))
    assert [letter.extra["level"] for letter in letters] == [2]
    assert letters[0].extra["total_minor"] == 6000
    agreement.refresh_from_db()
    assert agreement.state == State.BROKEN
    assert agreement.end_reason == (
        "Broken: instalment plan €90.00. Of €30.00 due on 2026-03-01, €30.00 were not paid."
    )


def test_too_little_breaks_it_and_too_much_pays_ahead(issuer, customer, invoice):
    short = plan(invoice)
    pay(invoice, date(2026, 2, 1), amount=Money.of("29.99", "EUR"))
    other = invoice_due(customer, DUE, amount=9000)
    ahead = plan(other)
    pay(other, date(2026, 2, 1), amount=Money.of("60", "EUR"))
    assert review(issuer, date(2026, 2, 5)) == [short]
    assert review(issuer, date(2026, 3, 5)) == []
    ahead.refresh_from_db()
    assert ahead.state == State.RUNNING


def test_a_deferral_opens_the_lock_and_stops_charges_until_its_day(issuer, customer, invoice):
    run(issuer, DAYS[1])
    run(issuer, DAYS[2])
    assert locked(customer) == [invoice.pk]
    PaymentMethodFactory(customer=customer, reference="card-1")
    make_deferral(document_ids=[invoice.pk], until=date(2026, 4, 1), today=date(2026, 2, 20))
    assert locked(customer) == []
    assert collect_due(issuer=issuer, today=date(2026, 3, 31)) == []
    assert [p.amount_minor for p in collect_due(issuer=issuer, today=date(2026, 4, 1))] == [9000]


def test_the_lock_is_back_when_the_agreement_breaks(issuer, customer, invoice):
    run(issuer, DAYS[1])
    run(issuer, DAYS[2])
    plan(invoice, first_on=date(2026, 3, 1), today=date(2026, 2, 20))
    assert locked(customer) == []
    review(issuer, date(2026, 3, 5))
    assert locked(customer) == [invoice.pk]


@pytest.mark.parametrize("opens", [True, False])
def test_a_promise_opens_the_lock_by_choice_only(issuer, customer, invoice, opens):
    run(issuer, DAYS[1])
    run(issuer, DAYS[2])
    make_promise(
        document_ids=[invoice.pk], until=date(2026, 3, 1), today=date(2026, 2, 20), opens_access=opens
    )
    assert (locked(customer) == []) is opens


def test_each_instalment_is_charged_on_its_day_and_no_more(issuer, customer, invoice):
    PaymentMethodFactory(customer=customer, reference="card-1")
    other = invoice_due(customer, date(2026, 1, 16), amount=1000)
    plan(invoice, document_ids=[invoice.pk, other.pk], count=2)
    assert collect_due(issuer=issuer, today=date(2026, 1, 31)) == []
    for day, taken in ((date(2026, 2, 1), [5000]), (date(2026, 3, 1), [4000, 1000])):
        with at(day):
            charges = collect_due(issuer=issuer, today=day)
            assert [charge.amount_minor for charge in charges] == taken
            outbox.drain(Payment, now=clock.now())
            assert collect_due(issuer=issuer, today=day) == []
    assert sum(FakeCharge.objects.values_list("amount_minor", flat=True)) == 10000
    assert review(issuer, date(2026, 3, 1))[0].state == State.KEPT


def test_a_plan_made_after_the_charge_was_written_stops_it_before_the_call(issuer, customer, invoice):
    PaymentMethodFactory(customer=customer, reference="card-1")
    with at(AGREED):
        collect_due(issuer=issuer, today=AGREED)
        plan(invoice)
        outbox.drain(Payment, now=clock.now())
    assert Payment.objects.get().state == Payment.State.WITHDRAWN
    assert not FakeCharge.objects.exists()


def test_a_refused_instalment_is_tried_again_with_its_amount_alone(issuer, customer, invoice):
    PaymentMethodFactory(customer=customer, reference="fail-soft")
    plan(invoice)
    with at(date(2026, 2, 2)):
        collect_due(issuer=issuer, today=date(2026, 2, 2))
        outbox.drain(Payment, now=clock.now())
    retry_on = invoice.charge_plan.next_on
    PaymentMethod.objects.update(reference="card-1")
    with at(retry_on):
        assert [p.amount_minor for p in collect_due(issuer=issuer, today=retry_on)] == [3000]


def test_a_promise_leaves_charges_alone(issuer, customer, invoice):
    PaymentMethodFactory(customer=customer, reference="card-1")
    make_promise(document_ids=[invoice.pk], until=date(2026, 2, 10), today=AGREED)
    assert [p.amount_minor for p in collect_due(issuer=issuer, today=AGREED)] == [9000]


def test_a_chargeback_opens_a_kept_agreement_again_and_breaks_it_when_its_day_is_over(
    issuer, customer, invoice, after_commit
):
    agreement = plan(invoice)
    with after_commit():
        payment = pay(invoice, date(2026, 2, 1))
    agreement.refresh_from_db()
    assert agreement.state == State.KEPT
    with at(date(2026, 2, 3)), after_commit():
        charge_back(payment_id=payment.pk, day=date(2026, 2, 3))
    agreement.refresh_from_db()
    assert (agreement.state, agreement.ended_on) == (State.RUNNING, None)
    assert run(issuer, date(2026, 2, 4)) == []
    review(issuer, date(2026, 2, 5))
    agreement.refresh_from_db()
    assert agreement.state == State.BROKEN


def test_a_chargeback_found_late_breaks_a_kept_agreement_at_once(issuer, invoice):
    agreement = make_promise(document_ids=[invoice.pk], until=date(2026, 2, 1), today=AGREED)
    payment = pay(invoice, date(2026, 2, 1))
    review(issuer, date(2026, 2, 2))
    charge_back(payment_id=payment.pk, day=date(2026, 3, 1))
    assert review(issuer, date(2026, 3, 1)) == [agreement]
    agreement.refresh_from_db()
    assert agreement.state == State.BROKEN
    assert not AgreementDocument.objects.filter(running=True).exists()


def test_a_later_agreement_takes_the_place_of_a_kept_one_for_good(issuer, invoice):
    make_promise(document_ids=[invoice.pk], until=date(2026, 2, 1), today=AGREED)
    payment = pay(invoice, date(2026, 2, 1))
    review(issuer, date(2026, 2, 2))
    charge_back(payment_id=payment.pk, day=date(2026, 2, 2))
    second = plan(invoice, today=date(2026, 2, 2), first_on=date(2026, 3, 1))
    assert review(issuer, date(2026, 2, 20)) == []
    assert list(Agreement.objects.running()) == [second]


def test_an_agreement_ended_by_a_person_says_why_and_letters_go_on(issuer, invoice, editor):
    agreement = plan(invoice)
    with pytest.raises(ReasonMissing):
        end_agreement(agreement_id=agreement.pk, reason=" ", today=AGREED)
    end_agreement(agreement_id=agreement.pk, reason="Wants to pay at once", today=AGREED, user=editor)
    with pytest.raises(CannotAgree, match="over already"):
        end_agreement(agreement_id=agreement.pk, reason="again", today=AGREED)
    assert steps_of(invoice)[-1] == ("agreement_ended", "Wants to pay at once")
    assert len(run(issuer, DAYS[1])) == 1
    assert plan(invoice, today=DAYS[1], first_on=date(2026, 3, 1)).state == State.RUNNING


def test_one_agreement_a_document_runs_at_a_time(invoice):
    plan(invoice)
    with pytest.raises(CannotAgree, match="running already"):
        make_promise(document_ids=[invoice.pk], until=date(2026, 2, 10), today=AGREED)
    row = AgreementDocument.objects.get()
    with (
        pytest.raises(IntegrityError, match=r"one_running_agreement_per_document|UNIQUE"),
        transaction.atomic(),
    ):
        AgreementDocument.objects.create(
            agreement=Agreement.objects.create(
                issuer=row.agreement.issuer,
                customer=row.agreement.customer,
                kind="promise",
                currency="EUR",
                amount_minor=1,
                starts_on=AGREED,
                until=AGREED,
            ),
            document=invoice,
            agreed_minor=1,
        )


def test_what_cannot_be_agreed_on(issuer, customer, invoice):
    stranger = invoice_due(CustomerFactory(issuer=issuer), DUE)
    for values, why in (
        ({"document_ids": [invoice.pk, stranger.pk]}, "one customer"),
        ({"document_ids": []}, "Nothing is owed"),
        ({"first_on": AGREED - timedelta(days=1)}, "before today"),
        ({"count": 1}, "from 2 to 120"),
        ({"count": 121}, "from 2 to 120"),
    ):
        with pytest.raises(CannotAgree, match=why):
            plan(invoice, **values)
    Case.objects.update(state=Case.State.HANDED_OVER)
    with pytest.raises(CannotAgree, match="collection agency"):
        plan(invoice)
    pay(invoice, AGREED)
    with pytest.raises(CannotAgree, match="Nothing is owed"):
        plan(invoice)
    assert not Agreement.objects.exists()


@pytest.fixture
def policy(issuer) -> DunningPolicy:
    return DunningPolicy.objects.create(
        issuer=issuer, promise_days=14, instalments_max=4, instalment_min_minor=2500, grace_days=2
    )


def debt_of(invoice) -> Money:
    return read_debt([invoice.pk]).amount


def offered(invoice, day=AGREED):
    return offer_for(read_debt([invoice.pk]), today=day)


def test_members_agree_within_the_limits(invoice, policy):
    assert (offered(invoice).promise_until, offered(invoice).counts) == (date(2026, 2, 8), (2, 3))
    with pytest.raises(CannotAgree, match="cannot be agreed on here"):
        promise_by_member(
            document_ids=[invoice.pk], until=date(2026, 2, 9), shown=debt_of(invoice), today=AGREED
        )
    with pytest.raises(CannotAgree, match="cannot be agreed on here"):
        instalments_by_member(document_ids=[invoice.pk], count=4, shown=debt_of(invoice), today=AGREED)
    with pytest.raises(CannotAgree, match="amount has changed"):
        instalments_by_member(document_ids=[invoice.pk], count=2, shown=Money.of("1", "EUR"), today=AGREED)
    made = instalments_by_member(document_ids=[invoice.pk], count=3, shown=debt_of(invoice), today=AGREED)
    assert (made.by_member, made.opens_access, made.grace_days) == (True, True, 2)
    assert [p.due_on for p in made.instalments.all()] == [
        date(2026, 2, 1),
        date(2026, 3, 1),
        date(2026, 4, 1),
    ]
    assert not offered(invoice)


def test_members_get_no_second_offer_after_one_was_broken_nor_after_hand_over(issuer, invoice, policy):
    promise_by_member(document_ids=[invoice.pk], until=date(2026, 2, 8), shown=debt_of(invoice), today=AGREED)
    run(issuer, date(2026, 2, 11))
    assert not offered(invoice, date(2026, 2, 11))
    with pytest.raises(CannotAgree, match="not kept"):
        promise_by_member(
            document_ids=[invoice.pk],
            until=date(2026, 2, 12),
            shown=debt_of(invoice),
            today=date(2026, 2, 11),
        )
    Agreement.objects.update(state=State.ENDED)
    assert offered(invoice, date(2026, 2, 11))
    Case.objects.update(state=Case.State.HANDED_OVER, lock_scope="")
    assert not offered(invoice, date(2026, 2, 11))


def test_what_is_not_overdue_is_not_offered_an_agreement(customer, policy):
    fresh = invoice_due(customer, DUE, amount=9000)
    assert not offered(fresh, DUE)
    assert offered(fresh, DUE + timedelta(days=1))


def test_a_fee_that_is_waived_or_posted_later_moves_no_instalment(issuer, customer, after_commit):
    Level.objects.filter(procedure__issuer=issuer, number=2).update(fee_minor=500)
    invoice = invoice_due(customer, DUE, amount=9000)
    run(issuer, DAYS[0])
    run(issuer, DAYS[1])
    agreement = plan(invoice, today=DAYS[1], first_on=date(2026, 3, 1), count=2)
    assert agreement.amount_minor == 9500
    waive_charges(case_id=case_of(invoice).pk, today=DAYS[1], reason="goodwill")
    [facts] = facts_of([agreement])
    assert (facts.paid_minor, facts.open_minor) == (500, 9000)
    assert facts.next_payment(today=date(2026, 3, 1)) == (Money.of("42.50", "EUR"), date(2026, 3, 1))


def test_the_confirmation_lists_the_instalments_and_goes_out_once(settings, customer, invoice):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITE_URL": "https://www.example.org"}
    customer.email = "anna@example.org"
    customer.save()
    with at(AGREED):
        plan(invoice)
        outbox.drain(AgreementNotice, now=clock.now())
        outbox.drain(AgreementNotice, now=clock.now())
    [message] = mail.outbox
    assert message.subject == "Ihre Ratenzahlung"
    for text in (
        invoice.number,
        "1. 01.02.2026: 30,00\xa0€",
        "3. 01.04.2026: 30,00\xa0€",
        "90,00\xa0€",
        "/pay/",
    ):
        assert text in message.body
    assert AgreementNotice.objects.get().sent_at is not None


def test_an_instalment_is_announced_once_and_not_when_it_is_paid(settings, issuer, customer, invoice):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITE_URL": "https://www.example.org"}
    customer.email, customer.language = "anna@example.org", "en"
    customer.save()
    plan(invoice, first_on=date(2026, 2, 10))
    AgreementNotice.objects.all().delete()
    assert announce_instalments(issuer=issuer, today=date(2026, 2, 6)) == 0
    assert announce_instalments(issuer=issuer, today=date(2026, 2, 7)) == 1
    assert announce_instalments(issuer=issuer, today=date(2026, 2, 8)) == 0
    with at(date(2026, 2, 7)):
        outbox.drain(AgreementNotice, now=clock.now())
    assert mail.outbox[0].subject == "€30.00 due on Feb 10, 2026"
    pay(invoice, date(2026, 2, 9), amount=Money.of("60", "EUR"))
    assert announce_instalments(issuer=issuer, today=date(2026, 3, 7)) == 1
    with at(date(2026, 3, 7)):
        outbox.drain(AgreementNotice, now=clock.now())
    assert len(mail.outbox) == 1


def test_a_review_costs_the_same_for_many_agreements(issuer, django_assert_num_queries):
    def broken_promises(number: int) -> None:
        for n in range(number):
            customer = CustomerFactory(issuer=issuer)
            invoice = invoice_due(customer, DUE, amount=9000 + n)
            make_promise(document_ids=[invoice.pk], until=AGREED, today=AGREED)

    broken_promises(2)
    with django_assert_num_queries(9):
        assert len(review(issuer, date(2026, 2, 1))) == 2
    broken_promises(6)
    with django_assert_num_queries(9):
        assert len(review(issuer, date(2026, 2, 1))) == 6


def test_a_review_goes_on_where_its_last_chunk_ended(issuer):
    made = []
    for _n in range(3):
        invoice = invoice_due(CustomerFactory(issuer=issuer), DUE, amount=9000)
        made.append(make_promise(document_ids=[invoice.pk], until=AGREED, today=AGREED))
    first = review_agreements(issuer=issuer, today=date(2026, 2, 1), limit=2)
    second = review_agreements(
        issuer=issuer, today=date(2026, 2, 1), after_customer=first.last_customer, limit=2
    )
    assert [*first.changed, *second.changed] == made
    assert review_agreements(issuer=issuer, today=date(2026, 2, 1)).last_customer is None
