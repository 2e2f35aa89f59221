"""Who may know whom, and what a pure module is: kept by tests, so that nobody has to remember."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "cms_billing"

# Modules of these names hold rules on plain values.
PURE = {"rules", "fingerprint", "schedule", "totals", "matching", "money", "periods", "prices", "interest"}
FRAMEWORKS = {"django", "django_q", "modelcluster", "oscar", "wagtail"}

# Modules of these names get today as an argument.
TOLD_THE_DATE = PURE | {"models", "services", "selectors"}
WALL_CLOCKS = {
    "date.today",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "timezone.localdate",
}


def modules() -> Iterator[Path]:
    return (path for path in sorted(PACKAGE.rglob("*.py")) if "migrations" not in path.parts)


def modules_called(names: set[str]) -> list[Path]:
    """``services`` is a file ``services.py`` or a package ``services/``."""
    return [path for path in modules() if path.stem in names or path.parent.name in names]


def imported_packages(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_imports_follow_the_layers(capfd, monkeypatch):
    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename="pyproject.toml", cache_dir=".cache/import-linter", no_logo=True)
    assert status == EXIT_STATUS_SUCCESS, capfd.readouterr().out


def test_rules_know_no_framework():
    found = [
        f"{place(path, line)} imports {package}"
        for path in modules_called(PURE)
        for line, package in imported_packages(path)
        if package in FRAMEWORKS
    ]
    assert not found, "\n".join(found)


def test_nobody_asks_the_wall_clock_for_the_date():
    """``cms_billing.core.clock`` does it for all, in the issuer's time zone."""
    found = [
        f"{place(path, line)} calls {call}()"
        for path in modules()
        if path != PACKAGE / "core" / "clock.py"
        for line, call in calls(path)
        if call in WALL_CLOCKS
    ]
    assert not found, "\n".join(found)


def test_rules_models_and_services_are_told_the_date():
    found = [
        f"{place(path, line)} calls {call}()"
        for path in modules_called(TOLD_THE_DATE)
        for line, call in calls(path)
        if call in {"clock.today", "today"}
    ]
    assert not found, "\n".join(found)


def layers_from_the_top() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(contract["layers"] for contract in contracts if contract["id"] == "layers")


def height(app_name: str) -> int:
    package = app_name.removeprefix("cms_billing.").split(".")[0]
    layers = [{part.strip("() ") for part in layer.split("|")} for layer in reversed(layers_from_the_top())]
    return next(number for number, layer in enumerate(layers) if package in layer)


def our_apps():
    return [config for config in apps.get_app_configs() if config.name.startswith("cms_billing.")]


@pytest.mark.parametrize("config", our_apps(), ids=lambda config: config.name)
def test_foreign_keys_point_down(config):
    """A key may be written as a string, which the import layers do not see."""
    upward = [
        str(field)
        for model in config.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model
        if (target := field.related_model._meta.app_config).name.startswith("cms_billing.")
        if target != config and height(target.name) >= height(config.name)
    ]
    assert not upward


@pytest.mark.parametrize("config", our_apps(), ids=lambda config: config.name)
def test_labels_have_our_prefix(config):
    """Oscar and ``wagtail start`` both have an app called ``search``: generic labels collide."""
    replaces_oscars_checkout = config.name == "cms_billing.shop.checkout"
    assert config.label == "checkout" if replaces_oscars_checkout else config.label.startswith("cms_billing_")
