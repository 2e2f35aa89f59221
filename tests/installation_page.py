"""``docs/installation.md`` as a program: its marked blocks, and what it means to follow them.

A comment before a block says what to do with it::

    <!-- file: mysite/urls.py; create -->
    <!-- file: mysite/settings/base.py; replace NAME, OTHER -->     top-level assignments, by those of the block
    <!-- file: mysite/settings/base.py; append -->
    <!-- file: mysite/settings/dev.py; insert before TEXT -->       a line that stands there once
    <!-- file: site_search/views.py; edit -->                       a diff: lines with - become those with +
    <!-- run -->                                                    commands, in the project's folder

Blocks without a comment are for reading.
"""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "installation.md"
MARKED_BLOCK = re.compile(
    r"^<!-- (?P<order>file: .+?|run) -->\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


class CannotFollow(Exception):
    """The page asks for something that cannot be done in this project."""


@dataclass(frozen=True)
class Block:
    """``path`` is empty for commands; ``order`` is what to do: create, append, replace NAME, …"""

    path: str
    order: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        return [shlex.split(line) for line in self.text.splitlines()]


def blocks() -> list[Block]:
    return [_block(match["order"], match["text"]) for match in MARKED_BLOCK.finditer(PAGE.read_text())]


def _block(order: str, text: str) -> Block:
    if order == "run":
        return Block("", order, text)
    path, _separator, what = order.removeprefix("file: ").partition("; ")
    return Block(path, what, text)


def follow(block: Block, *, project: Path, run: Callable[..., object]) -> None:
    """Do what the block says; ``run(*command)`` carries out one command."""
    if not block.path:
        for command in block.commands:
            run(*command)
        return
    file = project / block.path
    before = file.read_text() if file.exists() else ""
    file.write_text(_changed(before, block))


def _changed(before: str, block: Block) -> str:
    order, _space, argument = block.order.partition(" ")
    match order:
        case "create":
            return block.text
        case "append":
            return f"{before}\n{block.text}"
        case "replace":
            return replaced(before, names=argument.split(", "), by=block.text)
        case "insert":
            return inserted(before, block.text, before_line=argument.removeprefix("before "))
        case "edit":
            return edited(before, diff=block.text)
    raise CannotFollow(f"{block.path}: nobody knows how to {block.order!r}")


def replaced(source: str, *, names: list[str], by: str) -> str:
    """The top-level assignments of ``names`` in ``source`` become those in ``by``, which has nothing else."""
    new = dict(_assignments(by))
    if list(new) != names:
        raise CannotFollow(f"The block sets {list(new)}, its comment says {names}.")
    lines = source.splitlines()
    found = [(name, node) for name, node in _assignments(source) if name in new]
    if sorted(name for name, _node in found) != sorted(names):
        raise CannotFollow(f"Each of {names} must be there once, found {[name for name, _node in found]}.")
    for name, node in reversed(found):
        lines[node.lineno - 1 : node.end_lineno] = ast.get_source_segment(by, new[name]).splitlines()
    return "\n".join(lines) + "\n"


def _assignments(source: str) -> Iterator[tuple[str, ast.Assign]]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node


def inserted(source: str, text: str, *, before_line: str) -> str:
    lines = source.splitlines()
    if lines.count(before_line) != 1:
        raise CannotFollow(f"The line {before_line!r} must stand there once.")
    place = lines.index(before_line)
    return "\n".join([*lines[:place], *text.splitlines(), "", *lines[place:]]) + "\n"


def edited(source: str, *, diff: str) -> str:
    old = "".join(line[1:] + "\n" for line in diff.splitlines() if line.startswith("-"))
    new = "".join(line[1:] + "\n" for line in diff.splitlines() if line.startswith("+"))
    if source.count(old) != 1:
        raise CannotFollow(f"These lines must stand there once:\n{old}")
    return source.replace(old, new)


@dataclass(frozen=True)
class Shell:
    """Runs commands in the project; ``python`` and ``wagtail`` are those of the tests."""

    folder: Path
    environment: Mapping[str, str]

    def __call__(
        self, *command: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, *command[1:]] if command[0] == "python" else command,
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and result.returncode:
            raise AssertionError(f"$ {shlex.join(command)}\n{result.stdout}\n{result.stderr}")
        return result
