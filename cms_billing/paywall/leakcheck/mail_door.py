"""Mails that print pages: what ``mail_excerpt`` gives each person, and the mails that the site names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.utils.html import format_html_join
from wagtail.models import Page

from ..excerpts import mail_excerpt
from .clients import Probe
from .ground import Ground
from .texts_of import texts_of

PAGES = 20
# HTML of a mail about a page, as it would go to this person (a user, or AnonymousUser for a list of addresses).
Mail = Callable[[Page, Any], str]

_mails: dict[str, Mail] = {}


def register_mail(name: str, mail: Mail) -> None:
    """A mail of the site about a page: ``register_mail("newsletter", lambda page, person: render(…))``.

    It is made and looked at, never sent.
    """
    _mails[name] = mail


class MailsDoor:
    """Nothing is sent: the mails are made for each visitor and read."""

    name = "mail"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        mails: dict[str, Mail] = {"excerpt": partial(_excerpt, ground), **_mails}
        for page in ground.sample(PAGES):
            for name, mail in mails.items():
                url = f"mail “{name}”: {page.title}"
                yield Probe(self.name, url, page_id=page.pk, text_for=partial(mail, page))


def _excerpt(ground: Ground, page: Page, person: Any) -> str:
    mail = mail_excerpt(page, recipient=person, today=ground.today, full_text=_whole)
    return f"{mail.html}<pre>{mail.text}</pre>"


def _whole(page: Page) -> str:
    """The most that a mail could print."""
    return format_html_join("", "<p>{}</p>", ((text,) for _name, text in texts_of(page)))
