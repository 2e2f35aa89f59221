"""What an integrator can get wrong with protected files and guarded addresses (``E145`` to ``E150``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.files.storage import default_storage, storages
from django.db import connections
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse

from cms_billing.core.checks import public_folder_around
from cms_billing.core.conf import billing_settings, wrong_types
from cms_billing.core.private_files import private_storage

from .address_readings import prefix_of
from .files.storage import keeps_apart
from .prefixes import prefixes

# Everybody needs these, above all who owes something.
ALWAYS_REACHABLE = ("cms_billing:account_arrears", "wagtailadmin_home", "wagtailadmin_login")


@register("cms_billing")
def private_storage_is_private(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if wrong_types():
        return []
    alias = billing_settings().private_storage
    try:
        storage = private_storage()
    except Exception as error:  # noqa: BLE001, RUF100  (whatever the backend raises on a wrong option)
        return [
            Error(
                f"STORAGES has no usable entry {alias!r} for files that only some may have: {error}",
                hint="Add a private storage, for example FileSystemStorage with a location outside MEDIA_ROOT.",
                id="cms_billing.E145",
            )
        ]
    public = public_folder_around(storage)
    if public is None and storage is not storages["default"]:
        return []
    return [
        Error(
            f"Files that only some may have lie inside {public or 'the public storage'}, where everybody gets them.",
            hint=f"Give STORAGES[{alias!r}] a location of its own, out of MEDIA_ROOT and STATIC_ROOT.",
            id="cms_billing.E146",
        )
    ]


@register("cms_billing")
def object_storage_is_private(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """django-storages takes what it is not told from settings that are meant for public media."""
    if wrong_types():
        return []
    try:
        storage = private_storage()
    except Exception:  # noqa: BLE001, RUF100  (E145 says it)
        return []
    alias = billing_settings().private_storage
    return [
        Error(problem, hint=f"Give STORAGES[{alias!r}] {option} among its OPTIONS.", id="cms_billing.E150")
        for problem, option in _public_options(storage)
    ]


def _public_options(storage: Any) -> Iterator[tuple[str, str]]:
    if str(getattr(storage, "default_acl", None) or "").startswith("public"):
        yield (
            "The storage for files that only some may have uploads them for everybody.",
            "default_acl='private'",
        )
    if not billing_settings().files_sent_by_storage:
        return
    unsigned = "The storage is to send files that only some may have, and does not sign their addresses."
    if getattr(storage, "querystring_auth", True) is False:
        yield unsigned, "querystring_auth=True"
    elif getattr(storage, "custom_domain", None) and not getattr(storage, "cloudfront_signer", None):
        yield unsigned, "custom_domain=None, or a CloudFront key,"


@register(Tags.database)
def closed_files_are_private(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Runs with ``check --database default`` and before ``migrate``."""
    from wagtail.images.models import get_rendition_storage

    from .models import CollectionRule

    if keeps_apart(default_storage) and keeps_apart(get_rendition_storage()):
        return []
    if not _has_table(databases, CollectionRule) or not CollectionRule.objects.exists():
        return []
    return [
        Error(
            "There are closed collections, but the site keeps all files at public addresses.",
            hint=(
                "Set STORAGES['default'] to cms_billing.paywall.files.storage.MediaStorage; leave out "
                "WAGTAILIMAGES_RENDITION_STORAGE, or set it to a MediaStorage too."
            ),
            id="cms_billing.E147",
        )
    ]


@register("cms_billing", "urls")
def prefixes_make_sense(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if wrong_types():
        return []
    return [
        Error(
            problem,
            hint='Write "/members/": ["code of a plan"]; the paths are without host, script name and language.',
            id="cms_billing.E148",
        )
        for problem in _problems()
    ]


def _problems() -> Iterator[str]:
    for prefix, codes in prefixes().items():
        name = f'CMS_BILLING["PAYWALL_PREFIXES"][{prefix!r}]'
        if not isinstance(prefix, str) or not (prefix.startswith("/") and prefix.endswith("/")):
            yield f"{name}: a beginning of addresses starts and ends with a slash."
            continue
        named = isinstance(codes, (list, tuple)) and codes and all(isinstance(code, str) for code in codes)
        if not named:
            yield f"{name} names no plans: nobody could get in."
        for path in _needed_by_everybody():
            if prefix_of(path, [prefix]):
                yield f"{name} would close {path}, which those who are to log in or pay need."


def _needed_by_everybody() -> Iterator[str]:
    for name in (settings.LOGIN_URL, getattr(settings, "WAGTAIL_FRONTEND_LOGIN_URL", settings.LOGIN_URL)):
        try:
            yield resolve_url(name)
        except NoReverseMatch:
            continue
    for name in ALWAYS_REACHABLE:
        try:
            yield reverse(name)
        except NoReverseMatch:
            continue


@register(Tags.database)
def plans_of_prefixes_are_there(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    from cms_billing.memberships.models import Plan

    if wrong_types() or not prefixes() or not _has_table(databases, Plan):
        return []
    wanted = {code for codes in prefixes().values() for code in codes}
    missing = wanted - set(Plan.objects.filter(code__in=wanted).values_list("code", flat=True))
    return [
        Warning(
            f'CMS_BILLING["PAYWALL_PREFIXES"] names the plan {code!r}, and there is none with this code.',
            hint="Correct the code, or add the plan under Billing › Plans.",
            id="cms_billing.W149",
        )
        for code in sorted(missing)
    ]


def _has_table(databases: Sequence[str] | None, model: Any) -> bool:
    if not databases or "default" not in databases:
        return False
    return model._meta.db_table in connections["default"].introspection.table_names()
