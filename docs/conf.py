"""Sphinx, with Markdown. ``make docs`` builds; a warning is an error."""

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "cms_billing"

project = "cms-billing"
author = "the cms_billing authors"
copyright = f"2026, {author}"
release = re.search(r'__version__ = "(.+?)"', (PACKAGE / "__init__.py").read_text())[1]
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"{project} {release}"
html_theme_options = {"navigation_with_keys": True}
