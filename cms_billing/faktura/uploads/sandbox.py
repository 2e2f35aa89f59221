"""Cleaning in a child process: whatever a file does to the program that reads it, the site goes on.

The child has limits for memory and processor time (where the system has them), the parent waits only so long. It gets
the bytes on its standard input and answers with cleaned bytes or a reason; it is told no secret and has no database.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .exceptions import UploadRefused

MEGABYTE = 1024 * 1024
LARGEST_BACKGROUND = 10 * MEGABYTE
LARGEST_LOGO = 5 * MEGABYTE
SECONDS = 25
# Only what Python needs to start; neither settings nor passwords of the site.
_PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "SYSTEMROOT",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "HOME",
    "TMPDIR",
)


def clean_background(content: bytes, *, name: str = "") -> bytes:
    """A PDF of one A4 page with nothing but its drawing, from an uploaded PDF or picture. Raises UploadRefused."""
    return _clean("background", content, name=name, largest=LARGEST_BACKGROUND)


def clean_logo(content: bytes, *, name: str = "") -> bytes:
    """PNG or SVG bytes of an uploaded picture. Raises UploadRefused."""
    return _clean("logo", content, name=name, largest=LARGEST_LOGO)


def _clean(task: str, content: bytes, *, name: str, largest: int) -> bytes:
    if len(content) > largest:
        raise UploadRefused("too_large", name=name, facts={"limit": largest // MEGABYTE})
    try:
        answer = subprocess.run(
            [_python(), "-m", "cms_billing.faktura.uploads.child", task],
            input=content,
            capture_output=True,
            timeout=SECONDS,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UploadRefused("too_complex", name=name) from None
    except OSError as error:
        raise UploadRefused("not_now", name=name) from error
    head, _separator, body = answer.stdout.partition(b"\n")
    try:
        told = json.loads(head)
    except ValueError:
        # Killed by its limits: it had no breath left to say why.
        raise UploadRefused("too_complex", name=name) from None
    if told["code"]:
        raise UploadRefused(told["code"], name=name, facts=told["facts"])
    return body


def _environment() -> dict[str, str]:
    kept = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _python() -> str:
    """The interpreter; where Python is embedded in a server (uWSGI), ``sys.executable`` is the server."""
    own = Path(sys.executable or "")
    return str(own) if own.name.lower().startswith("python") else str(Path(sys.prefix) / "bin" / "python3")
