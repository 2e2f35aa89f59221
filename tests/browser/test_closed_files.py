"""An editor closes a collection; its pictures and files follow the reader's rights, on desktop and telephone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.urls import reverse
from wagtail.models import Site

from cms_billing.core import clock
from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.sharing.services import create_gift, revoke_gift
from cms_billing.paywall.terms import RuleTerms
from cms_billing.shop.models import ProductDownload
from cms_billing.testing.factories import (
    CustomerFactory,
    IssuerFactory,
    PlanFactory,
    UserFactory,
    signed_contract,
)
from sandbox.site.models import ArticlePage, MagazineIndexPage
from tests.paywall.files import TEXT, new_collection, new_document, new_image
from tests.shop.shop import partner_of, plan_product

pytestmark = pytest.mark.browser


@pytest.fixture
def site(live_server):
    cache.clear()
    issuer = IssuerFactory()
    plan = PlanFactory(name="Mitgliedschaft", issuer=issuer)
    material = new_collection("Kursmaterial")
    new_collection("Woche 1", under=material)
    picture, document = new_image(material), new_document(material)
    home = Site.objects.get(is_default_site=True).root_page
    section = home.add_child(instance=MagazineIndexPage(title="Magazin", slug="magazin"))
    link = f'<p><a linktype="document" id="{document.pk}">Arbeitsblatt</a></p>'
    article = section.add_child(
        instance=ArticlePage(
            title="Griffe",
            slug="griffe",
            author="Hanne Brockdorf",
            intro="<p>Ein Bild und ein Blatt.</p>",
            body=[("picture", {"image": picture, "caption": ""}), ("text", link)],
        )
    )
    product = plan_product(partner_of(issuer), plan)
    ProductDownload.objects.create(
        product=product, title="Alle Akkorde", file=ContentFile(b"chords", name="akkorde.pdf")
    )
    return article, plan, document


def log_in(window, client, user, live_server):
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    value = client.cookies["sessionid"].value
    window.context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])


def picture_is_seen(window) -> bool:
    return window.evaluate("document.querySelector('figure.picture img').naturalWidth > 0")


def fits(window) -> bool:
    return window.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.fixture(params=["desktop", "phone"])
def window(request, page, phone):
    chosen = page if request.param == "desktop" else phone
    chosen.kind = request.param
    return chosen


def test_editor_closes_a_collection_and_readers_see_the_difference(
    site, window, client, live_server, screenshot
):
    article, plan, document = site
    window.goto(article.url)
    assert picture_is_seen(window)
    log_in(window, client, UserFactory(is_superuser=True, is_staff=True), live_server)
    window.goto(reverse("billing-paywall-files:index"))
    screenshot(window, f"closed-files-list-{window.kind}")
    window.get_by_role("link", name="Kursmaterial").click()
    window.get_by_label("members with a plan").check()
    window.get_by_label("Mitgliedschaft").check()
    screenshot(window, f"closed-files-form-{window.kind}")
    window.get_by_role("button", name="Save").click()
    window.get_by_text("Closed by its own rule. Opens with: Mitgliedschaft.").first.wait_for()
    window.goto(reverse("billing-paywall-files:index"))
    assert "Closed through collection “Kursmaterial”" in window.content()
    screenshot(window, f"closed-files-closed-{window.kind}")
    window.goto("/admin/images/")
    assert window.evaluate("[...document.querySelectorAll('main img')].every(i => i.naturalWidth > 0)")

    window.context.clear_cookies()
    window.goto(article.url)
    assert not picture_is_seen(window)
    screenshot(window, f"closed-files-guest-{window.kind}")
    log_in(window, client, UserFactory(), live_server)
    window.goto(document.url)
    window.get_by_text("Read on with one of these plans").wait_for()
    assert fits(window)
    screenshot(window, f"closed-files-stranger-{window.kind}")

    member = UserFactory()
    customer = CustomerFactory(issuer=plan.issuer, user=member)
    today = clock.today()
    signed_contract(plan=plan, customer=customer, start=today - timedelta(days=20), today=today)
    log_in(window, client, member, live_server)
    window.goto(article.url)
    assert picture_is_seen(window)
    window.goto(reverse("cms_billing:account_downloads"))
    screenshot(window, f"downloads-{window.kind}")
    assert fits(window)
    with window.expect_download() as started:
        window.get_by_role("link", name="Download Alle Akkorde").click()
    assert started.value.suggested_filename == "akkorde.pdf"


@pytest.fixture
def shared(site):
    """The page and its files are for members, who may give it away; everybody reads one page a month free."""
    article, plan, document = site
    set_rule(page=article.get_parent(), plans=[plan], terms=RuleTerms(quota=1, gifts=1))
    set_collection_rule(collection=document.collection, plans=[plan])
    document.refresh_from_db()
    return article, plan, document


def gets_document(window, document) -> bool:
    """With the cookies that the browser sends to each address on the way."""
    answer = window.context.request.get(document.url)
    return answer.status == 200 and answer.body() == TEXT


def reads_whole_page(window, document) -> bool:
    window.wait_for_load_state("networkidle")
    return (
        window.locator("figure.picture img").count() == 1
        and picture_is_seen(window)
        and gets_document(window, document)
    )


def is_cacheable_elsewhere(window, live_server) -> bool:
    return not window.context.cookies(live_server.url + "/magazin/")


def test_a_guest_reads_a_page_free_with_its_pictures_and_documents(shared, window, live_server, screenshot):
    article, _plan, document = shared
    window.goto(article.url)
    assert not reads_whole_page(window, document)
    window.get_by_role("button", name="Read this page free").click()
    window.locator("figure.picture img").wait_for()
    assert reads_whole_page(window, document)
    assert is_cacheable_elsewhere(window, live_server)
    assert fits(window)
    screenshot(window, f"closed-files-free-read-{window.kind}")


def test_a_gift_brings_pictures_and_documents_until_it_is_taken_back(shared, window, live_server, screenshot):
    article, plan, document = shared
    giver, today = UserFactory(), clock.today()
    customer = CustomerFactory(issuer=plan.issuer, user=giver)
    signed_contract(plan=plan, customer=customer, start=today - timedelta(days=20), today=today)
    link, token = create_gift(giver=giver, page=article, today=today, now=clock.now())
    window.goto(reverse("cms_billing:open_gift", args=[token]))
    window.wait_for_url(f"**{article.url}")
    assert reads_whole_page(window, document)
    assert is_cacheable_elsewhere(window, live_server)
    screenshot(window, f"closed-files-gift-{window.kind}")

    revoke_gift(link=link, user=giver, now=clock.now())
    assert not gets_document(window, document)
    window.goto(article.url)
    assert not reads_whole_page(window, document)
