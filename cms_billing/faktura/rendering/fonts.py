"""The fonts of letters: open families that come as packages, and a site's own from ``CMS_BILLING["LETTERHEAD_FONTS"]``.

Letters look the same on every machine, because no font of the system is needed. A site's own family::

    CMS_BILLING = {"LETTERHEAD_FONTS": {"house": {
        "label": "House Sans", "regular": "/srv/fonts/House.otf", "bold": "/srv/fonts/House-Bold.otf",
        "italic": "…", "bold_italic": "…",   # optional
    }}}
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from cms_billing.core.conf import billing_settings

SCHEME = "billing-font"
DEFAULT = "source_sans"
STYLES = {
    "regular": ("normal", 400),
    "bold": ("normal", 700),
    "italic": ("italic", 400),
    "bold_italic": ("italic", 700),
}
_SANS = '"Source Sans 3", "Liberation Sans", Arial, Helvetica, "DejaVu Sans", sans-serif'
_SERIF = '"Source Serif 4", "Liberation Serif", "Times New Roman", Times, "DejaVu Serif", serif'


@dataclass(frozen=True)
class Font:
    """``family`` as CSS knows it, ``fallback`` where a sign or the font is missing, ``files`` by style."""

    key: str
    label: str
    family: str
    fallback: str
    package: str
    files: dict[str, str]

    @property
    def stack(self) -> str:
        return f'"{self.family}", {self.fallback}'

    def path(self, style: str) -> Path | None:
        """Where the file of a style lies; None where the package is not installed."""
        name = self.files.get(style, "")
        if not self.package:
            return Path(name) if name else None
        spec = find_spec(self.package)
        places = list(spec.submodule_search_locations or []) if spec else []
        return Path(places[0]) / "files" / name if places else None

    @property
    def missing(self) -> list[str]:
        """The files that are not there, as a person would look for them."""
        paths = {style: self.path(style) for style in self.files}
        return [
            str(path or self.files[style]) for style, path in paths.items() if not (path and path.is_file())
        ]


BUNDLED = (
    Font(
        "source_sans",
        "Source Sans",
        "Billing Source Sans",
        _SANS,
        "font_source_sans_pro",
        {
            "regular": "SourceSansPro-Regular.ttf",
            "bold": "SourceSansPro-Semibold.ttf",
            "italic": "SourceSansPro-It.ttf",
            "bold_italic": "SourceSansPro-SemiboldIt.ttf",
        },
    ),
    Font(
        "lato",
        "Lato",
        "Billing Lato",
        _SANS,
        "font_lato",
        {
            "regular": "Lato-Regular.ttf",
            "bold": "Lato-Bold.ttf",
            "italic": "Lato-Italic.ttf",
            "bold_italic": "Lato-BoldItalic.ttf",
        },
    ),
    Font(
        "source_serif",
        "Source Serif",
        "Billing Source Serif",
        _SERIF,
        "font_source_serif_pro",
        {
            "regular": "SourceSerifPro-Regular.ttf",
            "bold": "SourceSerifPro-Semibold.ttf",
            "italic": "SourceSerifPro-It.ttf",
            "bold_italic": "SourceSerifPro-SemiboldIt.ttf",
        },
    ),
)


def fonts() -> dict[str, Font]:
    """All families by their key, the site's own after the bundled ones."""
    own = {
        key: Font(
            key=key,
            label=given.get("label", key),
            family=f"Billing {key}",
            fallback=_SANS,
            package="",
            files={style: given[style] for style in STYLES if given.get(style)},
        )
        for key, given in billing_settings().letterhead_fonts.items()
    }
    return {font.key: font for font in BUNDLED} | own


def font_stack(key: str) -> str:
    """The CSS ``font-family``; of the default where ``key`` is not known (any more)."""
    known = fonts()
    return known.get(key, known[DEFAULT]).stack


def font_faces() -> str:
    """``@font-face`` rules of all styles that are there; the renderer answers their addresses from this module."""
    rules = []
    for font in fonts().values():
        for style, (slant, weight) in STYLES.items():
            path = font.path(style)
            if path and path.is_file():
                rules.append(
                    f'@font-face {{ font-family: "{font.family}"; font-style: {slant}; font-weight: {weight}; '
                    f'src: url("{SCHEME}:{font.key}/{style}"); }}'
                )
    return "\n".join(rules)


@lru_cache(maxsize=32)
def font_bytes(address: str) -> bytes:
    """The file of ``billing-font:<key>/<style>``. Raises ValueError for any other address."""
    key, _slash, style = address.removeprefix(f"{SCHEME}:").partition("/")
    font = fonts().get(key)
    path = font.path(style) if font else None
    if path is None:
        raise ValueError(f"no such font: {address}")
    return path.read_bytes()
