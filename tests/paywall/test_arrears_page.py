"""The page that locked members get, written by editors; and what is never locked."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.test import Client, RequestFactory
from django.urls import reverse
from wagtail.models import GroupPagePermission, Page

from cms_billing.dunning.models import Case, CaseStep
from cms_billing.dunning.services import make_promise
from cms_billing.faktura.models import Customer, Issuer
from cms_billing.paywall.models import ArrearsPage
from cms_billing.paywall.selectors import access_of_contracts, arrears_page_of, decide_page, visible_to
from cms_billing.paywall.services import remove_rule, set_rule
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory
from tests.dunning.collection import agency_of, given_to
from tests.testsite.models import ArticlePage

from .conftest import TODAY, Magazine, client_of, in_dunning, member

pytestmark = pytest.mark.django_db

BODY = [
    ("text", "<p>We are sorry to see you here.</p>"),
    ("reason", None),
    ("owed", None),
    ("payment", {"label": ""}),
    ("offers", None),
    ("contact", {"text": ""}),
]


def arrears_page(parent: Page, issuer: Issuer, **values: object) -> ArrearsPage:
    values = {"title": "Please pay", "slug": "please-pay", "language": "en", "body": BODY, **values}
    return Page.objects.get(pk=parent.pk).add_child(instance=ArrearsPage(issuer=issuer, **values))


@pytest.fixture
def page(magazine) -> ArrearsPage:
    """In the middle of the section that is sold."""
    return arrears_page(magazine.section, magazine.plan.issuer, introduction="<p>Dear member</p>")


def locked(magazine: Magazine, *, language: str = "en") -> tuple[Client, Case]:
    reader, contract = member(magazine.plan)
    Customer.objects.filter(user=reader).update(language=language)
    case = in_dunning(contract, level=3, locked=True)
    return client_of(reader), case


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_locked_member_gets_the_editors_page_in_place_of_the_article(magazine, page):
    client, case = locked(magazine)
    CaseStep.objects.create(case=case, kind=CaseStep.Kind.LETTER, level=3, letter=case.document)
    response = client.get("/magazine/strings/")
    text = text_of(response)
    assert response.status_code == 402
    assert response["Cache-Control"] == "private, no-store"
    assert "noindex" in response["X-Robots-Tag"]
    assert "Please pay" in text
    assert "Dear member" in text
    assert "sorry to see you" in text
    assert case.document.number in text
    assert "€9.90" in text
    assert "reminder 3, locks this contract" in text
    assert "reminder 3 on 03/31/2026" in text
    assert "Pay €9.90 now" in text
    assert "/billing/pay/" in response.content.decode()
    assert "the strings hold the secret" not in response.content.decode()


def test_shipped_page_stands_in_where_editors_wrote_none(magazine):
    client, _case = locked(magazine)
    response = client.get("/magazine/strings/")
    assert response.status_code == 402
    assert "waiting for your payment" in text_of(response)


def test_page_of_another_issuer_is_not_taken(magazine):
    arrears_page(magazine.home, IssuerFactory(), title="Of somebody else")
    client, _case = locked(magazine)
    assert "<h1>This page is waiting" in client.get("/magazine/strings/").content.decode()


def test_page_that_is_not_live_is_not_taken(magazine, page):
    page.unpublish()
    client, _case = locked(magazine)
    assert "Please pay" not in text_of(client.get("/magazine/strings/"))


def test_member_reads_the_page_in_their_language(magazine, page):
    german = arrears_page(
        magazine.home, magazine.plan.issuer, title="Bitte zahlen", slug="bitte-zahlen", language="de"
    )
    client, _case = locked(magazine, language="de")
    response = client.get("/magazine/strings/")
    text = text_of(response)
    assert "Bitte zahlen" in text
    assert "Was offen ist" in text
    assert "9,90" in text
    german.unpublish()
    # The editors' words as they are, the facts in the member's language.
    Issuer.objects.filter(pk=magazine.plan.issuer.pk).update(language="en")
    response = client.get("/magazine/strings/")
    assert "Please pay" in text_of(response)
    assert "Was offen ist" in text_of(response)
    assert '<h1 lang="en">' in response.content.decode()


def test_language_follows_the_locale_where_the_site_is_translated(magazine, page, settings):
    settings.WAGTAIL_I18N_ENABLED = True
    page.language = "fr"
    page.clean()
    assert page.language == "en"


def test_newest_page_counts_should_there_be_two(magazine, page):
    arrears_page(magazine.home, magazine.plan.issuer, title="Newer", slug="newer")
    assert arrears_page_of(magazine.plan.issuer, language="en").title == "Newer"


# -- never locked, never found ------------------------------------------------------------------------------------


def test_rule_above_the_page_does_not_close_it_but_what_is_below_and_beside_it(magazine, page):
    beside = magazine.section.add_child(instance=ArticlePage(title="Beside", body="x"))
    assert decide_page(page, AnonymousUser(), today=TODAY).granted
    assert not decide_page(beside, AnonymousUser(), today=TODAY).granted
    listed = visible_to(Page.objects.live(), AnonymousUser(), today=TODAY)
    assert page.page_ptr in listed
    assert beside.page_ptr not in listed


def test_explanation_says_that_the_kind_is_always_open(magazine, page):
    from cms_billing.paywall.rule_map import current_rules
    from cms_billing.paywall.texts import covered_by, sentence

    assert "pages of this kind are never closed" in sentence(decide_page(page, AnonymousUser(), today=TODAY))
    rule = current_rules().rule_for(page.path)
    assert "Always open" in str(covered_by(rule, page_id=page.pk))


def test_portal_invoices_payment_page_and_legal_pages_stay_open_with_a_rule_on_the_home_page(
    magazine, page, monkeypatch
):
    """The rule covers everything the site has; the member is locked by all."""
    remove_rule(page=magazine.section)
    imprint = magazine.home.add_child(instance=ArticlePage(title="Imprint", slug="imprint", body="Imprint"))
    monkeypatch.setattr(ArticlePage, "paywall_always_open", False, raising=False)
    set_rule(page=magazine.home, plans=[magazine.plan])
    client, case = locked(magazine)
    assert client.get("/magazine/strings/").status_code == 402
    paths = [
        reverse("cms_billing:account_documents"),
        reverse("cms_billing:account_document_pdf", args=[case.document_id]),
        reverse("cms_billing:account_contracts"),
        reverse("cms_billing:account_arrears"),
        reverse("cms_billing:payment_methods"),
        reverse("cms_billing:pay_open"),
        reverse("cms_billing:pay_document", args=[case.document_id]),
        page.url,
    ]
    for path in paths:
        # 503: no worker has made the PDF yet.
        assert client.get(path).status_code in (200, 503), path
    link = re.search(r"/billing/pay/[^\"]+", client.get("/magazine/strings/").content.decode())
    assert client.get(link[0]).status_code == 200
    assert client.get(imprint.url).status_code == 402
    monkeypatch.setattr(ArticlePage, "paywall_always_open", True, raising=False)
    set_rule(page=magazine.home, plans=[magazine.plan])
    assert client.get(imprint.url).status_code == 200


def test_guest_sees_neutral_words_and_nothing_of_anybody(magazine, page):
    locked(magazine)
    response = Client().get(page.url)
    text = text_of(response)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]
    assert "Members see here what is unpaid" in text
    assert "€9.90" not in text
    assert "Dear member" not in text


def test_member_sees_their_own_arrears_and_the_neighbour_nothing(magazine, page):
    client, case = locked(magazine)
    assert case.document.number in text_of(client.get(page.url))
    neighbour, _contract = member(magazine.plan)
    text = text_of(client_of(neighbour).get(page.url))
    assert case.document.number not in text
    assert "keine angemahnten offenen Rechnungen" in text


def test_page_is_in_no_sitemap_and_no_search(magazine, page):
    assert page.get_sitemap_urls() == []
    assert not Page.objects.live().search("Please pay").get_queryset().filter(pk=page.pk).exists()
    assert not page.show_in_menus


def test_preview_shows_an_example_member(magazine, page):
    request = RequestFactory().get("/")
    request.user = UserFactory(is_superuser=True)
    response = page.make_preview_request(original_request=request, preview_mode="")
    text = text_of(response)
    assert response.status_code == 200
    assert "R-2026-00042" in text
    assert "€19.80" in text
    assert "V-0000123" in text
    assert "Pay in instalments" in text


# -- editors ------------------------------------------------------------------------------------------------------


def editor_of(parent: Page, *issuers: Issuer) -> Client:
    group = Group.objects.create(name="Arrears editors")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    for permission in ("add_page", "change_page", "publish_page"):
        GroupPagePermission.objects.create(
            group=group,
            page=parent,
            permission=Permission.objects.get(
                codename=permission, content_type__app_label="wagtailcore", content_type__model="page"
            ),
        )
    for issuer in issuers:
        issuer.groups.add(group)
    user = UserFactory()
    user.groups.add(group)
    return client_of(user)


def form_of(issuer: Issuer, slug: str) -> dict[str, object]:
    from wagtail.test.utils.form_data import nested_form_data, rich_text, streamfield

    blocks = [("owed", ""), ("reason", ""), ("payment", {"label": "Pay"})]
    return nested_form_data(
        {
            "title": "Pay, please",
            "slug": slug,
            "issuer": issuer.pk,
            "language": "en",
            "introduction": rich_text("<p>Hello</p>"),
            "body": streamfield(blocks),
            "action-publish": "1",
        }
    )


def test_editor_writes_one_page_for_an_issuer_they_see_and_not_two_in_a_language(magazine):
    issuer, foreign = magazine.plan.issuer, IssuerFactory()
    client = editor_of(magazine.home, issuer)
    url = reverse("wagtailadmin_pages:add", args=["cms_billing_paywall", "arrearspage", magazine.home.pk])
    form = client.get(url)
    assert form.status_code == 200
    choices = {choice.pk for choice in form.context["form"].fields["issuer"].queryset}
    assert choices == {issuer.pk}
    assert client.post(url, form_of(foreign, "foreign")).status_code == 200
    assert not ArrearsPage.objects.exists()
    assert client.post(url, form_of(issuer, "pay")).status_code == 302
    assert ArrearsPage.objects.get().live
    second = client.post(url, form_of(issuer, "pay-2"))
    assert "is the page of this issuer in this language already" in second.content.decode()


# -- account ------------------------------------------------------------------------------------------------------


def test_account_shows_what_is_owed_locked_and_next_and_the_way_to_pay(magazine):
    client, case = locked(magazine)
    response = client.get(reverse("cms_billing:account_arrears"))
    text = text_of(response)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert case.document.number in text
    assert "€9.90" in text
    (decision,) = access_of_contracts(case.customer.contracts.all(), today=TODAY)
    assert decision.holding.contract in text
    assert "is locked because of unpaid invoices" in text
    assert "No dunning procedure is in use" in text
    assert "Pay €9.90 now" in text


def test_what_an_agency_collects_is_not_asked_for_here(magazine, page):
    client, case = locked(magazine)
    Case.objects.filter(pk=case.pk).update(state=Case.State.READY_FOR_COLLECTION)
    given_to(agency_of(case.issuer, email="files@nord.example"), case, today=TODAY)
    for address in (magazine.article.url, reverse("cms_billing:account_arrears")):
        text = text_of(client.get(address))
        assert case.document.number in text
        assert "Pay €9.90 now" not in text
        assert "Please pay and write to Inkasso Nord, files@nord.example only." in text


def test_account_shows_the_running_agreement(magazine):
    client, case = locked(magazine)
    make_promise(document_ids=[case.document_id], until=date(2026, 4, 10), today=TODAY)
    text = text_of(client.get(reverse("cms_billing:account_arrears")))
    assert "Agreed: promise to pay" in text
    assert "April 10, 2026" in text


def test_account_of_the_neighbour_and_of_guests_shows_nothing(magazine):
    _client, case = locked(magazine)
    url = reverse("cms_billing:account_arrears")
    neighbour = UserFactory()
    CustomerFactory(user=neighbour, issuer=magazine.plan.issuer)
    text = text_of(client_of(neighbour).get(url))
    assert case.document.number not in text
    assert "Nothing of yours is unpaid" in text
    assert Client().get(url).status_code == 302


def test_banner_on_an_open_page_leads_to_the_account(magazine):
    reader, contract = member(magazine.plan)
    client = client_of(reader)
    assert "is unpaid" not in text_of(client.get("/magazine/strings/"))
    in_dunning(contract, level=1, locked=False)
    response = client.get("/magazine/strings/")
    assert response.status_code == 200
    assert reverse("cms_billing:account_arrears") in response.content.decode()


def test_case_page_shows_the_decision_the_member_meets(magazine):
    _client, case = locked(magazine)
    admin = client_of(UserFactory(is_superuser=True))
    text = text_of(admin.get(reverse("billing-dunning:inspect", args=[case.pk])))
    (decision,) = access_of_contracts(case.customer.contracts.all(), today=TODAY)
    assert not decision.granted
    assert f"Closed: contract {decision.holding.contract} (Membership) is locked" in text
