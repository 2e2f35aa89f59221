from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import NoReverseMatch, reverse

from cms_billing.core import conf

from .providers import Provider, all_providers


@register("cms_billing")
def providers_keep_the_protocol(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types():
        return []
    errors: list[CheckMessage] = []
    try:
        providers = all_providers()
    except Exception:
        # An import error is named by cms_billing.E003.
        return []
    for code, provider in providers.items():
        if not isinstance(provider, Provider):
            errors.append(
                Error(
                    f"The payment provider {code!r} lacks something of payments.providers.Provider.",
                    hint="It needs code, label, capabilities, charge, look_up, read_webhook and instructions.",
                    id="cms_billing.E020",
                )
            )
        elif provider.code != code:
            errors.append(
                Error(
                    f"CMS_BILLING['PROVIDERS'] lists {provider.code!r} under the code {code!r}.",
                    hint="Use the provider's own code as the key: payments are stored under it.",
                    id="cms_billing.E021",
                )
            )
    return errors


@register("cms_billing")
def member_pages_are_included(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        reverse("cms_billing:payment_page", args=["token"])
    except NoReverseMatch:
        return [
            Error(
                "The addresses of cms_billing are not in the URLs: mails and letters would have no payment link.",
                hint='Add path("billing/", include("cms_billing.urls")) before Wagtail\'s.',
                id="cms_billing.E022",
            )
        ]
    return []
