"""The sitemap: closed pages stay in it, because their teaser is what search engines are to find.

from wagtail.contrib.sitemaps.views import sitemap

path("sitemap.xml", sitemap, {"sitemaps": {"pages": PaywallSitemap}})
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from wagtail.contrib.sitemaps import Sitemap
from wagtail.models import get_page_models

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings

from .selectors import visible_to


class PaywallSitemap(Sitemap):
    """Without the kinds of pages that search engines are told to leave out (``paywall_noindex = True``)."""

    # None: as CMS_BILLING["SITEMAP_CLOSED_PAGES"] says.
    closed_pages: bool | None = None

    def items(self) -> Any:
        pages = super().items().not_type(*noindexed_kinds())
        keep = billing_settings().sitemap_closed_pages if self.closed_pages is None else self.closed_pages
        return pages if keep else visible_to(pages, AnonymousUser(), today=clock.today())


def noindexed_kinds() -> list[type]:
    return [model for model in get_page_models() if getattr(model, "paywall_noindex", False)]
