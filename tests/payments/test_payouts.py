"""Payouts: kept as they were told, matched with ours, and what differs is found once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.payments.models import (
    Comparison,
    Payment,
    Payout,
    PayoutLine,
    ProviderDifference,
    Refund,
    WebhookEvent,
    WebhookReference,
)
from cms_billing.payments.providers import Notice, PayoutNotice, ProviderDown, Status
from cms_billing.payments.providers import PayoutLine as Line
from cms_billing.payments.providers import PayoutLineKind as LineKind
from cms_billing.payments.services import (
    delete_old_webhooks,
    import_due_payouts,
    import_payouts,
    next_look,
    read_payout_report,
    settle_difference,
    start_comparison,
)
from cms_billing.payments.services.payouts import look_for_unpaid
from cms_billing.testing.factories import ProviderAccountFactory, UserFactory

from .desk_provider import ANSWERS, listed, settled

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
SINCE = date(2026, 3, 1)


@pytest.fixture(autouse=True)
def desk_pay(settings):
    ANSWERS.reset()
    listed(settings, main={"SECRET_KEY": "sk_test_1"}, other={"SECRET_KEY": "sk_test_2"})
    with clock.frozen(NOON):
        yield


@pytest.fixture
def document(invoice):
    return invoice(gross_minor=2000)


@pytest.fixture
def account(document):
    return ProviderAccountFactory(issuer=document.issuer, provider="desk", slug="main")


def payment(account, document, reference, amount=1000, **columns) -> Payment:
    values = {
        "issuer": document.issuer,
        "customer": document.customer,
        "account": account,
        "provider": "desk",
        "way": "provider",
        "reference": reference,
        "amount_minor": amount,
        "currency": "EUR",
        "state": "settled",
        "received_on": date(2026, 3, 10),
        "work_state": "done",
        "created_at": datetime(2026, 3, 10, 9, tzinfo=UTC),
    }
    return Payment.objects.create(**{**values, **columns})


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def line(kind: LineKind, reference: str, gross: int, fee: int = 0, **names) -> Line:
    return Line(kind, reference, euros(gross), euros(fee), euros(gross + fee), **names)


def payout(
    reference: str, *lines: Line, amount: int | None = None, paid_on=date(2026, 3, 12)
) -> PayoutNotice:
    total = sum(one.net.minor for one in lines) if amount is None else amount
    return PayoutNotice(reference, euros(total), paid_on, paid=True, lines=lines)


def run_import(account):
    return import_payouts(account=account, since=SINCE, now=clock.now())


def found() -> list[tuple[str, str]]:
    return list(ProviderDifference.objects.open().order_by("kind").values_list("kind", "reference"))


def test_payout_is_kept_with_its_sums_and_matched_with_ours(account, document):
    one = payment(account, document, "p1")
    refund = Refund.objects.create(
        issuer=document.issuer,
        customer=document.customer,
        account=account,
        provider="desk",
        way="provider",
        payment=one,
        reference="r1",
        amount_minor=300,
        currency="EUR",
        state="pending",
        work_state="done",
    )
    ANSWERS.payouts = [
        payout(
            "po1",
            line(LineKind.PAYMENT, "p1", 1000, -35),
            line(LineKind.REFUND, "x", -300, refund_reference="r1", payment_reference="p1"),
            line(LineKind.FEE, "f", 0, -10),
        )
    ]
    run_import(account)
    kept = Payout.objects.get()
    assert (kept.gross, kept.fee, kept.net, kept.amount) == (euros(700), euros(-45), euros(655), euros(655))
    assert list(kept.lines.values_list("payment", "refund")) == [
        (one.pk, None),
        (one.pk, refund.pk),
        (None, None),
    ]
    assert found() == []


def test_import_again_changes_nothing_and_writes_no_line_anew(account, document):
    payment(account, document, "p1")
    ANSWERS.payouts = [payout("po1", line(LineKind.PAYMENT, "p1", 1000))]
    assert run_import(account).changed == 1
    before = list(PayoutLine.objects.values_list("pk", flat=True))
    assert run_import(account).changed == 0
    assert list(PayoutLine.objects.values_list("pk", flat=True)) == before


def test_payout_that_changed_is_written_anew(account, document):
    ANSWERS.payouts = [replace(payout("po1", amount=1000), paid=False)]
    run_import(account)
    payment(account, document, "p1")
    ANSWERS.payouts = [payout("po1", line(LineKind.PAYMENT, "p1", 1000))]
    run_import(account)
    kept = Payout.objects.get()
    assert (kept.is_paid, kept.line_count, kept.lines.count()) == (True, 1, 1)


def test_each_kind_of_difference_is_found_once(account, document):
    for reference in ("p1", "p2", "p3"):
        payment(account, document, reference)
    lines = [
        line(LineKind.PAYMENT, "p1", 1000),
        line(LineKind.PAYMENT, "p1", 1000),
        line(LineKind.PAYMENT, "p2", 900),
        line(LineKind.PAYMENT, "stranger", 700),
        line(LineKind.REFUND, "r9", -100, payment_reference="p3"),
    ]
    ANSWERS.payouts = [payout("po1", *lines, amount=1), payout("po0", paid_on=date(2026, 3, 1))]
    for _again in range(2):
        run_import(account)
    assert found() == [
        ("not_paid_out", "p3"),
        ("other_amount", "p2"),
        ("paid_twice", "p1"),
        ("sum_differs", "po1"),
        ("unknown_payment", "stranger"),
        ("unknown_refund", "r9"),
    ]
    other = ProviderDifference.objects.get(kind="other_amount")
    assert (other.theirs, other.ours) == (euros(900), euros(1000))


def test_payment_in_two_payouts_is_a_difference_of_the_later_one(account, document):
    payment(account, document, "p1")
    ANSWERS.payouts = [payout(name, line(LineKind.PAYMENT, "p1", 1000)) for name in ("po1", "po2")]
    for _again in range(2):
        run_import(account)
    assert [d.payout.reference for d in ProviderDifference.objects.all()] == ["po2"]


def test_difference_goes_by_itself_once_the_payment_is_known(account, document):
    ANSWERS.payouts = [payout("po1", line(LineKind.PAYMENT, "p1", 1000))]
    run_import(account)
    assert found() == [("unknown_payment", "p1")]
    payment(account, document, "p1")
    run_import(account)
    assert found() == []


def test_settled_difference_stays_settled(account):
    ANSWERS.payouts = [payout("po1", line(LineKind.PAYMENT, "p1", 1000))]
    run_import(account)
    difference = ProviderDifference.objects.get()
    settle_difference(
        difference_id=difference.pk, note="Sold in the other shop.", user=UserFactory(), now=clock.now()
    )
    run_import(account)
    assert found() == []
    assert ProviderDifference.objects.get().note == "Sold in the other shop."


def test_payment_of_a_neighbours_account_is_not_ours(account, document):
    neighbour = ProviderAccountFactory(issuer=document.issuer, provider="desk", slug="other")
    payment(neighbour, document, "p1")
    ANSWERS.payouts = [payout("po1", line(LineKind.PAYMENT, "p1", 1000))]
    run_import(account)
    assert found() == [("unknown_payment", "p1")]


def test_received_payment_in_no_payout_is_found_after_its_days_and_goes_with_its_payout(account, document):
    late = payment(account, document, "p1")
    payment(account, document, "p2", received_on=date(2026, 3, 20))
    payment(account, document, "p0", received_on=date(2026, 2, 1))
    ANSWERS.payouts = [payout("po0", paid_on=date(2026, 3, 1))]
    run_import(account)
    assert found() == [("not_paid_out", "p1")]
    ANSWERS.payouts.append(payout("po1", line(LineKind.PAYMENT, late.reference, 1000)))
    run_import(account)
    assert found() == []


def test_without_any_payout_nothing_is_missed(account, document):
    payment(account, document, "p1")
    assert look_for_unpaid(account=account, today=date(2026, 3, 31), now=NOON) == 0


def test_silent_provider_is_parked_and_stops_no_other_account(account, document):
    other = ProviderAccountFactory(issuer=document.issuer, provider="desk", slug="other")
    ANSWERS.payouts, ANSWERS.is_down = [payout("po1")], True
    problems = import_due_payouts(issuer=document.issuer, now=NOON)
    assert [(p.subject_id, p.reason) for p in problems] == [
        (account.pk, "Desk Pay does not answer."),
        (other.pk, "Desk Pay does not answer."),
    ]
    ANSWERS.is_down = False
    assert import_due_payouts(issuer=document.issuer, now=NOON) == []


def test_next_look_begins_a_while_before_the_last_payout(account):
    assert next_look(account, now=NOON) == date(2026, 1, 30)
    ANSWERS.payouts = [payout("po1", paid_on=date(2026, 3, 25))]
    run_import(account)
    assert next_look(account, now=NOON) == date(2026, 3, 11)


def test_report_by_hand_is_the_same_payout(account, document):
    payment(account, document, "p1")
    ANSWERS.payouts = [payout("po1", line(LineKind.PAYMENT, "p1", 1000))]
    run_import(account)
    again = read_payout_report(account=account, content=b"report;1", now=NOON)
    assert (again.told, again.changed, Payout.objects.count()) == (1, 0, 1)


def test_import_asks_the_same_questions_however_many_movements(
    account, document, django_assert_max_num_queries
):
    for n in range(40):
        payment(account, document, f"p{n}")
    ANSWERS.payouts = [payout("po1", *(line(LineKind.PAYMENT, f"p{n}", 1000) for n in range(40)))]
    with django_assert_max_num_queries(24):
        run_import(account)
    assert PayoutLine.objects.filter(payment=None).count() == 0


# A day, a customer


def compare(**what) -> Comparison:
    comparison = start_comparison(user=None, **what)
    outbox.drain(Comparison, now=clock.now())
    comparison.refresh_from_db()
    return comparison


def test_day_finds_what_only_one_side_knows(account, document):
    payment(account, document, "p1")
    payment(account, document, "p2")
    payment(account, document, "p3", created_at=datetime(2026, 3, 12, 9, tzinfo=UTC))
    ANSWERS.made = ["p1", "stranger"]
    done = compare(account=account, day=date(2026, 3, 10))
    assert (done.work_state, done.asked, done.differing) == ("done", 2, 2)
    assert found() == [("not_there", "p2"), ("unknown_payment", "stranger")]
    assert ANSWERS.asked[0] == (
        "between",
        datetime(2026, 3, 9, 23, tzinfo=UTC),
        datetime(2026, 3, 10, 23, tzinfo=UTC),
    )


def test_day_compared_again_lets_go_what_agrees_by_then(account, document):
    payment(account, document, "p1")
    ANSWERS.made = ["stranger"]
    compare(account=account, day=date(2026, 3, 10))
    payment(account, document, "stranger")
    ANSWERS.made = ["p1", "stranger"]
    compare(account=account, day=date(2026, 3, 10))
    assert found() == []


def test_day_asks_about_payments_under_way(account, document):
    pending = payment(account, document, "p1", state="pending", received_on=None)
    ANSWERS.made = ["p1"]
    settled("main", "p1")
    assert compare(account=account, day=date(2026, 3, 10)).changed == 1
    pending.refresh_from_db()
    assert pending.state == "settled"


def test_silent_provider_is_asked_about_the_day_later(account):
    ANSWERS.is_down = True
    waiting = compare(account=account, day=date(2026, 3, 10))
    assert (waiting.work_state, waiting.last_error) == ("pending", "Desk Pay does not answer.")
    ANSWERS.is_down = False
    with clock.frozen(NOON + timedelta(minutes=2)):
        outbox.drain(Comparison, now=clock.now())
    waiting.refresh_from_db()
    assert waiting.work_state == "done"


def test_customer_is_asked_about_and_the_money_arrives(account, document):
    pending = payment(account, document, "p1", state="pending", received_on=None)
    old = payment(account, document, "p2", created_at=datetime(2025, 1, 1, tzinfo=UTC))
    settled("main", "p1")
    done = compare(customer=document.customer)
    pending.refresh_from_db()
    assert (done.asked, done.changed, pending.state) == (1, 1, "settled")
    assert ("main", old.reference) not in ANSWERS.asked


def test_same_comparison_is_not_started_twice(account):
    from cms_billing.payments.exceptions import CannotReconcile

    start_comparison(user=None, account=account, day=date(2026, 3, 10))
    with pytest.raises(CannotReconcile):
        start_comparison(user=None, account=account, day=date(2026, 3, 10))


# Webhooks


def event(account, body=b"p1", **columns) -> WebhookEvent:
    values = {
        "provider": account.provider,
        "account": account,
        "body": body,
        "digest": "0" * 64,
        "references": [body.decode()],
        "received_at": NOON,
    }
    return WebhookEvent.objects.create(**{**values, **columns})


def work() -> None:
    outbox.drain(WebhookEvent, now=clock.now())


def test_event_about_nothing_of_ours_is_marked_so(account):
    unknown = event(account)
    work()
    unknown.refresh_from_db()
    assert (unknown.concerned, unknown.is_somebody_elses) == (0, True)


def test_event_of_one_account_moves_nothing_of_another(account, document):
    other = ProviderAccountFactory(issuer=document.issuer, provider="desk", slug="other")
    pending = payment(account, document, "p1", state="pending", received_on=None)
    settled("other", "p1")
    settled("main", "p1")
    foreign = event(other)
    work()
    pending.refresh_from_db()
    foreign.refresh_from_db()
    assert (pending.state, foreign.concerned) == ("pending", 0)
    event(account)
    work()
    pending.refresh_from_db()
    assert pending.state == "settled"


def test_old_event_replayed_says_what_is_true_now(account, document):
    pending = payment(account, document, "p1", state="pending", received_on=None)
    ANSWERS.notices["main", "p1"] = Notice("p1", Status.CHARGED_BACK)
    event(account, body=b"p1")
    work()
    event(account, body=b"p1")
    work()
    pending.refresh_from_db()
    assert pending.state == "charged_back"
    assert sum(part.amount_minor for part in pending.allocations.all()) == 0


def test_webhooks_are_deleted_when_old_and_done(account, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "WEBHOOK_DAYS": 30}
    old = NOON - timedelta(days=31)
    event(account, work_state="done", received_at=old)
    kept = [
        event(account, work_state="done", received_at=NOON - timedelta(days=29)),
        event(account, work_state="failed", received_at=old),
        event(account, work_state="pending", received_at=old),
    ]
    assert delete_old_webhooks(issuer=account.issuer, now=NOON) == 1
    assert set(WebhookEvent.objects.all()) == set(kept)


def test_webhooks_that_are_the_books_stay(account, settings, monkeypatch):
    from .desk_provider import DeskFake

    settings.CMS_BILLING = {**settings.CMS_BILLING, "WEBHOOK_DAYS": 30}
    monkeypatch.setattr(DeskFake, "capabilities", replace(DeskFake.capabilities, can_be_asked=False))
    event(account, work_state="done", received_at=NOON - timedelta(days=400))
    assert delete_old_webhooks(issuer=account.issuer, now=NOON) == 0


def test_reports_are_found_among_the_webhooks(account):
    from cms_billing.payments.selectors import reports_told

    told = [
        event(account, body=b"a report"),
        event(account, body=b"a payment"),
        event(account, body=b"an old report", received_at=datetime(2026, 1, 1, tzinfo=UTC)),
    ]
    for one, reference in zip(told, ["REPORTS", "p1", "REPORTS"], strict=True):
        WebhookReference.objects.create(event=one, reference=reference)
    assert reports_told(account, since=SINCE) == [b"a report"]


def test_provider_error_in_the_middle_keeps_what_was_told(account):
    class Broken(list):
        def __iter__(self):
            yield payout("po1")
            raise ProviderDown("gone")

    ANSWERS.payouts = Broken()
    with pytest.raises(ProviderDown):
        run_import(account)
    assert Payout.objects.get().reference == "po1"
