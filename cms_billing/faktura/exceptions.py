from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core.exceptions import BillingError
from cms_billing.core.texts import day_text


class InvoiceNotLawful(BillingError):
    """An invoice that the tax office would not accept is not issued; the message names the missing fields."""

    def __init__(self, *, customer: object, missing: Sequence[str]) -> None:
        self.missing = list(missing)
        names = ", ".join(str(FIELD_LABELS.get(field, field)) for field in missing)
        super().__init__(
            _(
                "The invoice for %(customer)s is not issued, because the law asks for: %(fields)s. "
                "Fill it in and run again."
            )
            % {"customer": customer, "fields": names}
        )


class NoTaxRate(BillingError):
    """No rate is recorded for a tax code on a day."""

    def __init__(self, *, code: str, country: str, day: date) -> None:
        super().__init__(
            _("There is no tax rate “%(code)s” for %(country)s on %(day)s. Add it under Billing › Tax rates.")
            % {"code": code, "country": country, "day": day_text(day)}
        )


class CannotCancel(BillingError):
    """The document cannot be cancelled; the message says why."""

    def __init__(self, *, document: object, obstacle: str) -> None:
        super().__init__(OBSTACLES[obstacle] % {"document": document})


class LineNotCredited(BillingError):
    """A line cannot be credited as asked; the message says what is left of it."""

    def __init__(self, *, document: object, position: int, description: str, text: str) -> None:
        self.text = text
        super().__init__(
            _("%(document)s, line %(position)s (%(description)s): %(reason)s")
            % {"document": document, "position": position, "description": description, "reason": text}
        )


class NotADraft(BillingError):
    """The document has been issued, or has never been a draft."""

    def __init__(self, *, document: object) -> None:
        super().__init__(
            _("%(document)s has been issued and stays as it is; correct it with a new document.")
            % {"document": document}
        )


class DraftNotReady(BillingError):
    """A draft lacks what an invoice needs; the message says what."""


class WrongDeposit(BillingError):
    """A deposit that cannot be taken off as asked."""


class CannotWriteOff(BillingError):
    """An open amount that may not be written off as asked; the message says why."""


class NothingToSettle(BillingError):
    """There is no credit to settle with, or nothing is owed."""


class WrongPeriod(BillingError):
    """A period that cannot be meant."""


class NumbersTaken(BillingError):
    """The next number of a series cannot be changed: some have been given out."""

    def __init__(self, *, series: object) -> None:
        super().__init__(
            _("Numbers of “%(series)s” have been given out: the next one follows by itself, without a gap.")
            % {"series": series}
        )


class WrongAmount(BillingError):
    """An amount that cannot be what was meant."""


OBSTACLES = {
    "draft": gettext_lazy("%(document)s is a draft: delete it instead of cancelling it."),
    "kind": gettext_lazy("%(document)s cannot be cancelled: only invoices can. Issue a new invoice instead."),
    "cancelled": gettext_lazy("%(document)s has been cancelled already."),
    "deducted": gettext_lazy(
        "%(document)s is a deposit that a final invoice has taken off: cancel the final invoice first."
    ),
    "foreign_line": gettext_lazy("A line that is to be credited does not belong to %(document)s."),
    "no_line": gettext_lazy("Say which lines of %(document)s are credited."),
    "nothing_left": gettext_lazy("Nothing is left of %(document)s: all of its lines have been credited."),
}

FIELD_LABELS = {
    "issuer.legal_name": gettext_lazy("legal name of the issuer"),
    "issuer.street": gettext_lazy("street of the issuer"),
    "issuer.postal_code": gettext_lazy("postal code of the issuer"),
    "issuer.city": gettext_lazy("city of the issuer"),
    "issuer.country": gettext_lazy("country of the issuer"),
    "issuer.tax_number": gettext_lazy("tax number or VAT id of the issuer"),
    "customer.name": gettext_lazy("name of the customer"),
    "customer.street": gettext_lazy("street of the customer"),
    "customer.postal_code": gettext_lazy("postal code of the customer"),
    "customer.city": gettext_lazy("city of the customer"),
    "customer.country": gettext_lazy("country of the customer"),
}
