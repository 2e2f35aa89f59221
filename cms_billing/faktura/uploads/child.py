"""The child process: ``python -m cms_billing.faktura.uploads.child background|logo``, bytes in, bytes out.

Answers one line of JSON, ``{"code": "", "facts": {}}`` or the reason, then the cleaned bytes. Imports no Django.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings

from .refusal import Refused

MEMORY = 1_500 * 1024 * 1024
CPU_SECONDS = 20


def main(task: str) -> None:
    limit_resources()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    answer, content = _answer(task, sys.stdin.buffer.read())
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + content)
    sys.stdout.buffer.flush()


def _answer(task: str, content: bytes) -> tuple[dict[str, object], bytes]:
    try:
        return {"code": "", "facts": {}}, clean(task, content)
    except Refused as refused:
        return {"code": refused.code, "facts": refused.facts}, b""
    except (MemoryError, RecursionError):
        return {"code": "too_complex", "facts": {}}, b""
    except Exception:
        return {"code": "broken", "facts": {}}, b""


def clean(task: str, content: bytes) -> bytes:
    """Raises Refused, or whatever a library raises on a broken file."""
    from . import background, raster, svg

    kind = kind_of(content)
    if task == "background":
        if kind == "pdf":
            return background.from_pdf(content)
        if kind == "raster":
            return background.from_picture(raster.page_picture(content))
        raise Refused("unknown")
    if kind == "raster":
        return raster.logo_picture(content)
    if kind == "svg":
        return svg.clean_svg(content)
    raise Refused("unknown_logo")


def kind_of(content: bytes) -> str:
    """By the bytes, never by the name."""
    start = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"%PDF-" in content[:1024]:
        return "pdf"
    is_webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    if start.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or is_webp:
        return "raster"
    return "svg" if start.startswith(b"<") and b"<svg" in content[:64_000] else ""


def limit_resources() -> None:
    """Where the system has such limits; the parent's time limit holds everywhere."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1])
