from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from cms_billing.core import conf

from .providers import Provider, get_provider


@register("cms_billing")
def providers_keep_the_protocol(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types():
        return []
    return [message for code in conf.billing_settings().providers for message in _messages(code)]


def _messages(code: str) -> list[CheckMessage]:
    try:
        provider = get_provider(code)
    except ImportError:
        return []  # named by cms_billing.E003
    except Exception as error:
        return [_lacking(f"The payment provider {code!r} cannot be made: {type(error).__name__}: {error}")]
    if not isinstance(provider, Provider):
        return [_lacking(f"The payment provider {code!r} lacks something of payments.providers.Provider.")]
    if provider.code != code:
        return [
            Error(
                f"CMS_BILLING['PROVIDERS'] lists {provider.code!r} under the code {code!r}.",
                hint="Use the provider's own code as the key: payments are stored under it.",
                id="cms_billing.E021",
            )
        ]
    # What only the provider itself can judge: its library, the form of its keys.
    own_checks = getattr(provider, "own_checks", None)
    return list(own_checks()) if own_checks else []


def _lacking(text: str) -> CheckMessage:
    return Error(
        text,
        hint=(
            "It is made without arguments and needs code, label, capabilities, charge, look_up, refund, "
            "look_up_refund, read_webhook and instructions."
        ),
        id="cms_billing.E020",
    )


@register("cms_billing", deploy=True)
def providers_move_real_money(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types():
        return []
    return [
        Error(
            f"CMS_BILLING['PROVIDERS'] has the test provider {code!r}: its payments count as received, no money moves.",
            hint="Take it out of the settings for production.",
            id="cms_billing.E024",
        )
        for code, path in conf.billing_settings().providers.items()
        if path.startswith("cms_billing.testing.")
    ]


@register("cms_billing")
def member_pages_are_included(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        path = reverse("cms_billing:payment_page", args=["token"])
    except NoReverseMatch:
        return [
            Error(
                "The addresses of cms_billing are not in the URLs: mails and letters would have no payment link.",
                hint='Add path("billing/", include("cms_billing.urls")) before Wagtail\'s.',
                id="cms_billing.E022",
            )
        ]
    if _leads_to_the_payment_page(path):
        return []
    return [
        Error(
            f"Something else answers at {path}: the addresses of cms_billing come too late in the URLs.",
            hint='Move path("billing/", include("cms_billing.urls")) up, before Wagtail\'s, which takes what is left.',
            id="cms_billing.E023",
        )
    ]


def _leads_to_the_payment_page(path: str) -> bool:
    try:
        return resolve(path).view_name == "cms_billing:payment_page"
    except Resolver404:
        return False
