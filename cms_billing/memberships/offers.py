"""Where plans can be bought: said by whoever sells them, read by whoever shows an offer.

The shop and the paywall do not know each other; they meet here::

    from cms_billing.memberships import offers

    @offers.register_offer_url
    def shop_addresses(plan_ids):
        return {plan_id: "/shop/…/" for plan_id in plan_ids}
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from django.dispatch import Signal

# Sent by whoever sells when an address came or went: what was read before is old.
offers_changed = Signal()

# Plan ids in, addresses out. Called when the rules are loaded, not for each request: the address must not depend on
# the visitor or their language (point to a view that redirects where it has to). Plans that cannot be bought are left
# out.
OfferUrls = Callable[[Collection[int]], Mapping[int, str]]

_sources: list[OfferUrls] = []


def register_offer_url(source: OfferUrls) -> OfferUrls:
    """Usable as a decorator. Registered twice counts once; of two sources the first that knows a plan wins."""
    if source not in _sources:
        _sources.append(source)
    return source


def offer_urls(plan_ids: Collection[int]) -> dict[int, str]:
    urls: dict[int, str] = {}
    for source in reversed(_sources):
        urls |= source(plan_ids)
    return urls
