"""Letters of nobody: every level, language and kind of customer, saved or being written."""

import io
import json

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from pypdf import PdfReader
from wagtail.test.utils.form_data import inline_formset, nested_form_data

from cms_billing.dunning.doubts import LevelTerms, Terms, doubts
from cms_billing.dunning.models import Level, Procedure
from cms_billing.dunning.previews import LANGUAGE_CODES, kinds_of, show
from cms_billing.dunning.reasons import DOUBTS
from cms_billing.faktura.rendering import WeasyPrintRenderer, document_html, stylesheet
from cms_billing.testing.factories import IssuerFactory, UserFactory

from .test_admin import accountant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]


@pytest.fixture
def business(issuer) -> Procedure:
    return issuer.dunning_procedures.get(customer_kind="business")


def pages(shown) -> list[str]:
    pdf = WeasyPrintRenderer().render(document_html(shown.data), css=stylesheet(shown.data.design))
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


@pytest.mark.parametrize("language", LANGUAGE_CODES)
def test_how_to_pay_stands_together_with_the_closing(procedure, business, language):
    with translation.override(language):
        regards = _("Kind regards")
    for one in (procedure, business):
        for level in (1, 2, 3):
            shown = show(one, level=level, language=language, kind=one.customer_kind)
            found = pages(shown)
            assert len(found) == (1 if one is procedure else len(found)), level
            assert len(found) <= 2
            [last] = [page for page in found if regards in page]
            assert "BYLADEM1001" in last.split(regards)[0]
            assert "{" not in shown.content.body


def test_businesses_are_shown_interest_and_the_flat_sum(business):
    first, second = (show(business, level=level, language="de", kind="business") for level in (1, 2))
    assert "Verzugspauschale" not in first.content.body
    assert "Verzugspauschale von 40,00" in second.content.body
    [page, *_rest] = pages(second)
    assert "Verzugszinsen" in page
    assert "Musterverlag GmbH" in page


def test_a_procedure_for_all_shows_both_kinds(procedure):
    procedure.customer_kind = "all"
    assert kinds_of(procedure) == ("consumer", "business")


def form_of(issuer, **level) -> dict[str, object]:
    row = {"number": 1, "days_after": 7, "days_to_pay": 10, "channel": "mail", "fee": ""}
    text = {"language": "de", "subject": "Eigener Betreff", "body": "Hallo {name}, es fehlen {total}."}
    levels = inline_formset([{**row, **level, "texts": inline_formset([text])}])
    return nested_form_data(
        {
            "issuer": issuer.pk,
            "name": "Neu",
            "customer_kind": "business",
            "is_active": "",
            "default_from": "first_letter",
            "charges_left": "waive",
            "levels": levels,
        }
    )


def test_the_letter_is_shown_while_it_is_written(client, issuer):
    accountant(client, issuer, "add_procedure", "change_procedure")
    url = reverse("billing-dunning-procedure:preview_on_add")
    assert json.loads(client.post(url, form_of(issuer)).content)["is_valid"]
    page = client.get(url, {"mode": "1-mail", "language": "de"}).content.decode()
    assert "Eigener Betreff" in page
    assert "Hallo Erika Mustermann, es fehlen" in page
    pdf = client.get(url, {"mode": "1-pdf"}).content.decode()
    assert "data:image/png;base64" in pdf
    assert "There is no level 3." in client.get(url, {"mode": "3-mail"}).content.decode()
    assert not Procedure.objects.filter(name="Neu").exists()


def test_the_language_stays_while_the_panel_reloads(client, issuer, procedure):
    accountant(client, issuer, "change_procedure")
    url = reverse("billing-dunning-procedure:preview_on_edit", args=[procedure.pk])
    client.post(url, form_of(issuer))
    client.get(url, {"mode": "1-mail", "language": "en"})
    page = client.get(url, {"mode": "1-mail"}).content.decode()
    assert '<html lang="en">' in page
    assert client.get(url, {"mode": "1-mail", "language": "xx"}).status_code == 200


def test_a_test_letter_comes_to_oneself_only(client, issuer, procedure):
    user = accountant(client, issuer, "change_procedure")
    user.email = "chefin@example.org"
    user.save()
    url = reverse("billing-dunning-procedure:test", args=[procedure.pk])
    answer = json.loads(client.post(url, form_of(issuer, channel="mail_pdf")).content)
    assert answer == {"message": "Level 1 in German goes to chefin@example.org."}
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["chefin@example.org"], "[Test] Eigener Betreff – MA-2026-000012")
    [(name, content, _kind)] = sent.attachments
    assert name == "MA-2026-000012.pdf"
    assert content.startswith(b"%PDF")


