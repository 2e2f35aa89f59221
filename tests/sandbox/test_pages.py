import pytest
from wagtail.models import PageViewRestriction

from sandbox.site.demo.people import account
from sandbox.site.models import ArticlePage, LessonPage

pytestmark = pytest.mark.usefixtures("demo")

ARTICLE = "/magazin/der-kapodaster-ist-kein-schummeln/"
COURSE = "/kurse/songwriting-in-sechs-wochen/"


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/magazin/",
        ARTICLE,
        "/kurse/",
        COURSE,
        COURSE + "woche-3-der-refrain/",
        "/impressum/",
        "/agb/",
        "/datenschutz/",
        "/widerruf/",
        "/kontakt/",
        "/ueber-uns/",
        "/mails/",
        "/suche/",
        "/shop/accounts/login/",
    ],
)
def test_page_answers(client, address):
    assert client.get(address).status_code == 200


def test_menu_links_magazine_and_courses_and_footer_the_legal_pages(client):
    page = client.get("/").content.decode()

    assert 'href="/magazin/"' in page
    assert 'href="/kurse/"' in page
    assert 'href="/impressum/"' in page
    assert 'href="/mails/"' in page


def test_pages_load_nothing_from_other_hosts(client):
    for address in ("/", ARTICLE, "/shop/accounts/login/"):
        page = client.get(address).content.decode()
        assert 'src="http' not in page
        assert 'href="http' not in page


def test_the_magazine_shows_the_newest_article_first(client):
    shown = list(client.get("/magazin/").context["articles"])

    assert len(shown) == 8
    assert [article.date for article in shown] == sorted((article.date for article in shown), reverse=True)


def test_a_lesson_leads_to_the_one_before_and_the_one_after(client):
    client.force_login(account("redaktion"))

    context = client.get(COURSE + "woche-3-der-refrain/").context

    assert context["previous_lesson"].number == 3
    assert context["next_lesson"].number == 5


def test_the_first_lesson_has_none_before_it(client):
    first = LessonPage.objects.get(slug="auftakt")

    assert client.get(first.url).context["previous_lesson"] is None


def test_the_interface_speaks_german_and_on_request_english(client):
    assert "Aus dem Magazin" in client.get("/").content.decode()

    client.post("/i18n/setlang/", {"language": "en", "next": "/"})

    assert "From the magazine" in client.get("/").content.decode()


def test_search_finds_an_article_by_a_word_of_its_teaser(client):
    page = client.get("/suche/", {"q": "Kapodaster"}).content.decode()

    assert ARTICLE in page


def test_search_leaves_out_what_is_restricted(client):
    article = ArticlePage.objects.get(slug="der-kapodaster-ist-kein-schummeln")
    PageViewRestriction.objects.create(page=article, restriction_type=PageViewRestriction.LOGIN)

    assert ARTICLE not in client.get("/suche/", {"q": "Kapodaster"}).content.decode()
