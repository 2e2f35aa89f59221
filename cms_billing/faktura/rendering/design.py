"""``DesignData``: how the letters of an issuer look, as plain values; what a frozen document keeps of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .designs import DEFAULT as DEFAULT_DESIGN
from .fonts import font_stack
from .logos import logo_uri

_HEX_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
DEFAULT_ACCENT = "#1f4e5f"
DEFAULT_TEXT_COLOR = "#1d2429"


@dataclass(frozen=True)
class DesignData:
    """Lengths are whole millimetres; ``logo`` is a data URI or empty; backgrounds are SHA-256 in the archive's storage.

    ``margin_top`` is that of following pages: on the first one DIN 5008 says where the address stands.
    An empty ``font`` is the design's own. ``footer_columns`` are finished texts; empty: the page builds them from the
    issuer's data.
    """

    template: str = DEFAULT_DESIGN
    accent_color: str = DEFAULT_ACCENT
    text_color: str = DEFAULT_TEXT_COLOR
    font: str = ""
    font_size: str = "9.5"
    margin_left: int = 25
    margin_right: int = 20
    margin_top: int = 34
    margin_bottom: int = 41
    logo: str = ""
    logo_width: int = 60
    logo_position: str = "left"
    footer_columns: tuple[str, ...] = ()
    footer_line: str = ""
    show_header: bool = True
    show_footer: bool = True
    show_bank: bool = True
    show_qr: bool = True
    line_details: str = "short"
    first_background: str = ""
    next_background: str = ""

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> DesignData:
        """As a snapshot keeps it: ``logo`` is a SHA-256 there, and what is not said is the package's default."""
        known = {f.name for f in fields(cls)} & stored.keys()
        values = {name: stored[name] for name in known}
        if "footer_columns" in values:
            values["footer_columns"] = tuple(values["footer_columns"])
        if values.get("logo"):
            values["logo"] = logo_uri(values["logo"])
        return cls(**values)

    @property
    def font_stack(self) -> str:
        return font_stack(self.font)

    @property
    def window_left(self) -> int:
        """From the left margin to where DIN 5008 begins the address: 25 mm from the edge of the paper."""
        return 25 - self.margin_left

    @property
    def facts_left(self) -> int:
        return 123 - self.margin_left

    @property
    def facts_width(self) -> int:
        return 210 - 123 - self.margin_right

    @property
    def marks_left(self) -> int:
        return 5 - self.margin_left

    @property
    def accent(self) -> str:
        return self.accent_color if _HEX_COLOR.fullmatch(self.accent_color) else DEFAULT_ACCENT

    @property
    def ink(self) -> str:
        return self.text_color if _HEX_COLOR.fullmatch(self.text_color) else DEFAULT_TEXT_COLOR

    @property
    def tint(self) -> str:
        """The accent colour, nearly white: for the ground of boxes."""
        return lightened(self.accent, 0.07)

    @property
    def muted(self) -> str:
        """The colour of text, for what is read second."""
        return lightened(self.ink, 0.76)

    @property
    def rule(self) -> str:
        return lightened(self.ink, 0.18)

    @property
    def on_accent(self) -> str:
        """Black or white, whichever is read better on the accent colour (by its luminance)."""
        red, green, blue = (int(self.accent[i : i + 2], 16) for i in (1, 3, 5))
        return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < 160 else "#1d2429"

    @property
    def rule_strong(self) -> str:
        return lightened(self.ink, 0.45)


def lightened(color: str, share: float) -> str:
    """``color`` (# and six digits) with so much of it left, the rest white."""
    parts = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - part) * share):02x}" for part in parts)
