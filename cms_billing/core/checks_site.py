"""System checks of the site around the package: its apps, workers, database, languages, templates and mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import global_settings, settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from django.template import TemplateDoesNotExist, TemplateSyntaxError, loader
from django.template.loader_tags import BlockNode, ExtendsNode

from . import conf, copies, freezing, requirements, text_search
from .middleware_order import place_of
from .models import Installation

LOCALE = "django.middleware.locale.LocaleMiddleware"
# Seconds: some hundred PDFs, or a daily run of some ten thousand invoices.
SHORTEST_TIMEOUT = 600
UNSENT = ("console", "dummy", "filebased", "locmem")
FROM_OF_DJANGO = "webmaster@localhost"


@register("cms_billing")
def needed_apps_are_installed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Missing layers of our own (``cms_billing.E010``) stop Django before checks run; see ``CoreConfig``."""
    installed = {config.name for config in apps.get_app_configs()}
    return [
        Error(
            f"{app!r} is missing in INSTALLED_APPS: {what_breaks}.",
            hint=f"Add {app!r}; the installation page has the whole list.",
            id="cms_billing.E011",
        )
        for app, what_breaks in requirements.missing_others(installed)
    ]


@register("cms_billing")
def workers_have_time(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not apps.is_installed("django_q"):
        return []
    cluster = getattr(settings, "Q_CLUSTER", None)
    if not cluster:
        return [
            _cluster(
                "Q_CLUSTER is not set: tasks would go to a Redis server on this machine, twice if they take long."
            )
        ]
    timeout, retry = cluster.get("timeout"), cluster.get("retry", 60)
    messages: list[CheckMessage] = []
    if timeout and timeout < SHORTEST_TIMEOUT:
        messages.append(
            _cluster(f"Q_CLUSTER ends a task after {timeout} seconds: a large daily run is cut short.")
        )
    if retry <= (timeout or SHORTEST_TIMEOUT):
        messages.append(
            _cluster(
                f"Q_CLUSTER hands a task out again after {retry} seconds, while another worker is still at it."
            )
        )
    return messages


def _cluster(text: str) -> CheckMessage:
    return Warning(
        text,
        hint='For example Q_CLUSTER = {"name": "mysite", "orm": "default", "timeout": 3600, "retry": 4000}.',
        id="cms_billing.W012",
    )


@register("cms_billing")
def database_can_hold_it(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    database: Any = settings.DATABASES.get("default", {})
    vendor = connections["default"].vendor
    if vendor not in ("postgresql", "sqlite"):
        return [
            Error(
                f"The database is {vendor}: nothing would keep issued documents from being changed.",
                hint="Use PostgreSQL, or SQLite to try it. Triggers and locks are written for these two.",
                id="cms_billing.E014",
            )
        ]
    if vendor == "sqlite" and database.get("OPTIONS", {}).get("transaction_mode") != "IMMEDIATE":
        return [
            Warning(
                "Server and worker would stop each other on SQLite with “database is locked”.",
                hint='Give it "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20}, or use PostgreSQL.',
                id="cms_billing.W013",
            )
        ]
    return []


@register("cms_billing")
def visitors_can_choose_their_language(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    several = settings.LANGUAGES != global_settings.LANGUAGES and len(settings.LANGUAGES) > 1
    if not (settings.USE_I18N and several) or place_of(LOCALE, settings.MIDDLEWARE) is not None:
        return []
    return [
        Warning(
            "LANGUAGES has several languages, but every visitor gets the first: LocaleMiddleware is missing.",
            hint=f"Add {LOCALE!r} to MIDDLEWARE, after sessions and before CommonMiddleware.",
            id="cms_billing.W015",
        )
    ]


@register("cms_billing", Tags.templates)
def member_pages_have_a_frame(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types():
        return []
    name = conf.billing_settings().base_template
    try:
        blocks = set(_blocks_of(name))
    except (TemplateDoesNotExist, TemplateSyntaxError) as error:
        return [_frame(f"CMS_BILLING['BASE_TEMPLATE'] is {name!r}, which cannot be read: {error}")]
    if "content" in blocks:
        return []
    return [_frame(f"The template {name!r} has no block “content”: pages for members would be empty.")]


def _frame(text: str) -> CheckMessage:
    return Error(
        text,
        hint="Name a template of the site that has the blocks “title” and “content”.",
        id="cms_billing.E016",
    )


def _blocks_of(name: str) -> Iterator[str]:
    """Names of the blocks of a Django template and of those it extends by a fixed name."""
    nodes = loader.get_template(name).template.nodelist  # type: ignore[attr-defined]
    yield from (node.name for node in nodes.get_nodes_by_type(BlockNode))
    for node in nodes.get_nodes_by_type(ExtendsNode):
        if isinstance(node.parent_name.var, str):
            yield from _blocks_of(node.parent_name.var)


@register("cms_billing", deploy=True)
def mail_reaches_people(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    backend = settings.EMAIL_BACKEND
    if backend.startswith("django.core.mail.backends.") and backend.split(".")[4] in UNSENT:
        messages.append(
            Warning(
                f"{backend} sends nothing: invoices and reminders would count as sent and reach nobody.",
                hint="Set EMAIL_BACKEND to one that sends, such as 'django.core.mail.backends.smtp.EmailBackend'.",
                id="cms_billing.W017",
            )
        )
    if settings.DEFAULT_FROM_EMAIL == FROM_OF_DJANGO:
        messages.append(
            Warning(
                f"Mails of issuers without a sender of their own would come from {FROM_OF_DJANGO}.",
                hint="Set DEFAULT_FROM_EMAIL to an address of your domain.",
                id="cms_billing.W018",
            )
        )
    return messages


@register(Tags.database)
def issued_documents_are_frozen(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A warning, because ``migrate`` mends it, and would not begin with an error."""
    if (
        not databases
        or "default" not in databases
        or connections["default"].vendor not in ("postgresql", "sqlite")
    ):
        return []
    missing = freezing.missing_triggers(connections["default"])
    if not missing:
        return []
    return [
        Warning(
            f"{len(missing)} triggers that keep issued documents from being changed are missing: {', '.join(missing)}.",
            hint="Run `manage.py migrate`; it makes them again, for example after restoring a dump without triggers.",
            id="cms_billing.W019",
        )
    ]


@register(Tags.database)
def long_lists_are_searched_fast(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if not databases or "default" not in databases or connections["default"].vendor != "postgresql":
        return []
    missing = text_search.missing_indexes(connections["default"])
    if not missing:
        return []
    return [
        Warning(
            f"Search indexes are missing for {', '.join(missing)}.",
            hint=text_search.HINT,
            id="cms_billing.W032",
        )
    ]


@register(Tags.database)
def is_the_original(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Only looks: a database that belongs to nobody yet is taken by its first use, not by a check."""
    table = Installation._meta.db_table
    if (
        not databases
        or "default" not in databases
        or table not in connections["default"].introspection.table_names()
    ):
        return []
    row = Installation.objects.first()
    if row is None or row.fingerprint == copies.current_fingerprint():
        return []
    return [
        Warning(
            f"This is a copy of the database of {row}: no mail is sent and nobody is charged.",
            hint="Run `manage.py billing_installation`: it says what differs, and makes this the original.",
            id="cms_billing.W025",
        )
    ]
