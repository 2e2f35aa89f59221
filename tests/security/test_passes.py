"""Cookies and links that open single pages: of another page, another kind, another visitor, altered."""

from __future__ import annotations

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from cms_billing.paywall.services import set_rule
from cms_billing.paywall.sharing import cookies, services
from cms_billing.paywall.terms import RuleTerms
from tests.paywall.conftest import SECRET, TODAY, member
from tests.paywall.test_gifts import FOLLOWS, NOW
from tests.testsite.models import ArticlePage

from .conftest import ARTICLE, tells

pytestmark = pytest.mark.django_db

OTHER = "/magazine/frets/"


@pytest.fixture
def open_handed(magazine):
    """Each visitor reads one page free, each member gives one away; a second article stands beside the first."""
    magazine.section.add_child(instance=ArticlePage(title="Frets", slug="frets", teaser="x", body=SECRET))
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(quota=1, gifts=1))
    return magazine


def free_reader(page) -> Client:
    client = Client()
    client.post(reverse("cms_billing:read_free", args=[page.pk]), headers={"Sec-Fetch-Site": "same-origin"})
    assert tells(client.get(page.url))
    return client


def gifted(magazine) -> tuple[Client, str]:
    giver, _contract = member(magazine.plan)
    _link, token = services.create_gift(giver=giver, page=magazine.article, today=TODAY, now=NOW)
    client = Client()
    url = reverse("cms_billing:open_gift", args=[token])
    client.get(url, **FOLLOWS)
    assert tells(client.get(ARTICLE))
    return client, url


def values(client: Client) -> dict[str, str]:
    return {name: morsel.value for name, morsel in client.cookies.items()}


def test_no_cookie_is_worth_anything_under_another_name(open_handed):
    frets = ArticlePage.objects.get(slug="frets")
    found = {**values(free_reader(open_handed.article)), **values(gifted(open_handed)[0])}
    assert len(found) >= 4
    names = [cookies.FREE % frets.pk, cookies.GIFT % frets.pk, cookies.VISITOR, "sessionid"]
    for value in found.values():
        thief = Client()
        for name in names:
            thief.cookies[name] = value
        assert not tells(thief.get(OTHER))
        assert not tells(thief.get("/magazine/"))


def test_kinds_are_not_exchanged(open_handed):
    """A free read's value as a gift of the same page, and the other way round."""
    pk = open_handed.article.pk
    free, gift = values(free_reader(open_handed.article)), values(gifted(open_handed)[0])
    thief = Client()
    thief.cookies[cookies.GIFT % pk] = free[cookies.FREE % pk]
    thief.cookies[cookies.FREE % pk] = gift[cookies.GIFT % pk]
    assert not tells(thief.get(ARTICLE))


def test_cookie_signed_with_another_key_or_cut_opens_nothing(open_handed, settings):
    pk = open_handed.article.pk
    name = cookies.FREE % pk
    real = values(free_reader(open_handed.article))[name]
    forged = signing.Signer(key="another", salt=f"{cookies.SALT}.{name}").sign(real.split(":")[0])
    for value in (
        forged,
        real[:-1],
        real.upper(),
        real.split(":")[0],
        real + "x",
        real.replace(":", "::"),
        "1",
        "",
    ):
        thief = Client()
        thief.cookies[name] = value
        assert not tells(thief.get(ARTICLE)), value


def test_pass_does_not_survive_the_rule(open_handed):
    """An editor takes quota and gifts back: yesterday's cookies open nothing."""
    free, (gift, url) = free_reader(open_handed.article), gifted(open_handed)
    set_rule(page=open_handed.section, plans=[open_handed.plan], terms=RuleTerms())
    answers = {
        "free": tells(free.get(ARTICLE)),
        "gift": tells(gift.get(ARTICLE)),
        "new": tells(Client().get(url)),
    }
    assert not answers["new"]
    assert not answers["free"]


def test_answers_to_passes_are_never_for_caches(open_handed):
    for client in (free_reader(open_handed.article), gifted(open_handed)[0]):
        assert client.get(ARTICLE)["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    "path", ["?next=https://evil.example/", "?next=//evil.example", "?to=https://evil.example/"]
)
def test_reading_free_leads_nowhere_else(open_handed, path):
    url = reverse("cms_billing:read_free", args=[open_handed.article.pk]) + path
    data = {"next": "https://evil.example/"}
    response = Client().post(
        url, data, headers={"Sec-Fetch-Site": "same-origin", "Referer": "https://evil.example/"}
    )
    assert "evil.example" not in response.get("Location", "")
