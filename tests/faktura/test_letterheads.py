"""Letterheads: what is inherited, what an issued document keeps, and that every design leaves the window free."""

import io
from dataclasses import replace
from decimal import Decimal

import pypdfium2
import pytest
from django.core.exceptions import ValidationError
from django.core.files.images import ImageFile
from django.db import IntegrityError, transaction
from pypdf import PdfReader
from wagtail.images import get_image_model

from cms_billing.faktura import archive, checks
from cms_billing.faktura.letterhead_previews import RATES, preview_data
from cms_billing.faktura.models import DocumentKind, Letterhead
from cms_billing.faktura.rendering import DesignData, document_data, document_html, render_pdf, stylesheet
from cms_billing.faktura.rendering import pages as pages_module
from cms_billing.faktura.rendering.data import IssuerData
from cms_billing.faktura.rendering.designs import designs
from cms_billing.faktura.rendering.fonts import font_bytes, font_faces, fonts
from cms_billing.faktura.rendering.footers import fill, finished, validate_footer
from cms_billing.faktura.rendering.renderers import WeasyPrintRenderer
from cms_billing.faktura.services.letterheads import current_design, keep_background
from cms_billing.faktura.uploads import store
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, LetterheadFactory, UserFactory

from . import letterhead_files as files
from .documents import issue

pytestmark = pytest.mark.django_db
MM = files.MM


@pytest.fixture(scope="module")
def weasyprint():
    return WeasyPrintRenderer()


@pytest.fixture
def real_pdf(monkeypatch, weasyprint):
    monkeypatch.setattr(pages_module, "pdf_renderer", lambda: weasyprint)


def image(title: str = "Logo", content: bytes | None = None):
    content = content or files.picture(400, 200)
    return get_image_model().objects.create(
        title=title, file=ImageFile(io.BytesIO(content), name=f"{title}.png")
    )


def design_of(document) -> DesignData:
    [data] = document_data([document.pk])
    return data.design


# -- inheritance ----------------------------------------------------------------------------------------------------


def test_without_a_letterhead_letters_look_as_the_package_has_it():
    assert current_design(IssuerFactory(), DocumentKind.INVOICE) == {}
    assert design_of(issue()) == DesignData()


def test_the_letterhead_of_a_kind_comes_before_that_of_all_kinds():
    issuer = IssuerFactory()
    LetterheadFactory(issuer=issuer, template="modern", accent_color="#112233", show_qr=False, margin_left=20)
    LetterheadFactory(
        issuer=issuer, kind="invoice", accent_color="#445566", show_qr=True, font_size=Decimal("9.0")
    )
    LetterheadFactory(accent_color="#ff0000")
    design = DesignData.from_stored(current_design(issuer, DocumentKind.INVOICE))
    assert (design.template, design.accent, design.show_qr) == ("modern", "#445566", True)
    assert (design.margin_left, design.font_size) == (20, "9.0")
    other = DesignData.from_stored(current_design(issuer, DocumentKind.CANCELLATION))
    assert (other.accent, other.show_qr) == ("#112233", False)


def test_a_kind_may_go_without_the_backgrounds_of_the_others():
    issuer = IssuerFactory()
    LetterheadFactory(issuer=issuer, first_background="a" * 64)
    LetterheadFactory(issuer=issuer, kind="dunning_letter", show_background=False)
    assert current_design(issuer, "invoice")["first_background"] == "a" * 64
    assert current_design(issuer, "dunning_letter")["first_background"] == ""


def test_an_issuer_has_one_letterhead_for_a_kind():
    first = LetterheadFactory(kind="invoice")
    with pytest.raises(IntegrityError), transaction.atomic():
        LetterheadFactory(issuer=first.issuer, kind="invoice")


def test_queries_of_issuing_do_not_grow_with_letterheads(django_assert_num_queries):
    issuer = IssuerFactory()
    with django_assert_num_queries(1):
        current_design(issuer, "invoice")
    for kind in ("", *DocumentKind.values):
        LetterheadFactory(issuer=issuer, kind=kind, logo=image())
    current_design(issuer, "invoice")
    with django_assert_num_queries(1):
        current_design(issuer, "invoice")


# -- what an issued document keeps ----------------------------------------------------------------------------------


def test_an_issued_document_keeps_its_design_when_the_letterhead_changes():
    customer = CustomerFactory()
    letterhead = LetterheadFactory(issuer=customer.issuer, template="bold", accent_color="#112233")
    before = issue(customer)
    letterhead.template, letterhead.accent_color = "plain", "#000000"
    letterhead.save()
    assert (design_of(before).template, design_of(before).accent) == ("bold", "#112233")
    assert design_of(issue(customer)).template == "plain"


