"""The magazine as a feed: teasers for everybody, at a member's own address the articles they may read."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from wagtail.models import Page

from cms_billing.paywall.feeds import PaywallFeed

from .models import ArticlePage, latest_articles

ARTICLES = 20


class MagazineFeed(PaywallFeed):
    link = "/magazin/"

    def title(self) -> str:
        return _("Saitenweg Magazine")

    def description(self) -> str:
        return _("Articles of the academy, newest first.")

    def items(self, obj: object) -> QuerySet[ArticlePage]:
        return latest_articles()[:ARTICLES]

    def item_author_name(self, item: ArticlePage) -> str:
        return item.author

    def item_full_text(self, item: Page) -> str:
        return item.body.render_as_block(self.context_for(item))
