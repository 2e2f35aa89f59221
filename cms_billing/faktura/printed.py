"""Words as they are printed on papers for customers, in the papers' languages (the admin has words of its own)."""

from __future__ import annotations

from django.utils.translation import pgettext_lazy

# Kinds of ledger entries, as an account statement names them.
ENTRY_KINDS = {
    "invoice": pgettext_lazy("on an account statement", "Invoice"),
    "payment": pgettext_lazy("on an account statement", "Payment"),
    "credit": pgettext_lazy("on an account statement", "Invoice correction"),
    "cancellation": pgettext_lazy("on an account statement", "Cancellation invoice"),
    "chargeback": pgettext_lazy("on an account statement", "Returned payment"),
    "fee": pgettext_lazy("on an account statement", "Fee"),
    "refund": pgettext_lazy("on an account statement", "Refund"),
    "write_off": pgettext_lazy("on an account statement", "Waived amount"),
    "transfer": pgettext_lazy("on an account statement", "Set-off"),
}
