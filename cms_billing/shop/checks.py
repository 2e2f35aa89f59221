"""System checks of the shop (``cms_billing.E050`` and on): what goes wrong between Oscar, Wagtail and billing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from oscar.core.loading import get_class

from cms_billing.core.middleware_order import place_of

EMAIL_BACKEND = "oscar.apps.customer.auth_backends.EmailBackend"
BASKET = "oscar.apps.basket.middleware.BasketMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
CONTEXT_PROCESSORS = (
    "django.template.context_processors.request",
    "oscar.apps.search.context_processors.search_form",
    "oscar.apps.checkout.context_processors.checkout",
    "oscar.apps.communication.notifications.context_processors.notifications",
    "oscar.core.context_processors.metadata",
)
THUMBNAILERS = {"SorlThumbnail": "sorl.thumbnail", "EasyThumbnails": "easy_thumbnails"}
PRE_RELEASE = re.compile(r"(a|b|rc|dev)\d*", re.IGNORECASE)


@register("cms_billing")
def checkout_is_ours(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not apps.is_installed("cms_billing.shop"):
        return []
    from .checkout.mixins import OrderPlacementMixin

    if issubclass(get_class("checkout.mixins", "OrderPlacementMixin"), OrderPlacementMixin):
        return []
    return [
        Error(
            "Oscar's own checkout is installed: its orders would never become contracts or invoices.",
            hint=(
                "In INSTALLED_APPS put “cms_billing.shop.checkout” in place of "
                "“oscar.apps.checkout.apps.CheckoutConfig”. A checkout of your own derives from it."
            ),
            id="cms_billing.E050",
        )
    ]


@register("cms_billing")
def prices_know_tax(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    from oscar.apps.partner.strategy import DeferredTax, NoTax

    strategy = get_class("partner.strategy", "Selector")().strategy()
    if not isinstance(strategy, (NoTax, DeferredTax)):
        return []
    return [
        Error(
            f"Oscar's price strategy {type(strategy).__name__} knows no tax: invoices would not show what was charged.",
            hint=(
                "Set OSCAR_DYNAMIC_CLASS_LOADER = “cms_billing.shop.loading.load_classes”, or derive the Selector of "
                "your own partner app from cms_billing.shop.strategy.Selector."
            ),
            id="cms_billing.E051",
        )
    ]


@register(Tags.database)
def plan_products_can_be_sold(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Runs with ``check --database default`` and before ``migrate``."""
    from .models import PlanProduct

    table = PlanProduct._meta.db_table
    if not databases or "default" not in databases:
        return []
    if table not in connections["default"].introspection.table_names():
        return []
    rows = PlanProduct.objects.select_related(
        "product__product_class", "product__parent__product_class", "plan__issuer"
    ).prefetch_related("plan__prices")
    return [message for row in rows for message in _messages(row)]


def _messages(row: Any) -> list[CheckMessage]:
    from cms_billing.core import clock

    from .strategy import PriceBook

    messages: list[CheckMessage] = []
    product_class = row.product.get_product_class()
    if product_class and product_class.track_stock:
        messages.append(
            Error(
                f"The product “{row.product}” sells a plan, but its class “{product_class}” keeps stock.",
                hint="A plan never runs out. Switch “track stock” off, or give it a class of its own.",
                obj=row,
                id="cms_billing.E052",
            )
        )
    if row.plan.is_active and PriceBook(clock.today(row.plan.issuer)).first_amount(row.plan) is None:
        messages.append(
            Error(
                f"The product “{row.product}” sells the plan “{row.plan}”, which has no price today.",
                hint="Add a price under Billing › Plans. Until then the product cannot be bought.",
                obj=row,
                id="cms_billing.E053",
            )
        )
    return messages


