"""What the documentation lists is what the code has."""

import re
from dataclasses import fields
from pathlib import Path

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
