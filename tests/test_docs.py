"""What the documentation lists is what the code has."""

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
from django.core.management import get_commands

from cms_billing.core.conf import BillingSettings

ROOT = Path(__file__).resolve().parent.parent
CHECK_ID = re.compile(r"cms_billing\.[EW]\d{3}")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_every_check_is_explained_and_every_explained_check_exists():
    in_code = {
        found for path in (ROOT / "cms_billing").rglob("*.py") for found in CHECK_ID.findall(path.read_text())
    }
    assert in_code == set(CHECK_ID.findall(page("checks.md")))


def test_every_setting_is_explained_and_every_explained_setting_exists():
    in_code = {field.name.upper() for field in fields(BillingSettings)}
    assert in_code == set(re.findall(r"^`([A-Z_]+)`$", page("settings.md"), re.MULTILINE))


def test_every_app_has_its_page():
    packages = {path.parent.name for path in (ROOT / "cms_billing").glob("*/apps.py")}
    assert packages <= {path.stem for path in (ROOT / "docs" / "apps").glob("*.md")}


PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "apps").rglob("*.md")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]


APPS = "|".join(path.parent.name for path in (ROOT / "cms_billing").glob("*/apps.py"))


def in_backticks(text: str, pattern: str) -> set[str]:
    return set(re.findall(rf"`({pattern})`", text))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_name_in_the_pages_exists(path):
    text = path.read_text(encoding="utf-8")
    dotted = set(re.findall(r"[\"`](cms_billing(?:\.\w+)+)[\"`(]", text))
    dotted |= {f"cms_billing.{name}" for name in re.findall(rf"`((?:{APPS})(?:\.\w+)+)[`(]", text)}
    missing = {name for name in dotted if not CHECK_ID.fullmatch(name) and found(name) is None}
    assert not missing


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_file_in_the_pages_exists(path):
    text = path.read_text(encoding="utf-8")
    files = in_backticks(text, r"(?:tests|benchmarks|sandbox|docs|scripts|\.ci|cms_billing)/[\w./-]+")
    shipped = [
        place for kind in ("templates", "static") for place in (ROOT / "cms_billing").glob(f"*/{kind}")
    ]
    places = [ROOT, *shipped, ROOT / "templates"]
    assert not {name for name in files if not any((place / name).exists() for place in places)}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_in_the_pages_exists(path):
    commands = set(re.findall(r"manage\.py ([a-z_]+)", path.read_text(encoding="utf-8")))
    of_the_sandbox = {"sandbox_load", "sandbox_logins"}
    assert commands <= set(get_commands()) | of_the_sandbox


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_between_pages_leads_somewhere(path):
    text = path.read_text(encoding="utf-8")
    targets = {link.split("#")[0] for link in re.findall(r"\]\(([\w./-]+\.md[\w#-]*)\)", text)}
    assert not {link for link in targets if not (path.parent / link).exists()}


def found(name: str) -> object:
    """The module, class, function or method; None where there is none."""
    try:
        return import_module(name)
    except ImportError:
        place, _dot, last = name.rpartition(".")
        return getattr(found(place), last, None) if place else None
