"""The sandbox's own pages, mail inbox and demo content, at the sandbox's addresses.

The demo content is loaded once, inside a transaction that is rolled back after the last test of this folder: each test
sees it and leaves no trace in the others. So those that want the sandbox empty come first.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = [place for place, item in enumerate(items) if item.path.is_relative_to(HERE)]
    ours = [items[place] for place in places]
    for place, item in zip(places, sorted(ours, key=wants_content), strict=True):
        items[place] = item


def wants_content(item: pytest.Item) -> bool:
    return "empty_sandbox" not in item.fixturenames


@pytest.fixture(scope="package")
def sandbox_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with override_settings(
        ROOT_URLCONF="sandbox.urls",
        LANGUAGE_CODE="de",
        MEDIA_ROOT=str(folder / "media"),
        OSCAR_DEFAULT_CURRENCY="EUR",
        OSCAR_HIDDEN_FEATURES=["reviews", "wishlists"],
        OSCAR_MISSING_IMAGE_URL="image_not_found.jpg",
        LOCALE_PATHS=[str(Path("sandbox/locale").resolve())],
        SANDBOX_PASSWORD="saitenweg",
        SITE_URL="http://localhost:8000",
    ):
        forget_addresses()
        yield
    forget_addresses()


def forget_addresses() -> None:
    """Wagtail's menus and sites keep the addresses that they were first asked for with; the sandbox has others."""
    from wagtail.admin.menu import admin_menu, help_menu, reports_menu, settings_menu
    from wagtail.admin.viewsets import viewsets

    from cms_billing.core.ui.menu import billing_menu

    for menu in (admin_menu, billing_menu, help_menu, reports_menu, settings_menu):
        menu.__dict__.pop("registered_menu_items", None)
    for viewset in viewsets.viewsets:
        viewset.__dict__.pop("menu_url", None)
    cache.clear()


@pytest.fixture(scope="package")
def demo_content(django_db_setup: None, sandbox_settings: None, django_db_blocker) -> Iterator[None]:
    from sandbox.site.demo import billing, content, people, shop

    with django_db_blocker.unblock(), transaction.atomic():
        content.load_content(today=date(2026, 5, 4))
        shop.load_shop()
        people.load_people()
        billing.build_business()
        with django_db_blocker.block():
            yield
        transaction.set_rollback(True)


@pytest.fixture
def empty_sandbox(sandbox_settings: None, db: None) -> None:
    """The sandbox before anything has been loaded."""


@pytest.fixture
def demo(demo_content: None, db: None) -> None:
    """The sandbox with pages, shop, accounts and what is sold; without its history."""
