"""What became of a payment, folded from its webhooks in any order."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_billing.core.money import Money
from cms_billing.payments.providers import RefundStatus, Status
from cms_billing.payments.providers.adyen.folding import fold_payment, fold_refund
from cms_billing.payments.providers.adyen.told import Told

KEY = uuid.UUID("7d9f0a52-2a4c-4c3f-9a9d-0f2f6f0f5a11")
PSP = "993617895199574A"


def told(
    event, success=True, *, psp=PSP, original="", value=1000, ours=str(KEY), reason="", code="", advice=""
):
    return Told(event, success, psp, original, "Akademie", ours, value, "EUR", reason, code, advice)


def after(event, psp, *, value=1000, success=True, ours="", original=PSP, reason="", code=""):
    return told(event, success, psp=psp, original=original, value=value, ours=ours, reason=reason, code=code)


def folded(*items, reference=PSP, key=KEY):
    found = fold_payment(items, reference=reference, key=key)
    return found.notice if found else None


PAID = told("AUTHORISATION")
REFUSED = told("AUTHORISATION", success=False, reason="Not enough balance")


def test_nothing_told_is_nothing_known():
    assert folded() is None
    assert folded(told("AUTHORISATION", psp="OTHER", ours="other"), reference="") is None


def test_payment_is_found_by_our_key_alone():
    assert folded(PAID, reference="").reference == PSP


def test_success_wins_over_failure_of_the_same_payment_in_both_orders():
    assert folded(REFUSED, PAID).status is Status.SETTLED
    assert folded(PAID, REFUSED).status is Status.SETTLED


def test_refused_try_and_paid_try_under_one_key_are_a_paid_payment():
    refused = replace(REFUSED, psp="AAAAAAAAAAAAAAAA")
    notice = folded(PAID, refused, reference="")
    assert (notice.status, notice.reference) == (Status.SETTLED, PSP)


def test_refusal_tells_the_code_of_its_reason():
    notice = folded(REFUSED)
    assert (notice.status, notice.code, notice.final) == (Status.FAILED, "12", False)


def test_unsigned_words_never_make_a_method_dead():
    notice = folded(
        told("AUTHORISATION", success=False, reason="Blocked Card", advice="03 : Do not try again")
    )
    assert (notice.code, notice.advice, notice.final) == ("5", "MAC-03", False)


def test_pending_payment_is_under_way_until_it_is_authorised():
    assert folded(told("PENDING")).status is Status.PENDING
    assert folded(told("PENDING"), PAID).status is Status.SETTLED


@pytest.mark.parametrize(
    ("events", "gone"),
    [
        (["NOTIFICATION_OF_CHARGEBACK", "REQUEST_FOR_INFORMATION"], 0),
        (["CHARGEBACK"], 400),
        (["CHARGEBACK", "CHARGEBACK_REVERSED"], 0),
        (["CHARGEBACK", "CHARGEBACK_REVERSED", "ISSUER_RESPONSE_TIMEFRAME_EXPIRED"], 0),
        (["CHARGEBACK", "DISPUTE_DEFENSE_PERIOD_ENDED"], 400),
        (["CHARGEBACK", "CHARGEBACK_REVERSED", "SECOND_CHARGEBACK"], 400),
        (["SECOND_CHARGEBACK"], 400),
        (["CHARGEBACK", "CHARGEBACK_REVERSED", "SECOND_CHARGEBACK", "PREARBITRATION_WON"], 0),
        (["CHARGEBACK", "CHARGEBACK_REVERSED", "PREARBITRATION_LOST"], 400),
        (["CHARGEBACK", "CHARGEBACK_REVERSED", "PREARBITRATION_LOST", "SCHEME_ARBITRATION_WON"], 0),
    ],
)
def test_last_step_of_a_dispute_decides_in_every_order(events, gone):
    items = [PAID, *(after(event, "DISPUTE000000001", value=400) for event in events)]
    for order in (items, items[::-1], items * 2):
        notice = folded(*order)
        assert notice.status is (Status.CHARGED_BACK if gone else Status.SETTLED)
        assert notice.charged_back == (Money(gone, "EUR") if gone else None)


def test_two_disputes_of_one_payment_add_up():
    notice = folded(
        PAID, after("CHARGEBACK", "D1", value=300), after("CHARGEBACK", "D2", value=200, code="10.4")
    )
    assert notice.charged_back == Money(500, "EUR")


def test_chargeback_never_takes_more_than_was_paid():
    assert folded(PAID, after("CHARGEBACK", "D1", value=5000)).charged_back == Money(1000, "EUR")


def test_late_news_of_a_dispute_may_name_no_payment():
    lost = after("PREARBITRATION_LOST", "D1", original="", ours="")
    won = after("CHARGEBACK_REVERSED", "D1")
    assert folded(PAID, after("CHARGEBACK", "D1"), won, lost).status is Status.CHARGED_BACK
    assert folded(PAID, replace(lost, psp="D9", ours=str(KEY))).status is Status.CHARGED_BACK


def test_chargeback_without_its_authorisation_is_one_all_the_same():
    notice = folded(after("CHARGEBACK", "D1", value=700), key=None)
    assert (notice.status, notice.charged_back) == (Status.CHARGED_BACK, Money(700, "EUR"))


def test_failed_capture_takes_all_unless_another_capture_went_through():
    failed = after("CAPTURE_FAILED", "C1")
    assert folded(PAID, after("CAPTURE", "C1"), failed).charged_back == Money(1000, "EUR")
    assert folded(PAID, failed, after("CAPTURE", "C2")).status is Status.SETTLED


def test_refunds_are_a_sum_of_those_that_stayed_paid():
    one, two = after("REFUND", "R1", value=300), after("REFUND", "R2", value=200)
    assert folded(PAID, one, two).refunded == Money(500, "EUR")
    assert folded(PAID, one, after("REFUND", "R2", value=200, success=False)).refunded == Money(300, "EUR")
    assert folded(PAID, one, two, after("REFUND_FAILED", "R1", value=300)).refunded == Money(200, "EUR")
    undone = after("REFUNDED_REVERSED", "X1", value=200, original="R2")
    assert folded(PAID, one, two, undone).refunded == Money(300, "EUR")


def test_payment_refunded_as_a_whole_says_so():
    notice = folded(PAID, after("REFUND", "R1", value=600), after("REFUND", "R2", value=400))
    assert (notice.status, notice.refunded) == (Status.REFUNDED, Money(1000, "EUR"))


def test_cancelled_authorisation_has_gone_back_as_a_whole():
    assert folded(PAID, after("CANCELLATION", "X1", value=0)).status is Status.REFUNDED
    assert folded(after("TECHNICAL_CANCEL", "X1")).status is Status.FAILED


def test_refund_is_found_by_reference_or_by_our_key():
    paid = after("REFUND", "R1", value=300, ours=str(KEY))
    assert fold_refund([paid], reference="R1", key=None).status is RefundStatus.PAID
    assert fold_refund([paid], reference="", key=KEY).reference == "R1"
    assert fold_refund([paid], reference="R2", key=uuid.uuid4()) is None


def test_refund_that_came_back_has_failed_whatever_the_order():
    paid, back = after("REFUND", "R1"), after("REFUND_FAILED", "R1", reason="Account closed")
    for items in ([paid, back], [back, paid], [back]):
        found = fold_refund(items, reference="R1", key=KEY)
        assert (found.status, found.reason) == (RefundStatus.FAILED, "Account closed")


def test_refund_refused_then_made_is_paid():
    no, yes = after("REFUND", "R1", success=False, reason="no balance"), after("REFUND", "R1")
    assert fold_refund([no], reference="R1", key=KEY).reason == "no balance"
    assert fold_refund([yes, no], reference="R1", key=KEY).status is RefundStatus.PAID


DISPUTE = ["CHARGEBACK", "CHARGEBACK_REVERSED", "SECOND_CHARGEBACK", "PREARBITRATION_WON"]


@st.composite
def histories(draw):
    """What Adyen did with one payment of 10.00, step by step, and where the money is in the end."""
    items, refunded = [], 0
    if draw(st.booleans()):
        items.append(REFUSED)
    items.append(PAID)
    for number in range(draw(st.integers(0, 3))):
        value = draw(st.integers(1, max(1, (1000 - refunded) // 3)))
        outcome = draw(st.sampled_from(["paid", "refused", "sent back"]))
        items.append(after("REFUND", f"R{number}", value=value, success=outcome != "refused"))
        if outcome == "sent back":
            event = draw(st.sampled_from(["REFUND_FAILED", "REFUNDED_REVERSED"]))
            items.append(after(event, f"R{number}", value=value))
        refunded += value if outcome == "paid" else 0
    disputed = draw(st.integers(1, 1000))
    steps = draw(st.integers(0, len(DISPUTE)))
    items += [after(event, "D1", value=disputed) for event in DISPUTE[:steps]]
    gone = disputed if steps % 2 else 0
    noise = draw(
        st.lists(st.sampled_from(["NOTIFICATION_OF_CHARGEBACK", "REQUEST_FOR_INFORMATION", "CAPTURE"]))
    )
    items += [after(event, "N1") for event in noise]
    return items, refunded, gone


@settings(max_examples=150, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_give_what_adyen_s_books_say(history, random):
    items, refunded, gone = history
    shuffled = items * random.randint(1, 3)
    random.shuffle(shuffled)

    notice = folded(*shuffled)

    assert notice == folded(*items)
    assert notice.refunded == Money(refunded, "EUR")
    assert notice.charged_back == (Money(gone, "EUR") if gone else None)
    if gone:
        assert notice.status is Status.CHARGED_BACK
    else:
        assert notice.status in (Status.SETTLED, Status.REFUNDED)


@settings(max_examples=100, deadline=None)
@given(histories(), st.data())
def test_a_failure_told_late_never_overrides_money_that_came(history, data):
    items, _refunded, _gone = history
    known = items[: data.draw(st.integers(1, len(items)))]
    before = folded(*known)
    later = folded(*known, REFUSED)

    if before.status is not Status.FAILED:
        assert later == before


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(
            told,
            st.sampled_from(
                ["AUTHORISATION", "REFUND", "CHARGEBACK", "CAPTURE_FAILED", "EXPIRE", "OFFER_CLOSED"]
            ),
            st.booleans(),
            psp=st.sampled_from([PSP, "A", "B"]),
            original=st.sampled_from(["", PSP, "A"]),
            value=st.integers(0, 2000),
            ours=st.sampled_from(["", str(KEY), "foreign"]),
        ),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_any_heap_of_news_folds_alike_and_within_the_amount(items, random):
    found = fold_payment(items, reference=PSP, key=KEY)
    shuffled = items * 2
    random.shuffle(shuffled)

    assert fold_payment(shuffled, reference=PSP, key=KEY) == found
    if found is not None and found.amount is not None and found.notice.charged_back is not None:
        assert found.notice.charged_back <= found.amount
