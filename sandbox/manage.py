#!/usr/bin/env python
"""Start the sandbox: ``python sandbox/manage.py migrate`` and so on."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def import_from_repository_root() -> None:
    """``sandbox`` is a package of the repository; its own folder must not be searched first."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    sys.path.insert(0, str(HERE.parent))


if __name__ == "__main__":
    import_from_repository_root()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
