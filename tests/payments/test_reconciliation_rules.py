"""Movements of payouts against our payments and refunds: every sum and every difference is told."""

from hypothesis import given
from hypothesis import strategies as st

from cms_billing.payments.reconciliation import Known, Match, Movement, Reason, adds_up, match_movements

OURS = {"p1": Known(1, 1000, "EUR"), "p2": Known(2, 500, "EUR")}
BACK = {"r1": Known(7, 300, "EUR")}


def movement(kind, reference, gross, position=1, currency="EUR", **names):
    return Movement(position, kind, reference, gross, currency, **names)


def only(*movements, **known):
    return match_movements(movements, **{"payments": OURS, "refunds": BACK, **known})[-1]


def test_payment_is_found_by_its_reference_or_the_one_it_belongs_to():
    assert only(movement("payment", "p1", 1000)) == Match(1, 1, ours=1000)
    assert only(movement("payment", "txn", 500, payment_reference="p2")) == Match(1, 2, ours=500)


def test_payment_nobody_here_knows_is_a_difference():
    assert only(movement("payment", "p9", 1000)) == Match(1, reason=Reason.UNKNOWN_PAYMENT)


def test_payment_of_another_amount_is_a_difference_with_both_amounts():
    assert only(movement("payment", "p1", 999)) == Match(1, 1, reason=Reason.OTHER_AMOUNT, ours=1000)


def test_exchanged_amount_cannot_be_compared():
    assert only(movement("payment", "p1", 870, currency="CHF")).reason is None


def test_second_movement_of_a_payment_is_paid_twice_here_and_in_another_payout():
    twice = [movement("payment", "p1", 1000), movement("payment", "p1", 1000, position=2)]
    assert only(*twice).reason is Reason.PAID_TWICE
    assert only(twice[0], paid_out=[1]).reason is Reason.PAID_TWICE


def test_refund_is_found_once_and_may_come_back():
    taken = movement("refund", "x", -300, payment_reference="p1", refund_reference="r1")
    assert only(taken) == Match(1, 1, 7, ours=-300)
    assert only(taken, given_back=[7]).reason is Reason.PAID_TWICE
    assert only(taken, movement("refund", "r1", 300, position=2)).reason is None


def test_refund_made_at_the_provider_is_a_difference_at_its_payment():
    found = only(movement("refund", "r9", -300, payment_reference="p1"))
    assert (found.payment, found.reason) == (1, Reason.UNKNOWN_REFUND)


def test_chargeback_takes_no_more_than_the_payment():
    assert only(movement("chargeback", "d", -1000, payment_reference="p1")).reason is None
    assert only(movement("chargeback", "d", -1001, payment_reference="p1")).reason is Reason.OTHER_AMOUNT
    assert only(movement("chargeback", "d", -5, payment_reference="p9")).reason is Reason.UNKNOWN_PAYMENT


def test_fees_and_others_differ_from_nothing():
    assert only(movement("fee", "f", -35)) == Match(1)
    assert only(movement("other", "o", 12345)) == Match(1)


kinds = st.sampled_from(["payment", "refund", "chargeback", "fee", "other"])
names = st.sampled_from(["p1", "p2", "r1", "x", ""])
movements = st.lists(
    st.builds(
        Movement,
        position=st.just(0),
        kind=kinds,
        reference=names,
        gross=st.integers(-2000, 2000),
        currency=st.sampled_from(["EUR", "CHF"]),
        payment_reference=names,
        refund_reference=names,
    ),
    max_size=20,
).map(lambda found: [Movement(n, *list(vars(m).values())[1:]) for n, m in enumerate(found)])


@given(movements)
def test_whatever_comes_each_payment_is_paid_out_once_without_a_reason(told):
    matches = match_movements(told, payments=OURS, refunds=BACK)
    assert [match.position for match in matches] == [m.position for m in told]
    for kind, column in (("payment", "payment"), ("refund", "refund")):
        agreed = [
            getattr(match, column)
            for match, m in zip(matches, told, strict=True)
            if m.kind == kind
            and match.reason in (None, Reason.OTHER_AMOUNT)
            and m.gross <= (0 if kind == "refund" else 9**9)
        ]
        found = [pk for pk in agreed if pk is not None]
        assert len(found) == len(set(found))


@given(movements)
def test_what_agrees_has_our_amount_to_the_cent(told):
    for match, m in zip(match_movements(told, payments=OURS, refunds=BACK), told, strict=True):
        if match.reason is None and m.kind == "payment" and m.currency == "EUR":
            assert m.gross == match.ours == next(k.amount for k in OURS.values() if k.pk == match.payment)
        if match.reason is None and m.kind == "refund" and m.currency == "EUR" and m.gross <= 0:
            assert m.gross == match.ours == -300


@given(st.lists(st.integers(-(10**6), 10**6)), st.integers(-(10**6), 10**6))
def test_payout_adds_up_only_to_its_movements(nets, error):
    assert adds_up(amount=sum(nets), nets=nets)
    assert adds_up(amount=sum(nets) + error, nets=nets) == (error == 0 or not nets)
