"""The designs that a letterhead may start from: a name and a stylesheet ``cms_billing/faktura/pdf/designs/<name>.css``.

A site adds its own with ``CMS_BILLING["LETTERHEAD_DESIGNS"] = {"house": "House style"}`` and a stylesheet of that name
in its templates, and changes a bundled one by a template of the same path.
"""

from __future__ import annotations

from typing import Any

from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.translation import gettext_lazy, pgettext_lazy

from cms_billing.core.conf import billing_settings

DEFAULT = "classic"
BUNDLED: dict[str, Any] = {
    "classic": gettext_lazy("Classic"),
    "modern": gettext_lazy("Modern"),
    "elegant": gettext_lazy("Elegant"),
    "bold": pgettext_lazy("design", "Bold"),
    "plain": gettext_lazy("Plain"),
}


def designs() -> dict[str, Any]:
    """Labels by name, the site's own after the bundled ones."""
    return BUNDLED | dict(billing_settings().letterhead_designs)


def template_of(name: str) -> str:
    return f"cms_billing/faktura/pdf/designs/{name}.css"


def known_design(name: str) -> str:
    """``name``, or the default where a document was issued in a design that the site has no more."""
    return name if name in designs() else DEFAULT


def without_stylesheet() -> list[str]:
    """Names of designs whose template cannot be found."""
    missing = []
    for name in designs():
        try:
            get_template(template_of(name))
        except TemplateDoesNotExist:
            missing.append(name)
    return missing
