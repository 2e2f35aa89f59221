"""The user interface is there in German, in every app, and translators are given what they need."""

import ast
import re
import shutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import polib
import pytest
from django.core.management import call_command
from django.utils.translation import gettext, override, pgettext

PACKAGE = Path(__file__).resolve().parent.parent / "cms_billing"
APPS = sorted(path.parent.name for path in PACKAGE.glob("*/apps.py"))
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{[\w:.]*\}")
LAZY = {"gettext_lazy", "pgettext_lazy", "ngettext_lazy", "npgettext_lazy", "gettext_noop"}
AT_ONCE = {"gettext", "pgettext", "ngettext", "npgettext"}

# What a text is looked up by: context, singular, plural.
Key = tuple[str | None, str, str | None]


def catalogue(app: str, package: Path = PACKAGE) -> polib.POFile:
    return polib.pofile(str(package / app / "locale" / "de" / "LC_MESSAGES" / "django.po"))


def key(entry: polib.POEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural or None


def forms(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


@pytest.mark.parametrize("app", APPS)
def test_every_text_has_a_german_one(app: str) -> None:
    entries = catalogue(app)

    assert [entry.msgid for entry in entries.untranslated_entries()] == []
    assert [entry.msgid for entry in entries.fuzzy_entries()] == []
    assert [entry.msgid for entry in entries.obsolete_entries()] == []


@pytest.mark.parametrize("app", APPS)
def test_translations_hold_the_placeholders_of_the_text(app: str) -> None:
    wrong = [
        (entry.msgid, text)
        for entry in catalogue(app)
        for text in forms(entry)
        if placeholders(text) not in (placeholders(entry.msgid), placeholders(entry.msgid_plural))
    ]

    assert wrong == []


@pytest.mark.parametrize("app", APPS)
def test_compiled_catalogue_is_that_of_the_source(app: str) -> None:
    compiled = polib.mofile(str(PACKAGE / app / "locale" / "de" / "LC_MESSAGES" / "django.mo"))

    assert {key(entry): forms(entry) for entry in compiled} == {
        key(entry): forms(entry) for entry in catalogue(app)
    }


def test_a_text_is_translated_alike_in_all_apps() -> None:
    """Django merges the catalogues: the first app's text would win, by chance."""
    known: dict[Key, list[str]] = {}
    different = [
        entry.msgid
        for app in APPS
        for entry in catalogue(app)
        if known.setdefault(key(entry), forms(entry)) != forms(entry)
    ]

    assert different == []


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext's xgettext is not installed")
def test_catalogues_hold_exactly_the_texts_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "cms_billing"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("migrations", "static", "__pycache__"))
    monkeypatch.chdir(copy)
    call_command("makemessages", locale=["de"], no_obsolete=True, no_location=True, verbosity=0)

    in_use = {app: {key(entry) for entry in catalogue(app, copy)} for app in APPS}

    known = {app: {key(entry) for entry in catalogue(app)} for app in APPS}
    # Something missing or left over: run `make messages` and translate what is new.
    assert {app: texts - known[app] for app, texts in in_use.items() if texts - known[app]} == {}
    assert {app: texts - in_use[app] for app, texts in known.items() if texts - in_use[app]} == {}


@pytest.mark.parametrize("app", APPS)
def test_texts_of_wagtail_and_oscar_are_not_replaced(app: str) -> None:
    """Whichever app is listed first speaks for all: a word that means something else here needs a context. Wagtail's
    word counts before Oscar's."""
    replaced = {
        entry.msgid: (entry.msgstr, sorted(theirs))
        for entry in catalogue(app)
        if not entry.msgctxt
        and not entry.msgid_plural
        and (theirs := words_of("wagtail").get(entry.msgid) or words_of("oscar").get(entry.msgid))
        and entry.msgstr not in theirs
    }
    assert replaced == {}


@cache
def words_of(package: str) -> dict[str, set[str]]:
    """The German texts of a package and the apps in it, by the English text."""
    root = Path(import_module(package).__file__ or "").parent
    found: dict[str, set[str]] = {}
    for path in root.rglob("locale/de/LC_MESSAGES/django.mo"):
        for entry in polib.mofile(str(path)):
            if not entry.msgctxt and entry.msgstr:
                found.setdefault(entry.msgid, set()).add(entry.msgstr)
    return found


def test_words_of_wagtail_keep_their_meaning() -> None:
    """An integrator lists our apps before Wagtail's: a plain “Cancel” would turn every dialog's button into ours."""
    with override("de"):
        assert gettext("Cancel") == "Abbrechen"
        assert gettext("Document") == "Dokument"
        assert pgettext("billing", "Cancel") == "Stornieren"
        assert pgettext("billing", "Document") == "Beleg"


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" not in path.parts:
            yield path, ast.parse(path.read_text())


def translators(tree: ast.Module) -> dict[str, str]:
    """Names in this module → names in django.utils.translation."""
    return {
        name.asname or name.name: name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for name in node.names
        if name.name in LAZY | AT_ONCE
    }


def calls(node: ast.AST, names: dict[str, str]) -> Iterator[tuple[ast.Call, str]]:
    for found in ast.walk(node):
        if isinstance(found, ast.Call) and isinstance(found.func, ast.Name) and found.func.id in names:
            yield found, names[found.func.id]


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that is evaluated when the module is loaded: no function's body."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield child
        yield from run_at_import(child)


def test_texts_are_not_put_together_before_they_are_looked_up() -> None:
    built = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path, tree in modules()
        for call, _ in calls(tree, translators(tree))
        for text in call.args
        if isinstance(text, ast.JoinedStr | ast.BinOp)
    ]

    assert built == []


def test_no_text_is_looked_up_inside_an_f_string() -> None:
    """xgettext does not look there: the text would be missing in every catalogue, and no other test would tell."""
    unseen = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path, tree in modules()
        for string in ast.walk(tree)
        if isinstance(string, ast.JoinedStr)
        for call, _ in calls(string, translators(tree))
    ]

    assert unseen == []


def test_texts_of_modules_are_looked_up_when_they_are_read() -> None:
    """Looked up while the module loads, they would all be in the language of the server's start."""
    early = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in modules()
        for names in [translators(tree)]
        for node in run_at_import(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and names.get(node.func.id) in AT_ONCE
    ]

    assert early == []
