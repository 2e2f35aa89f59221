"""News for the apps above, sent after commit; what settles is told by faktura's signals.

``payment_charged_back``  ``payment_id``, ``document_ids``, ``day``: more of it went back; what it settled is owed again
``payment_changed``       ``payment_id``: under way, received, failed, gone back in part or whole
``payment_failed``        ``payment_id``, ``day``
``refund_changed``        ``refund_id``: under way, paid, failed, withdrawn
``session_closed``        ``session_id``: nobody will pay on that page, or it failed (money may still come)
"""

from collections.abc import Sequence
from datetime import date
from functools import partial

from django.db import transaction
from django.dispatch import Signal

payment_charged_back = Signal()
payment_changed = Signal()
payment_failed = Signal()
refund_changed = Signal()
session_closed = Signal()


def tell_charged_back(payment_id: int, document_ids: Sequence[int], *, day: date) -> None:
    news = {"payment_id": payment_id, "document_ids": list(document_ids), "day": day}
    tell = partial(payment_charged_back.send_robust, sender=None, **news)
    transaction.on_commit(tell, robust=True)


def tell_payment_changed(payment_id: int) -> None:
    tell = partial(payment_changed.send_robust, sender=None, payment_id=payment_id)
    transaction.on_commit(tell, robust=True)


def tell_refund_changed(refund_id: int) -> None:
    tell = partial(refund_changed.send_robust, sender=None, refund_id=refund_id)
    transaction.on_commit(tell, robust=True)
