"""Document texts in the admin: written by editors of their issuer, with the placeholders that can be printed."""

import pytest
from django.urls import reverse

from cms_billing.faktura.models import DocumentText

from .conftest import Business

pytestmark = pytest.mark.django_db


def form(business: Business, **changes) -> dict:
    return {
        "issuer": business.issuer.pk,
        "kind": "invoice",
        "language": "de",
        "intro": "Guten Tag {name}",
        "closing": "",
        **changes,
    }


def test_list_shows_how_the_texts_begin(accountant, ours, theirs):
    page = accountant.get(reverse("billing-documenttext:index")).content.decode()
    assert "Guten Tag {name}" in page
    assert ours.issuer.name in page
    assert theirs.issuer.name not in page


def test_form_lists_what_can_be_printed_and_saves(accountant, ours):
    url = reverse("billing-documenttext:add")
    page = accountant.get(f"{url}?issuer={ours.issuer.pk}").content.decode()
    assert "{original_number}" in page
    assert "{payment_link}" not in page
    accountant.post(url, form(ours, closing="Zahlbar bis {due_date}"))
    text = DocumentText.objects.get(issuer=ours.issuer, language="de")
    assert (text.intro, text.closing) == ("Guten Tag {name}", "Zahlbar bis {due_date}")


@pytest.mark.parametrize(
    ("changes", "field"), [({"closing": "{payment_link}"}, "closing"), ({"language": ""}, "language")]
)
def test_form_refuses_what_cannot_be_printed_and_a_second_text(accountant, ours, changes, field):
    response = accountant.post(reverse("billing-documenttext:add"), form(ours, **changes))
    assert list(response.context["form"].errors) == [field]
    assert DocumentText.objects.filter(issuer=ours.issuer).count() == 1


def test_nobody_writes_texts_of_a_neighbour(accountant, ours, theirs):
    accountant.post(reverse("billing-documenttext:add"), form(theirs))
    assert not DocumentText.objects.filter(issuer=theirs.issuer, language="de").exists()
