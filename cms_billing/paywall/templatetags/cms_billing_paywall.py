"""Words for the teaser's plans."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from ..offers import Offer
from ..rules import Decision
from ..sharing.selectors import may_give

register = template.Library()

PRICES = {
    "monthly": _("%(price)s a month"),
    "quarterly": _("%(price)s a quarter"),
    "half_yearly": _("%(price)s every six months"),
    "yearly": _("%(price)s a year"),
    "once": _("%(price)s once"),
}
INSTALMENTS = _("%(price)s in %(count)s monthly instalments")


@register.filter
def price_text(offer: Offer) -> str:
    """``9,90 € a month``, in the language that is active."""
    if offer.price is None:
        return gettext("Price on request")
    text = (
        INSTALMENTS if offer.plan.interval == "instalments" else PRICES.get(offer.plan.interval, "%(price)s")
    )
    return str(text) % {
        "price": offer.price.format(get_language() or "en"),
        "count": offer.plan.instalments,
    }


@register.filter
def may_be_given(decision: Decision | None) -> bool:
    """``{% if paywall_decision|may_be_given %}``: does the reader hold what it takes to give the page away?"""
    return may_give(decision)
