"""What closes a page, where editors meet it: in the explorer, beside what it shows, at the collection of its files."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.paywall.rules import OpensTo, RuleTerms
from cms_billing.paywall.services import set_rule
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import ArticlePage, ChapterPage

from .conftest import client_of
from .files import new_collection, new_document
from .test_admin import staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor():
    return client_of(UserFactory(is_superuser=True))


def listed(client, parent) -> str:
    return client.get(f"/admin/pages/{parent.pk}/").content.decode()


def test_explorer_names_what_closes_each_page(magazine, editor):
    course = PlanFactory(issuer=magazine.plan.issuer, name="Course")
    for title, terms in (("Own", RuleTerms()), ("Sample", RuleTerms(opens_to=OpensTo.EVERYONE))):
        page = magazine.section.add_child(instance=ArticlePage(title=title, slug=title.lower()))
        set_rule(page=page, plans=[course], terms=terms)
    shown = listed(editor, magazine.section)
    assert ">Magazine: Membership</span>" in shown
    assert ">Course</span>" in shown
    assert ">Closed by its own rule. Opens with: Course.</span>" in shown
    assert ">Open to everyone by its own rule.</span>" in shown
    address = f"/admin/billing-paywall/pages/{magazine.article.pk}/?next=%2Fadmin%2Fpages%2F{magazine.section.pk}%2F"
    assert address in shown


def test_open_pages_have_no_tag(magazine, editor):
    magazine.home.add_child(instance=ArticlePage(title="News", slug="news"))
    assert listed(editor, magazine.home).count("billing-listing-tag") == 1


def test_who_may_not_publish_sees_the_tag_without_a_link(magazine):
    shown = listed(client_of(staff("change_page", page=magazine.section)), magazine.section)
    assert '<span class="billing-listing-tag"' in shown
    assert f"/admin/billing-paywall/pages/{magazine.article.pk}/" not in shown


def test_rule_form_leads_back_to_the_listing(magazine, editor):
    back = f"/admin/pages/{magazine.section.pk}/"
    address = f"/admin/billing-paywall/pages/{magazine.article.pk}/?next={back}"
    assert f'name="next" value="{back}"' in editor.get(address).content.decode()
    given = {"opens_to": "everyone", "preview": "page", "next": back}
    assert editor.post(address, given).url == back
    elsewhere = editor.post(address, {**given, "next": "https://elsewhere.example/"})
    assert elsewhere.url == f"/admin/pages/{magazine.article.pk}/edit/"


def queries(client, parent) -> int:
    connection.run_on_commit = []  # as if committed: else each look loads the rules again
    listed(client, parent)
    with CaptureQueriesContext(connection) as captured:
        listed(client, parent)
    return len(captured)


def test_a_listing_costs_the_same_for_few_and_many_pages(magazine, editor):
    publisher = client_of(staff("change_page", "publish_page", page=magazine.section))
    counts = []
    for number in range(12):
        page = magazine.section.add_child(instance=ArticlePage(title=f"No {number}", slug=f"no-{number}"))
        if number % 2:
            set_rule(page=page, plans=[magazine.plan])
        if number in (3, 11):
            counts.append([queries(client, magazine.section) for client in (editor, publisher)])
    assert counts[0] == counts[1]


@pytest.fixture
def closed_files(magazine):
    collection = new_collection()
    set_collection_rule(collection=collection, plans=[magazine.plan])
    return collection


def test_panel_of_an_open_page_names_files_that_guests_do_not_get(magazine, closed_files, editor):
    document = new_document(closed_files)
    body = f'<p><a linktype="document" id="{document.pk}">Handbook</a></p>'
    pages = [
        parent.add_child(instance=ChapterPage(title="Chapter", slug="chapter", body=body))
        for parent in (magazine.home, magazine.section)
    ]
    texts = [editor.get(f"/admin/pages/{page.pk}/edit/").content.decode() for page in pages]
    warning = "Not everybody who reads this page gets these pictures and documents"
    assert [warning in text for text in texts] == [True, False]
    assert f'<a href="/admin/documents/edit/{document.pk}/">Handbook</a>' in texts[0]


def test_collection_says_what_closes_it_and_leads_to_its_rule(magazine, closed_files, editor):
    shown = editor.get(f"/admin/collections/{closed_files.pk}/").content.decode()
    assert "Paywall: Closed by its own rule. Opens with: Membership." in shown
    address = reverse("billing-paywall-files:collection_rule", args=[closed_files.pk])
    assert address in shown
    back = editor.get(address).content.decode()
    assert f'href="/admin/collections/{closed_files.pk}/"' in back