def test_neighbours_and_lookers_get_no_preview(client, issuer, procedure):
    accountant(client, IssuerFactory(), "change_procedure")
    for name in ("preview_on_edit", "test"):
        url = reverse(f"billing-dunning-procedure:{name}", args=[procedure.pk])
        assert client.post(url, form_of(issuer)).status_code == 404, name
    client.force_login(UserFactory())
    url = reverse("billing-dunning-procedure:preview_on_add")
    assert client.get(url).status_code == 302


def test_all_fields_are_saved_and_doubts_are_told_with_the_law(client, issuer, procedure):
    accountant(client, issuer, "add_procedure", "change_procedure", "view_procedure")
    Procedure.objects.filter(customer_kind="consumer").delete()
    data = form_of(issuer, fee="2.50", claims_interest="on") | {
        "customer_kind": "consumer",
        "minimum": "5.00",
        "flat": "40",
        "interest_points": "9",
        "failure_level": "1",
        "chargeback_level": "1",
        "wait_for_statement": "on",
        "avoid_weekends": "on",
        "holidays": "DE-NW",
    }
    response = client.post(reverse("billing-dunning-procedure:add"), data, follow=True)
    made = Procedure.objects.get(name="Neu")
    assert (made.minimum_minor, made.flat_minor, made.interest_points) == (500, 4000, 9)
    assert (made.wait_for_statement, made.avoid_weekends, made.holidays) == (True, True, "DE-NW")
    assert Level.objects.get(procedure=made).channel == "mail"
    text = response.content.decode()
    for law in ("BGH VIII ZR 95/18", "§ 288 (5) BGB", "§ 288 (1) BGB", "§§ 280 (2), 286 BGB"):
        assert law in text
    page = client.get(reverse("billing-dunning-procedure:edit", args=[made.pk])).content.decode()
    assert "nothing is refused" in page


def test_a_start_level_that_is_not_there_is_refused(client, issuer):
    accountant(client, issuer, "add_procedure")
    data = form_of(issuer) | {"failure_level": "3"}
    response = client.post(reverse("billing-dunning-procedure:add"), data)
    assert "starts at a level that is not there" in response.content.decode()


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (Terms("consumer", levels=(LevelTerms(1), LevelTerms(2))), []),
        (Terms("consumer", levels=(LevelTerms(1, fee_minor=100, channel="print"),)), ["first_fee"]),
        (Terms("consumer", levels=(LevelTerms(2, fee_minor=100, channel="print"),)), []),
        (Terms("all", levels=(LevelTerms(2, fee_minor=100, channel="mail"),)), ["mail_fee"]),
        (Terms("business", levels=(LevelTerms(2, fee_minor=100, channel="mail"),)), []),
        (Terms("consumer", flat_minor=4000), ["flat_consumer"]),
        (Terms("all", flat_minor=4000, levels=(LevelTerms(2, claims_flat=True),)), []),
        (Terms("business", flat_minor=4000, levels=(LevelTerms(1),)), ["flat_unused"]),
        (Terms("business", levels=(LevelTerms(2, claims_flat=True),)), ["flat_missing"]),
        (Terms("consumer", interest_points=5), []),
        (Terms("consumer", interest_points=9), ["interest_consumer"]),
        (Terms("business", interest_points=9), []),
        (Terms("business", interest_points=12), ["interest_business"]),
        (Terms("business", levels=(LevelTerms(2, claims_interest=True),)), ["interest_missing"]),
        (
            Terms("business", 9, "first_letter", levels=(LevelTerms(1, claims_interest=True),)),
            ["interest_first"],
        ),
        (
            Terms("business", 9, "due_date", levels=(LevelTerms(2, claims_interest=True),)),
            ["default_due_date"],
        ),
    ],
)
def test_doubts(terms, expected):
    assert doubts(terms) == expected
    assert all(key in DOUBTS for key in expected)


def test_the_shipped_procedures_leave_no_doubt(procedure, business):
    from cms_billing.dunning.viewsets.procedure_forms import doubts_about

    assert (doubts_about(procedure), doubts_about(business)) == ([], [])