@register("cms_billing")
def buyers_can_sign_in(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    if EMAIL_BACKEND not in settings.AUTHENTICATION_BACKENDS:
        messages.append(
            Error(
                "Oscar's accounts sign in with their e-mail address, but no backend for that is configured.",
                hint=f"Add “{EMAIL_BACKEND}” to AUTHENTICATION_BACKENDS.",
                id="cms_billing.E054",
            )
        )
    address = _address(settings.LOGIN_URL)
    if address is None:
        messages.append(
            Error(
                f"LOGIN_URL is {settings.LOGIN_URL!r}, and there is no page at that address.",
                hint="Set LOGIN_URL = “customer:login” and WAGTAIL_FRONTEND_LOGIN_URL to the same page.",
                id="cms_billing.E055",
            )
        )
    return messages


def _address(name: str) -> str | None:
    """The path of a login page that exists, or None."""
    if not name:
        return None
    try:
        path = resolve_url(name)
        resolve(path.split("?")[0])
    except (NoReverseMatch, Resolver404):
        return None
    return path


@register("cms_billing")
def shop_stands_before_oscar(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    names = [config.name for config in apps.get_app_configs()]
    if "cms_billing.shop" not in names or "oscar" not in names:
        return []
    if names.index("cms_billing.shop") < names.index("oscar"):
        return []
    return [
        Warning(
            "cms_billing.shop stands after Oscar in INSTALLED_APPS: Oscar's order pages would not show the invoices.",
            hint="Move “cms_billing.shop” above “oscar.config.Shop”.",
            id="cms_billing.W056",
        )
    ]


@register("cms_billing")
def vouchers_count_with_tax(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if getattr(settings, "OSCAR_OFFERS_INCL_TAX", False):
        return []
    return [
        Warning(
            "Oscar works out offers and vouchers on prices without tax.",
            hint="Set OSCAR_OFFERS_INCL_TAX = True: “5 € off” is meant with tax.",
            id="cms_billing.W057",
        )
    ]


@register("cms_billing")
def baskets_are_there(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    basket = place_of(BASKET, settings.MIDDLEWARE)
    authentication = place_of(AUTHENTICATION, settings.MIDDLEWARE)
    if basket is not None and authentication is not None and authentication < basket:
        return []
    what = "is missing" if basket is None else "comes before authentication"
    return [
        Error(
            f"Oscar's basket middleware {what}: no page of the shop would open.",
            hint=f"Put {BASKET!r} into MIDDLEWARE, after {AUTHENTICATION!r} and the paywall.",
            id="cms_billing.E058",
        )
    ]


@register("cms_billing")
def templates_know_the_shop(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    options: list[Any] = [engine.get("OPTIONS", {}) for engine in settings.TEMPLATES]
    given = {name for option in options for name in option.get("context_processors", [])}
    missing = [name for name in CONTEXT_PROCESSORS if name not in given]
    if not missing:
        return []
    return [
        Warning(
            f"Templates of the shop lack what these context processors bring: {', '.join(missing)}.",
            hint='Add them to "context_processors" in TEMPLATES.',
            id="cms_billing.W059",
        )
    ]


@register("cms_billing")
def shop_has_addresses(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        path = reverse("checkout:index")
        if resolve(path).view_name == "checkout:index":
            return []
        what = f"Something else answers at {path}: Oscar's addresses come too late in the URLs."
    except NoReverseMatch:
        what = "Oscar's addresses are not in the URLs."
    except Resolver404:
        what = "Oscar's addresses lead nowhere."
    return [
        Error(
            what,
            hint='Add path("shop/", include(apps.get_app_config("oscar").urls[0])) before Wagtail\'s.',
            id="cms_billing.E060",
        )
    ]


@register("cms_billing")
def search_of_the_shop_is_released(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Oscar asks for any django-haystack, and pip may answer with a pre-release."""
    try:
        version = metadata.version("django-haystack")
    except metadata.PackageNotFoundError:
        return []
    if not PRE_RELEASE.search(version):
        return []
    return [
        Warning(
            f"django-haystack {version} is a pre-release, which Oscar has not been tested with.",
            hint='Install with `--constraint constraints.txt`, or `pip install "django-haystack>=3.3,<4"`.',
            id="cms_billing.W061",
        )
    ]


@register("cms_billing")
def pictures_can_be_scaled(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Oscar imports its thumbnailer when the first picture of a product is shown, which is late to find out."""
    thumbnailer = getattr(settings, "OSCAR_THUMBNAILER", "")
    needed = next((app for name, app in THUMBNAILERS.items() if thumbnailer.endswith(name)), None)
    if needed is None or apps.is_installed(needed):
        return []
    return [
        Error(
            f"Oscar scales pictures with {thumbnailer}, but {needed!r} is not in INSTALLED_APPS.",
            hint=f"Install the package and add {needed!r}, or set OSCAR_THUMBNAILER to what you have.",
            id="cms_billing.E062",
        )
    ]


@register("cms_billing")
def order_statuses_exist(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A status that no order can get would silently never ship or close one. Defaults may be missing."""
    pipeline = getattr(settings, "OSCAR_ORDER_STATUS_PIPELINE", {})
    given = getattr(settings, "CMS_BILLING", {}) or {}
    keys = ("SHIPPED_ORDER_STATUS", "CANCELLED_ORDER_STATUS")
    unknown = [key for key in keys if given.get(key) and given[key] not in pipeline]
    return [
        Warning(
            f'CMS_BILLING["{key}"] is {given[key]!r}, which OSCAR_ORDER_STATUS_PIPELINE does not know.',
            hint="Write it as in the pipeline, or add it there.",
            id="cms_billing.W063",
        )
        for key in unknown
    ]
