from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core.exceptions import BillingError

# By the codes of ``Refused``: the child process knows no languages.
REASONS = {
    "too_large": gettext_lazy(
        "“%(name)s” is larger than %(limit)s MB. Save it smaller, such as for printing."
    ),
    "unknown": gettext_lazy("“%(name)s” is no file that can be used here. Upload a PDF, PNG, JPEG or WebP."),
    "unknown_logo": gettext_lazy(
        "“%(name)s” is no picture that can be used here. Upload a PNG, JPEG, WebP or SVG."
    ),
    "broken": gettext_lazy("“%(name)s” is damaged and cannot be read. Export it again and upload that file."),
    "encrypted": gettext_lazy(
        "“%(name)s” is protected with a password. Save it without one and upload it again."
    ),
    "no_page": gettext_lazy("“%(name)s” has no page. Export it again and upload that file."),
    "not_a4": gettext_lazy(
        "“%(name)s” is %(width)s × %(height)s mm. Letters are A4 upright (210 × 297 mm): export it in this size."
    ),
    "too_complex": gettext_lazy(
        "“%(name)s” is too complex to stand behind every letter. Flatten or simplify it, or upload it as a picture."
    ),
    "too_many_pixels": gettext_lazy(
        "“%(name)s” has more than %(limit)s million pixels. 2480 × 3508 are enough for a whole page in print."
    ),
    "too_small": gettext_lazy("“%(name)s” has too few pixels to be printed."),
    "doctype": gettext_lazy("“%(name)s” has a DOCTYPE or entities. Save it as plain SVG, without them."),
    "script": gettext_lazy(
        "“%(name)s” contains a program (%(what)s). Save it as plain SVG, without scripts."
    ),
    "element": gettext_lazy(
        "“%(name)s” contains “%(what)s”, which cannot be printed safely. Convert it to paths, or upload a PNG."
    ),
    "external": gettext_lazy(
        "“%(name)s” loads something from outside (%(what)s). Embed it as paths, or upload a PNG."
    ),
    "loop": gettext_lazy("“%(name)s” contains itself (%(what)s). Save it as plain SVG, or upload a PNG."),
    "not_now": gettext_lazy("“%(name)s” could not be checked just now. Try again in a minute."),
}


class UploadRefused(BillingError):
    """A file that is not taken; the message says why and what to do instead. ``code`` is a key of ``REASONS``."""

    def __init__(self, code: str, *, name: str, facts: dict[str, Any] | None = None) -> None:
        self.code = code
        super().__init__(REASONS[code] % {"name": name or _("The file"), **(facts or {})})
