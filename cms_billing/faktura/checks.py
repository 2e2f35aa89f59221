"""Does this machine have what a PDF needs? WeasyPrint loads these libraries when it first renders."""

from __future__ import annotations

import ctypes
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register

from cms_billing.core import conf

BUNDLED = "cms_billing.faktura.rendering.WeasyPrintRenderer"
# The names that WeasyPrint itself tries.
PANGO = ("libpango-1.0.so.0", "libpango-1.0.dylib", "libpango-1.0-0.dll", "libpango-1.0-0")
HARFBUZZ_SUBSET = (
    "libharfbuzz-subset.so.0",
    "libharfbuzz-subset.0.dylib",
    "libharfbuzz-subset-0.dll",
    "libharfbuzz-subset-0",
)


@register("cms_billing")
def libraries_for_pdf_are_there(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types() or conf.billing_settings().pdf_renderer != BUNDLED:
        return []
    warnings: list[CheckMessage] = []
    if not can_be_loaded(PANGO):
        warnings.append(
            Warning(
                "Pango is missing: no PDF can be made, invoices wait to be rendered.",
                hint="On Debian and Ubuntu: apt-get install libpango-1.0-0 libpangoft2-1.0-0",
                id="cms_billing.W030",
            )
        )
    if not can_be_loaded(HARFBUZZ_SUBSET):
        warnings.append(
            Warning(
                "HarfBuzz subsetting is missing: every PDF takes about four times as long.",
                hint="On Debian and Ubuntu: apt-get install libharfbuzz-subset0",
                id="cms_billing.W031",
            )
        )
    return warnings


def can_be_loaded(names: tuple[str, ...]) -> bool:
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


@register("cms_billing")
def letterheads_can_be_printed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Has every design its stylesheet, and every font its files?"""
    from .rendering.designs import template_of, without_stylesheet
    from .rendering.fonts import fonts

    if conf.wrong_types():
        return []
    messages: list[CheckMessage] = [
        Error(
            f"The letter design “{name}” has no stylesheet: {template_of(name)} is in no template folder.",
            hint="Put the file there, or take the name out of CMS_BILLING['LETTERHEAD_DESIGNS'].",
            id="cms_billing.E034",
        )
        for name in without_stylesheet()
    ]
    for font in fonts().values():
        if missing := font.missing:
            package = font.package.replace("_", "-")
            hint = (
                f"pip install {package}"
                if package
                else "Correct the paths in CMS_BILLING['LETTERHEAD_FONTS']."
            )
            messages.append(
                Warning(
                    f"Files of the font “{font.label}” are missing, letters fall back to another: {', '.join(missing)}",
                    hint=hint,
                    id="cms_billing.W034",
                )
            )
    return messages
