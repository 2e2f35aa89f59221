"""Which installed app needs which other: asked before models are imported, and by the checks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

LAYERS = {
    "cms_billing.faktura": ("cms_billing.core",),
    "cms_billing.payments": ("cms_billing.faktura",),
    "cms_billing.memberships": ("cms_billing.payments",),
    "cms_billing.dunning": ("cms_billing.payments",),
    "cms_billing.paywall": ("cms_billing.memberships", "cms_billing.dunning"),
    "cms_billing.shop": ("cms_billing.memberships", "oscar"),
    "cms_billing.shop.checkout": ("cms_billing.shop",),
    "cms_billing.daily": ("cms_billing.memberships", "cms_billing.dunning"),
    "cms_billing.testing": ("cms_billing.daily",),
}
# App: what breaks without it, for whom.
OTHERS = {
    "django_q": ("cms_billing.core", "no worker sends mails or makes the daily run"),
    "wagtail.admin": ("cms_billing.core", "there is no Billing menu"),
    "wagtail.contrib.settings": ("cms_billing.shop", "the settings of the checkout have no page"),
    "django.contrib.flatpages": ("oscar", "Oscar's dashboard asks for it"),
    "haystack": ("oscar", "Oscar's product lists ask for it"),
    "django_tables2": ("oscar", "Oscar's dashboard asks for it"),
    "widget_tweaks": ("oscar", "Oscar's forms ask for it"),
}


def missing_layers(installed: Collection[str]) -> Iterator[tuple[str, str]]:
    """``(app, what it needs)`` for every pair of which only the first is installed."""
    for app, needed in LAYERS.items():
        if app in installed:
            yield from ((app, name) for name in needed if name not in installed)


def missing_others(installed: Collection[str]) -> Iterator[tuple[str, str]]:
    """``(app that is missing, what breaks)``"""
    for app, (needed_by, what_breaks) in OTHERS.items():
        if needed_by in installed and app not in installed:
            yield app, what_breaks


def sentence(pairs: Collection[tuple[str, str]]) -> str:
    return "; ".join(f"{app} needs {needed}" for app, needed in pairs)
