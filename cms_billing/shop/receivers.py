"""What is sold where may have changed: whoever shows offers is told."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from oscar.core.loading import get_model

from cms_billing.memberships.offers import offers_changed

from .models import PlanProduct


def connect() -> None:
    # A product that is hidden or shown again changes what is on offer like one that is tied to a plan.
    for model in (PlanProduct, get_model("catalogue", "Product")):
        for signal in (post_save, post_delete):
            signal.connect(_tell, sender=model, dispatch_uid=f"shop.offers.{model.__name__}.{id(signal)}")


def _tell(sender: type, **kwargs: Any) -> None:
    offers_changed.send(sender=sender)
