"""Say which system libraries are missing and how to get them. Needs nothing but Python itself.

Exits with 1 when something is missing without which nothing works; a slower PDF is only a warning.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    what: str
    why: str
    apt: str
    dnf: str
    brew: str
    required: bool


PANGO = Need(
    "Pango",
    "it lays out the text of invoices and letters; without it there is no PDF",
    apt="libpango-1.0-0 libpangoft2-1.0-0",
    dnf="pango",
    brew="pango",
    required=True,
)
HARFBUZZ_SUBSET = Need(
    "HarfBuzz subsetting",
    "without it a PDF takes four times as long",
    apt="libharfbuzz-subset0",
    dnf="harfbuzz",
    brew="harfbuzz",
    required=False,
)
VENV = Need(
    "Python's venv module",
    "it makes the virtual environment",
    apt=f"python{sys.version_info[0]}.{sys.version_info[1]}-venv",
    dnf="python3",
    brew="python",
    required=True,
)

# The names WeasyPrint itself tries.
LIBRARIES = {
    PANGO: (
        ("libpango-1.0.so.0", "libpango-1.0.dylib", "libpango-1.0-0.dll"),
        ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib", "libpangoft2-1.0-0.dll"),
    ),
    HARFBUZZ_SUBSET: (("libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib", "libharfbuzz-subset-0.dll"),),
}


def main() -> int:
    missing = missing_libraries()
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        missing.append(VENV)
    for need in missing:
        print(f"{'Missing' if need.required else 'Warning, missing'}: {need.what} – {need.why}.")
    if missing:
        print(f"\nTo get what is missing:\n\n    {install_command(missing)}\n")
    return int(any(need.required for need in missing))


def missing_libraries() -> list[Need]:
    return [need for need, libraries in LIBRARIES.items() if not all(map(can_be_loaded, libraries))]


def can_be_loaded(names: tuple[str, ...]) -> bool:
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def install_command(missing: list[Need]) -> str:
    if platform.system() == "Darwin":
        return "brew install " + " ".join(need.brew for need in missing)
    if shutil.which("dnf"):
        return "sudo dnf install " + " ".join(need.dnf for need in missing)
    if shutil.which("apt-get"):
        return "sudo apt-get install -y " + " ".join(need.apt for need in missing)
    return "install " + ", ".join(need.what for need in missing) + " with your system's package manager"


if __name__ == "__main__":
    sys.exit(main())
