"""What other pages and mails may print of a page: its excerpt, and the whole only for who may read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from lxml import etree, html
from wagtail.models import Page
from wagtail.rich_text import get_text_for_indexing

from cms_billing.core import clock

from . import selectors
from .listings import glance
from .rule_map import RulesUnreadable, current_rules
from .rules import RULES_UNREADABLE, Decision
from .teasers import teaser_of

WORDS_OF_A_DESCRIPTION = 30


@dataclass(frozen=True)
class Excerpt:
    """``html`` is what everybody may see of the page; ``url`` is empty for a page that no site serves."""

    page: Page
    decision: Decision
    html: SafeString
    url: str

    @property
    def readable(self) -> bool:
        return self.decision.granted

    @property
    def title(self) -> str:
        return str(self.page.title)

    @property
    def text(self) -> str:
        return plain_text(self.html)


@dataclass(frozen=True)
class MailExcerpt:
    """Both parts of a mail about a page. ``full``: it holds the whole text, so it is for this recipient alone."""

    subject: str
    text: str
    html: SafeString
    full: bool = False


def excerpt_of(request: Any, page: Page) -> Excerpt:
    """The page as an answer to this request may print it; without a request as a guest may see it."""
    return _excerpt(page, decision_of(request, page), url=page.get_url(request) or "")


def decision_of(request: Any, page: Page) -> Decision:
    return glance(request, page) if request is not None else _decision_for(page, None, today=clock.today())


def mail_excerpt(
    page: Page, *, recipient: Any = None, today: date, full_text: Callable[[Page], Any] | None = None
) -> MailExcerpt:
    """The page as a newsletter may print it for ``recipient``, a user or nobody in particular.

    ``full_text`` renders the whole page; it is called only for a recipient who may read it today. All addresses are
    absolute. Never raises because of rules that cannot be read: then there is the title alone.
    """
    decision = _decision_for(page, recipient, today=today)
    excerpt = _excerpt(page, decision, url=page.get_full_url() or "")
    named = recipient is not None and recipient.is_authenticated
    full = full_text is not None and decision.granted and (named or not decision.covered)
    body = mark_safe(str(full_text(page.specific))) if full and full_text else excerpt.html
    content = absolute(body, base=excerpt.url)
    link = format_html('<p><a href="{}">{}</a></p>', excerpt.url, excerpt.title) if excerpt.url else ""
    return MailExcerpt(
        subject=excerpt.title,
        text="\n\n".join(filter(None, [excerpt.title, plain_text(content), excerpt.url])),
        html=format_html("<h2>{}</h2>\n{}\n{}", excerpt.title, content, link),
        full=full,
    )


def description_of(page: Page) -> str:
    """One or two sentences that everybody may read, for search engines and previews of links."""
    return _beginning(page.search_description) or _beginning_of_html(public_teaser(page))


@lru_cache(maxsize=256)
def _beginning_of_html(content: str) -> str:
    """Remembered: each teaser asks twice, and reading HTML takes as long as all else that is said about the page."""
    return _beginning(plain_text(content))


def _beginning(text: str) -> str:
    return Truncator(" ".join(text.split())).words(WORDS_OF_A_DESCRIPTION, truncate="…")


def plain_text(content: str) -> str:
    return " ".join(get_text_for_indexing(str(content)).split())


def absolute(content: str, *, base: str) -> SafeString:
    """HTML whose links and pictures work in a mail."""
    if not content or not base:
        return mark_safe(content)
    try:
        tree = html.fragment_fromstring(str(content), create_parent="div")
    except etree.ParserError:
        return mark_safe("")
    tree.make_links_absolute(base)
    return mark_safe(html.tostring(tree, encoding="unicode"))


def _decision_for(page: Page, recipient: Any, *, today: date) -> Decision:
    try:
        return selectors.decisions_for([page], recipient or AnonymousUser(), today=today)[page.pk]
    except RulesUnreadable:
        return RULES_UNREADABLE


def _excerpt(page: Page, decision: Decision, *, url: str) -> Excerpt:
    unknown = decision is RULES_UNREADABLE
    content = mark_safe("") if unknown else teaser_of(page.specific, decision.rule)
    return Excerpt(page=page, decision=decision, html=content, url=url)


def public_teaser(page: Page) -> SafeString:
    """As a guest sees it, whoever asks: previews of links are the same for all."""
    try:
        return teaser_of(page.specific, current_rules().rule_for(page.path))
    except RulesUnreadable:
        return mark_safe("")
