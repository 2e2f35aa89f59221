"""Stripe's form bodies: ``line_items[0][price_data][currency]=eur`` is a tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def tree_of(pairs: Mapping[str, str]) -> dict[str, Any]:
    """``{"expand[0]": "a", "metadata[k]": "v"}`` → ``{"expand": ["a"], "metadata": {"k": "v"}}``."""
    root: dict[str, Any] = {}
    for name, value in pairs.items():
        first, *rest = name.replace("]", "").split("[")
        _put(root, [first, *rest], value)
    return {key: _lists(branch) for key, branch in root.items()}


def _put(branch: dict[str, Any], path: list[str], value: str) -> None:
    *way, last = path
    for step in way:
        branch = branch.setdefault(step, {})
    branch[last or str(len(branch))] = value


def _lists(branch: Any) -> Any:
    if not isinstance(branch, dict):
        return branch
    if branch and all(key.isdigit() for key in branch):
        return [_lists(branch[key]) for key in sorted(branch, key=int)]
    return {key: _lists(value) for key, value in branch.items()}


def number(value: Any) -> int:
    return int(value or 0)


def flag(value: Any) -> bool:
    return value in ("true", "True", True)


def without_empty(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value not in (None, "")}
