"""``payment_failed``: ``payment_id``, ``day``. Sent after commit; what settles is told by faktura's signals."""

from django.dispatch import Signal

payment_failed = Signal()
