"""The certificate as a PDF, and whose name stands on it."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from wagtail.rich_text import expand_db_html

from cms_billing.faktura.models import Customer
from cms_billing.faktura.rendering import pdf_renderer
from cms_billing.faktura.rendering.fonts import font_stack

from ..models import Certificate

TEMPLATES = "cms_billing/paywall/lessons"


def name_of(user: Any) -> str:
    """As the account has it, else as the person's invoices do; empty where neither knows a name."""
    if name := user.get_full_name().strip():
        return name
    people = Customer.objects.of_user(user).exclude(last_name="").order_by("pk")
    names = people.values_list("first_name", "last_name").first() or ()
    return " ".join(filter(None, names))


def certificate_pdf(certificate: Certificate, *, url: str) -> bytes:
    """``url``: where anybody may check it."""
    context = {
        "certificate": certificate,
        "text": expand_db_html(certificate.text),
        "code": code_text(certificate.code),
        "url": url,
        "serif": font_stack("source_serif"),
        "sans": font_stack("source_sans"),
    }
    with translation.override(certificate.language):
        html = render_to_string(f"{TEMPLATES}/certificate_pdf.html", context)
        css = render_to_string(f"{TEMPLATES}/certificate_pdf.css", context)
    return pdf_renderer().render(html, css=css)


def code_text(code: str) -> str:
    """``ABCD-EFGH-JKLM``: in groups, for people to type."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def code_of(text: str) -> str:
    """What somebody typed, as it is stored."""
    return "".join(sign for sign in text.upper() if sign.isascii() and sign.isalnum())[:20]
