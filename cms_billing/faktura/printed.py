"""Words as they are printed on papers for customers, in the papers' languages (the admin has words of its own)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
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

# Notices that ship with the package. A document keeps them in German, as the law words them; they are printed in its
# language, the paragraph with them. An issuer's own notices are printed as they were written.
NOTICES = {
    "Steuerfrei nach § 19 UStG (Kleinunternehmer).": _(
        "Exempt from VAT under § 19 UStG (small business under German law)."
    ),
    "Steuerfrei nach § 4 UStG.": _("Exempt from VAT under § 4 UStG (German VAT Act)."),
}


def printed_notice(notice: str) -> str:
    """In the active language, where it is one of ours."""
    return str(NOTICES.get(notice, notice))
