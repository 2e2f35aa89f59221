"""What a buyer is told and agrees to right above the button (§ 312j, § 356 BGB)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from cms_billing.memberships.models import Plan

from .models import CheckoutSettings
from .selectors import plans_of


@dataclass(frozen=True)
class Consent:
    """A box to tick, empty at first; ``text`` is kept with the order as it was shown."""

    field: str
    text: Any


@dataclass(frozen=True)
class LegalPage:
    label: Any
    url: str


# § 356 (5) BGB: express consent, and knowledge that the right of withdrawal is lost with it.
START_AT_ONCE = Consent(
    "consent_start",
    _(
        "I agree that access to the course starts at once, before the period for withdrawal has ended, and I know that "
        "I lose my right of withdrawal with it."
    ),
)


def needed_consents(request: Any) -> list[Consent]:
    if not CheckoutSettings.for_request(request).ask_to_start_at_once:
        return []
    plans = plans_of(line.product_id for line in request.basket.all_lines())
    sells_content = any(plan.kind == Plan.Kind.COURSE for plan in plans.values())
    return [START_AT_ONCE] if sells_content else []


def legal_pages(request: Any) -> list[LegalPage]:
    texts = CheckoutSettings.for_request(request)
    pages = [
        (_("Terms and conditions"), texts.terms_page),
        (_("Right of withdrawal"), texts.withdrawal_page),
        (_("Privacy policy"), texts.privacy_page),
    ]
    return [LegalPage(label, page.url) for label, page in pages if page and page.live and page.url]
