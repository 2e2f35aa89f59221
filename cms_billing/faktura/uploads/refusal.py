"""Why a file is not taken, as the child process says it."""

from __future__ import annotations


class Refused(Exception):
    """``code`` is a key of ``exceptions.REASONS``, ``facts`` are its placeholders."""

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
