"""The worksheet and picture of a lesson, and the file that comes with a book."""

import pytest
from django.test import Client
from wagtail.documents import get_document_model
from wagtail.images import get_image_model

from cms_billing.paywall.files.names import is_private
from cms_billing.shop.models import ProductDownload
from sandbox.site.demo.files import load_files
from sandbox.site.models import LessonPage


@pytest.fixture
def loaded(demo):
    load_files()


def test_lesson_shows_its_picture_and_worksheet_to_those_who_have_the_course(loaded):
    lesson = LessonPage.objects.get(slug__startswith="woche-2")
    html = str(lesson.body.render_as_block())
    assert "/billing/files/r" in html
    assert "arbeitsblatt.pdf" in html
    document = get_document_model().objects.get(title__startswith="Arbeitsblatt")
    image = get_image_model().objects.get(title__startswith="Vom Stuhl")
    for url in (document.url, document.file.url, image.file.url, image.get_rendition("width-1200").url):
        assert Client().get(url).status_code in (302, 403)
    assert is_private(document.file.name)


def test_liederbuch_has_its_chords(loaded):
    assert ProductDownload.objects.get().product.title == "Saitenweg: Das Liederbuch"
