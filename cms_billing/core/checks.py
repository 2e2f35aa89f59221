"""System checks with stable ids (``cms_billing.E0xx`` / ``W0xx``): what an integrator can get wrong, and the mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.utils.module_loading import import_string

from . import conf


@register("cms_billing")
def settings_are_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    found += [
        Error(
            f"CMS_BILLING has an unknown key {key!r}.",
            hint="See docs/settings for the keys; a typo here silently leaves the default.",
            id="cms_billing.E001",
        )
        for key in conf.unknown_keys()
    ]
    found += [
        Error(
            f"CMS_BILLING[{key!r}] must be of type {expected}, not {value!r}.",
            hint="See docs/settings.",
            id="cms_billing.E002",
        )
        for key, expected, value in conf.wrong_types()
    ]
    return found


@register("cms_billing")
def dotted_paths_import(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types():
        return []
    current = conf.billing_settings()
    paths = {"PDF_RENDERER": current.pdf_renderer}
    paths |= {f"PROVIDERS[{code!r}]": path for code, path in current.providers.items()}
    errors: list[CheckMessage] = []
    for key, path in paths.items():
        try:
            import_string(path)
        except ImportError as error:
            errors.append(
                Error(
                    f"CMS_BILLING {key}: {path!r} cannot be imported: {error}",
                    hint="Write the dotted path of a class that is installed in this environment.",
                    id="cms_billing.E003",
                )
            )
    return errors


@register("cms_billing")
def archive_storage_is_private(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types():
        return []
    alias = conf.billing_settings().archive_storage
    try:
        archive = storages[alias]
    except Exception as error:
        return [
            Error(
                f"STORAGES has no usable entry {alias!r} for the archive of issued documents: {error}",
                hint="Add a private storage, for example FileSystemStorage with a location outside MEDIA_ROOT.",
                id="cms_billing.E004",
            )
        ]
    public = public_folder_around(archive)
    if public is None:
        return []
    return [
        Error(
            f"The archive of issued documents lies inside {public}, where the web server hands out files.",
            hint=f"Give STORAGES[{alias!r}] a location of its own, out of MEDIA_ROOT and STATIC_ROOT.",
            id="cms_billing.E005",
        )
    ]


def public_folder_around(storage: Storage) -> str | None:
    """The folder that web servers hand out in which a storage on this machine lies; None where it lies elsewhere."""
    if not isinstance(storage, FileSystemStorage):
        return None
    media = storages["default"]
    # A storage that leads to others (the paywall's) knows the place of the public one.
    folders = [getattr(media, "location", "") or settings.MEDIA_ROOT, settings.STATIC_ROOT or ""]
    place = Path(storage.location).resolve()
    return next((str(f) for f in folders if f and place.is_relative_to(Path(f).resolve())), None)


@register("cms_billing")
def app_labels_do_not_clash(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Django itself stops on duplicate labels before checks run; this names near misses: a project app called like
    one of Oscar's (``search`` of ``wagtail start``) that was relabelled only half."""
    theirs = [
        config.name for config in apps.get_app_configs() if not config.name.startswith(("wagtail.", "oscar."))
    ]
    clash = any(name.rsplit(".", 1)[-1] == "search" for name in theirs) and apps.is_installed(
        "oscar.apps.search"
    )
    if not clash:
        return []
    return [
        Warning(
            "Two apps are called “search”: Oscar's and your project's (made by `wagtail start`).",
            hint="Rename your project's app, for example to “site_search”: templates and URLs of both would mix.",
            id="cms_billing.W006",
        )
    ]


@register("cms_billing")
def public_address_is_set(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types():
        return []
    address = conf.billing_settings().site_url
    if address.startswith(("https://", "http://")) or (not address and settings.DEBUG):
        return []
    what = f"is {address!r}, which is no address" if address else "is empty"
    return [
        Warning(
            f"CMS_BILLING['SITE_URL'] {what}: invoices and reminders would have no link to pay by.",
            hint="Set it to the public address of the site, for example 'https://www.example.org'.",
            id="cms_billing.W007",
        )
    ]


@register("cms_billing", deploy=True)
def time_machine_is_off(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types() or not conf.billing_settings().time_machine:
        return []
    return [
        Error(
            "CMS_BILLING['TIME_MACHINE'] is on: everybody with access could move due dates.",
            hint="Remove the setting from production; it is for demo and test sites.",
            id="cms_billing.E008",
        )
    ]


@register("cms_billing")
def time_zones_are_on(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.USE_TZ:
        return []
    return [
        Error(
            "USE_TZ is off: due dates are local dates of the issuer and need time zones.",
            hint="Set USE_TZ = True.",
            id="cms_billing.E009",
        )
    ]