def test_a_document_is_printed_on_the_paper_it_was_issued_with(real_pdf):
    """A background that was replaced, even by a row that is gone, is still found."""
    customer = CustomerFactory()
    red = keep_background(files.written(files.drawing(b"1 0 0 rg 0 800 600 42 re f")), name="red.pdf")
    blue = keep_background(files.written(files.drawing(b"0 0 1 rg 0 800 600 42 re f")), name="blue.pdf")
    letterhead = LetterheadFactory(issuer=customer.issuer, first_background=red)
    before = issue(customer)
    [data] = document_data([before.pk])
    printed = render_pdf(data)
    letterhead.first_background = blue
    letterhead.save()
    after = issue(customer)
    letterhead.delete()
    store.read.cache_clear()
    [data] = document_data([before.pk])
    assert render_pdf(data) == printed
    assert design_of(after).first_background == blue


def test_a_background_that_is_gone_is_told_and_nothing_is_printed_without_it(real_pdf):
    data = document_data([issue().pk])[0]
    with pytest.raises(archive.ArchiveDamaged, match="cannot be read"):
        render_pdf(replace(data, design=DesignData(first_background="b" * 64)))


def test_a_logo_travels_inside_the_page_and_stays_as_issued():
    customer = CustomerFactory()
    logo = image()
    LetterheadFactory(issuer=customer.issuer, logo=logo)
    before = issue(customer)
    old = design_of(before).logo
    assert old.startswith("data:image/png;base64,")
    logo.file = ImageFile(io.BytesIO(files.picture(300, 300)), name="new.png")
    logo.file_hash = ""
    logo.save()
    logo._set_file_hash()
    logo.save()
    after = issue(customer)
    assert design_of(before).logo == old
    assert design_of(after).logo != old
    logo.delete()
    assert design_of(before).logo == old
    assert design_of(issue(customer)).logo == ""


def test_a_logo_whose_file_is_gone_is_left_out():
    customer = CustomerFactory()
    logo = get_image_model().objects.create(title="Logo", file="gone.png", width=1, height=1, file_hash="x1")
    LetterheadFactory(issuer=customer.issuer, logo=logo)
    assert design_of(issue(customer)).logo == ""


def test_a_file_of_the_archive_is_no_background():
    """The form would take any hash else, and show what is none of the editor's business."""
    stored = archive.store_bytes(b"%PDF-1.7 somebody's invoice")
    assert not store.is_kept(stored.sha256)
    assert not store.is_kept("../" + stored.sha256)


# -- the page -------------------------------------------------------------------------------------------------------

STRAINS = {
    "as it comes": {},
    "wide": {"margin_left": 12, "margin_right": 10, "font_size": "11.5", "margin_bottom": 20},
    "narrow": {"margin_left": 35, "margin_right": 35, "font_size": "7.5", "logo_position": "right"},
    "wide logo": {"logo_width": 120, "logo_position": "left", "font": "source_serif"},
    "tall logo": {"logo_width": 120, "logo_position": "center", "font": "lato"},
}


@pytest.mark.parametrize("mode", ["one", "many", "letter"])
@pytest.mark.parametrize("strain", STRAINS)
@pytest.mark.parametrize("name", designs())
def test_the_address_window_holds_the_address_and_nothing_else(real_pdf, name, strain, mode):
    """DIN 5008 form B: 45 mm from the top, 20 mm from the left, 85 × 45 mm."""
    size = (400, 1600) if strain == "tall logo" else (1600, 200)
    issuer = IssuerFactory.build(
        pk=1,
        legal_name="Vereinigte Werkstätten für Saiteninstrumente und Zubehör Nord-Ost GmbH & Co. KG",
        website="https://www.vereinigte-werkstaetten.example",
        phone="+49 40 123456-789",
    )
    data = preview_data(Letterhead(issuer=issuer), mode, UserFactory.build())
    logo = store.keep(files.picture(*size)) if "logo" in strain else ""
    design = DesignData.from_stored({"template": name, **STRAINS[strain], "logo": logo})
    pdf = pypdfium2.PdfDocument(render_pdf(replace(data, design=design)))
    page = pdf[0]
    top, bottom, left, right = (297 - 45) * MM, (297 - 90) * MM, 20 * MM, 105 * MM
    words = page.get_textpage().get_text_bounded(left, bottom, right, top).split()
    sender = f"{issuer.legal_name} · {issuer.street} · {issuer.postal_code} {issuer.city}".split()
    assert words == [*sender, *(word for line in data.recipient for word in line.split())]
    _nothing_drawn_in(page, (left + 1, bottom, right, top - 1))
    textpage = page.get_textpage()
    found = textpage.search(data.recipient[0]).get_next()
    box = textpage.get_charbox(found[0])
    assert box[0] / MM == pytest.approx(25, abs=0.8)
    assert 297 - box[3] / MM > 45 + 17


