"""What became of a payment or refund, folded from its webhooks. Pure; any order, any repetition, the same answer.

A later success wins over an earlier failure, and a failure never overrides a success (Adyen sends false, then true, for
one payment, and the two in any order). Money that left again is always told as a sum, so nothing can be counted twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from cms_billing.core.money import Money

from ..values import Notice, RefundNotice, RefundStatus, Status
from .codes import advice_of, code_of_reason
from .told import Told

# The steps of a dispute, and whether the money is gone after it. All events of one dispute have its pspReference; the
# last step decides, whichever came last. A request for information, a notification of a chargeback and the end of a
# defence period move no money.
DISPUTE_STEPS = {
    "CHARGEBACK": (1, True),
    "CHARGEBACK_REVERSED": (2, False),
    "SECOND_CHARGEBACK": (3, True),
    "PREARBITRATION_ISSUER_WITHDRAWN": (4, False),
    "PREARBITRATION_WON": (4, False),
    "PREARBITRATION_LOST": (5, True),
    "SCHEME_ARBITRATION_LOST": (6, True),
    "SCHEME_ARBITRATION_WON": (7, False),
}
REFUNDS = ("REFUND", "CANCEL_OR_REFUND")
REFUNDS_UNDONE = ("REFUND_FAILED", "REFUNDED_REVERSED")
CANCELLED = ("CANCELLATION", "TECHNICAL_CANCEL")
# Nobody will pay it any more.
ABANDONED = ("OFFER_CLOSED", "EXPIRE", *CANCELLED)
# Events whose pspReference is the payment itself.
OWN = ("AUTHORISATION", "PENDING", "OFFER_CLOSED")


@dataclass(frozen=True)
class Folded:
    """One payment: the amount that was authorised (None where no webhook has said it), and what became of it."""

    psp: str
    amount: Money | None
    notice: Notice

    @property
    def rank(self) -> int:
        """Money that came wins over money that may come, and that over a refusal."""
        return {Status.FAILED: 0, Status.PENDING: 1}.get(self.notice.status, 2)


def fold_payment(told: Iterable[Told], *, reference: str, key: uuid.UUID | None) -> Folded | None:
    """The payment with this reference or key; None where no webhook speaks of it.

    Several attempts may carry one key (a page that was refused, then paid): the one that paid counts.
    """
    items = frozenset(told)
    mine = {reference} if reference else set()
    for item in items:
        if key is not None and item.ours == str(key):
            mine |= {item.psp} if item.event in OWN else _payment_of(item)
    folded = [found for psp in sorted(mine) if (found := _fold_one(items, psp, key))]
    return max(folded, key=lambda found: (found.rank, found.psp == reference, found.psp), default=None)


def _payment_of(item: Told) -> set[str]:
    """Disputes and captures carry our reference of the payment; refunds may carry their own."""
    return {item.original} if item.original and item.event not in (*REFUNDS, *REFUNDS_UNDONE) else set()


def _fold_one(items: frozenset[Told], psp: str, key: uuid.UUID | None) -> Folded | None:
    own = sorted(item for item in items if item.psp == psp and item.event in OWN)
    after = _belonging(items, psp, key)
    authorised = [item for item in own if item.event == "AUTHORISATION" and item.success]
    if authorised or _shows_money(after):
        return _paid(psp, authorised[0].amount if authorised else None, after, key)
    refused = [item for item in own if item.event == "AUTHORISATION"]
    given_up = [item for item in (*own, *after) if item.event in ABANDONED and item.success]
    if refused or given_up:
        return _failed(psp, (refused or given_up)[-1], key)
    if any(item.event == "PENDING" and item.success for item in own):
        return Folded(psp, own[0].amount, Notice(psp, Status.PENDING, idempotency_key=key))
    return None


def _belonging(items: frozenset[Told], psp: str, key: uuid.UUID | None) -> list[Told]:
    """What came after the payment.

    News of a failed refund name the payment or the refund. Late news of a dispute may name no payment: they are known
    by the dispute or by our reference.
    """
    direct = {item for item in items if item.original == psp}
    refunds = {item.psp for item in direct if item.event in REFUNDS}
    disputes = {item.psp for item in direct if item.event in DISPUTE_STEPS}
    nameless = {item for item in items if item.event in DISPUTE_STEPS and not item.original}
    return sorted(
        direct
        | {item for item in items if item.original in refunds}
        | {item for item in nameless if item.psp in disputes or (key is not None and item.ours == str(key))}
    )


def _shows_money(after: Iterable[Told]) -> bool:
    """What can only have happened to money that came, where the authorisation itself was never told."""
    proofs = {*DISPUTE_STEPS, *REFUNDS_UNDONE, "REFUND", "CAPTURE", "CAPTURE_FAILED"}
    return any(item.success and item.event in proofs for item in after)


def _failed(psp: str, item: Told, key: uuid.UUID | None) -> Folded:
    notice = Notice(
        psp,
        Status.FAILED,
        reason=item.reason or item.event,
        idempotency_key=key,
        code=item.code or code_of_reason(item.reason),
        advice=advice_of(item.advice),
    )
    return Folded(psp, item.amount, notice)


def _paid(psp: str, amount: Money | None, after: list[Told], key: uuid.UUID | None) -> Folded:
    currency = after[0].currency if amount is None else amount.currency
    refunded = _at_most(_refunded(after, amount, currency), amount)
    back = _at_most(_lost(after, amount, currency), amount)
    why = next((item for item in reversed(after) if _takes_money(item)), None)
    status = Status.SETTLED
    if back:
        status = Status.CHARGED_BACK
    elif amount is not None and amount.minor and refunded == amount:
        status = Status.REFUNDED
    notice = Notice(
        psp,
        status,
        reason=(why.reason or why.event) if back and why else "",
        code=why.code if back and why else "",
        idempotency_key=key,
        charged_back=back if back else None,
        refunded=refunded,
    )
    return Folded(psp, amount, notice)


def _takes_money(item: Told) -> bool:
    return item.event in ("CAPTURE_FAILED", "EXPIRE") or DISPUTE_STEPS.get(item.event, (0, False))[1]


def _lost(after: list[Told], amount: Money | None, currency: str) -> Money:
    """Charged back, or never captured."""
    if _capture_failed(after):
        return _of_event(after, "CAPTURE_FAILED") if amount is None else amount
    expired = sum(item.amount.minor for item in after if item.event == "EXPIRE" and item.success)
    return Money(expired + sum(_disputed(after)), currency)


def _of_event(after: list[Told], event: str) -> Money:
    return max((item for item in after if item.event == event), key=lambda item: item.value).amount


def _disputed(after: list[Told]) -> list[int]:
    """What each dispute has taken, in minor units, as its last step says."""
    disputes: dict[str, list[Told]] = {}
    for item in after:
        if item.event in DISPUTE_STEPS and item.success:
            disputes.setdefault(item.psp, []).append(item)
    taken = []
    for steps in disputes.values():
        last = max(steps, key=lambda item: DISPUTE_STEPS[item.event][0])
        taken.append(last.amount.minor if DISPUTE_STEPS[last.event][1] else 0)
    return taken


def _capture_failed(after: list[Told]) -> bool:
    """A capture that the scheme rejected afterwards, unless another one went through."""
    failed = {item.psp for item in after if item.event == "CAPTURE_FAILED"}
    captured = {item.psp for item in after if item.event == "CAPTURE" and item.success}
    return bool(failed) and not captured - failed


def _refunded(after: list[Told], amount: Money | None, currency: str) -> Money:
    """Paid back so far. A payment that was cancelled as a whole has gone back as a whole."""
    if amount is not None and any(item.success and item.event in CANCELLED for item in after):
        return amount
    paid = {item.psp: item.amount.minor for item in after if item.event in REFUNDS and item.success}
    undone = [item for item in after if item.event in REFUNDS_UNDONE]
    back = {psp: minor for psp, minor in paid.items() if not any(_undoes(item, psp) for item in undone)}
    unnamed = {item.psp: item.amount.minor for item in undone if not any(_undoes(item, psp) for psp in paid)}
    return Money(max(0, sum(back.values()) - sum(unnamed.values())), currency)


def _undoes(item: Told, refund: str) -> bool:
    return refund in (item.psp, item.original)


def _at_most(money: Money, amount: Money | None) -> Money:
    return money if amount is None else min(money, amount)


def fold_refund(told: Iterable[Told], *, reference: str, key: uuid.UUID | None) -> RefundNotice | None:
    """The refund with this reference or key; None where no webhook speaks of it."""
    items = frozenset(told)
    names = {reference} if reference else set()
    names |= {
        item.psp for item in items if item.event in REFUNDS and key is not None and item.ours == str(key)
    }
    asked = sorted(item for item in items if item.event in REFUNDS and item.psp in names)
    undone = sorted(
        item
        for item in items
        if item.event in REFUNDS_UNDONE and (_names_one(item, names) or (key and item.ours == str(key)))
    )
    if not asked and not undone:
        return None
    psp = reference or min(names, default="") or undone[0].psp
    if undone:
        return RefundNotice(psp, RefundStatus.FAILED, undone[-1].reason or undone[-1].event, key)
    if any(item.success for item in asked):
        return RefundNotice(psp, RefundStatus.PAID, idempotency_key=key)
    return RefundNotice(psp, RefundStatus.FAILED, asked[-1].reason or asked[-1].event, key)


def _names_one(item: Told, names: set[str]) -> bool:
    return any(_undoes(item, name) for name in names)
