"""Previews of PDFs as pictures."""

import io

import pytest
from PIL import Image

from cms_billing.faktura.rendering.page_images import page_count, page_images
from cms_billing.testing.renderers import PlainRenderer


def test_pages_become_pictures_of_the_width_asked_for():
    pdf = PlainRenderer().render("<p>Rechnung</p>", css="")
    [picture] = page_images(pdf, width=300)
    assert Image.open(io.BytesIO(picture)).size[0] == 300
    assert page_count(pdf) == 1
    assert page_images(pdf, width=300, first=1) == []


def test_what_is_no_pdf_is_told():
    with pytest.raises(ValueError, match="not a readable PDF"):
        page_images(b"%PDF-1.7 nothing", width=300)