def _nothing_drawn_in(page, window) -> None:
    left, bottom, right, top = window
    for drawn in page.get_objects(max_depth=3):
        if drawn.type == pypdfium2.raw.FPDF_PAGEOBJ_TEXT:
            continue
        x0, y0, x1, y1 = drawn.get_bounds()
        is_line_under_the_sender = x0 >= 24 * MM and y0 >= (297 - 58) * MM and y1 <= (297 - 49) * MM
        beside = x1 <= left or x0 >= right or y1 <= bottom or y0 >= top
        assert beside or is_line_under_the_sender, (
            drawn.type,
            x0 / MM,
            297 - y1 / MM,
            x1 / MM,
            297 - y0 / MM,
        )


@pytest.mark.parametrize("name", designs())
def test_every_design_says_the_same_and_looks_different(real_pdf, name):
    data = preview_data(Letterhead(issuer=IssuerFactory.build(pk=1)), "taxes", UserFactory.build())
    assert len(data.tax_groups) == len(RATES)
    assert data.net + data.tax == data.gross
    ours = render_pdf(replace(data, design=DesignData(template=name)))
    text = pypdfium2.PdfDocument(ours)[0].get_textpage().get_text_range()
    assert data.number in text
    assert [
        other
        for other in designs()
        if stylesheet(DesignData(template=other)) == stylesheet(DesignData(template=name))
    ] == [name]


def test_the_same_document_gives_the_same_bytes(weasyprint):
    data = preview_data(Letterhead(issuer=IssuerFactory.build(pk=1)), "one", UserFactory.build())
    html = document_html(data)
    for name in designs():
        css = stylesheet(DesignData(template=name))
        assert weasyprint.render(html, css=css) == WeasyPrintRenderer().render(html, css=css)


def test_many_designs_in_turn_keep_few_stylesheets(weasyprint):
    for number in range(60):
        weasyprint.render("<p>x</p>", css=f"p {{ margin: {number}mm }}")
    assert len(weasyprint._stylesheets) <= 24


def test_fonts_come_with_the_package(real_pdf):
    assert [font.missing for font in fonts().values()] == [[], [], []]
    assert font_faces().count("@font-face") == 12
    pdf = WeasyPrintRenderer().render(
        "<p>Straße</p>", css=f"p {{ font-family: {DesignData(font='source_serif').font_stack} }}"
    )
    [font] = PdfReader(io.BytesIO(pdf)).pages[0]["/Resources"]["/Font"].values()
    assert font.get_object()["/BaseFont"].endswith("Billing-Source-Serif")
    with pytest.raises(ValueError, match="no such font"):
        font_bytes("billing-font:../../etc/passwd")


def test_switched_off_parts_are_not_printed():
    data = preview_data(Letterhead(issuer=IssuerFactory.build(pk=1)), "one", UserFactory.build())
    page = document_html(data)
    assert 'class="letterhead' in page
    assert 'class="qr"' in page
    bare = replace(data, design=DesignData(show_header=False, show_footer=False, show_qr=False))
    page = document_html(bare)
    assert 'class="letterhead' not in page
    assert 'class="footer-columns"' not in page
    assert 'class="page-number"' in page
    assert 'class="qr"' not in page


# -- footer ---------------------------------------------------------------------------------------------------------


def test_a_footer_is_filled_with_the_issuers_data_and_leaves_out_what_is_empty():
    issuer = IssuerData(legal_name="Klang GmbH", iban="DE02120300000000202051", vat_id="")
    design = DesignData(
        footer_columns=("{legal_name}\nIBAN {iban}\nVAT {vat_id}", "Danke!"), footer_line="{city}"
    )
    done = finished(design, issuer)
    assert done.footer_columns == ("Klang GmbH\nIBAN DE02 1203 0000 0000 2020 51", "Danke!")
    assert done.footer_line == ""
    assert fill("{iban} {other}", {"iban": "{vat_id}"}) == "{vat_id} {other}"


def test_a_mistyped_placeholder_is_named():
    with pytest.raises(ValidationError, match="iben"):
        validate_footer("IBAN {iben}")


# -- integrators ----------------------------------------------------------------------------------------------------


def test_a_site_brings_designs_and_fonts_of_its_own(settings):
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "LETTERHEAD_DESIGNS": {"house": "House"},
        "LETTERHEAD_FONTS": {"house": {"label": "House Sans", "regular": "/nowhere/House.otf"}},
    }
    assert "house" in designs()
    assert "Billing house" in DesignData(font="house").font_stack
    told = {message.id: message.msg for message in checks.letterheads_can_be_printed(None)}
    assert "designs/house.css" in told["cms_billing.E034"]
    assert "/nowhere/House.otf" in told["cms_billing.W034"]


def test_a_design_that_is_gone_falls_back_to_the_default():
    assert stylesheet(DesignData(template="gone")) == stylesheet(DesignData(template="classic"))
    assert "Billing Source Sans" in DesignData(font="gone").font_stack
