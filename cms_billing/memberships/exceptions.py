from datetime import date

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError
from cms_billing.core.texts import day_text


class NoPrice(BillingError):
    """A plan has no price that is valid on the day."""

    def __init__(self, *, plan: object, day: date) -> None:
        super().__init__(
            _("The plan “%(plan)s” has no price on %(day)s. Add one under Billing › Plans.")
            % {"plan": plan, "day": day_text(day)}
        )


class NotOnSale(BillingError):
    def __init__(self, *, plan: object) -> None:
        super().__init__(_("The plan “%(plan)s” is not on sale.") % {"plan": plan})


class WrongStep(BillingError):
    """A contract cannot go from its state to the one asked for."""

    def __init__(self, *, contract: object, state: object, wanted: object) -> None:
        super().__init__(
            _("Contract %(contract)s is “%(state)s” and cannot become “%(wanted)s”.")
            % {"contract": contract, "state": state, "wanted": wanted}
        )


class WrongDate(BillingError):
    """A date that cannot be right for this contract."""
