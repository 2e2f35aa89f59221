"""Crawlers of search engines: off by default, and believed only when DNS says the same both ways."""

import pytest
from django.test import Client

from cms_billing.paywall import crawlers

from .conftest import SECRET

pytestmark = pytest.mark.django_db
GOOGLE = "66.249.66.1"
AGENT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Names:
    """Name servers that know what a test tells them."""

    def __init__(self, names: dict[str, str], addresses: dict[str, set[str]]) -> None:
        self.names, self.addresses, self.asked = names, addresses, 0

    def name_of(self, address: str) -> str:
        self.asked += 1
        if address not in self.names:
            raise OSError("unknown host")
        return self.names[address]

    def addresses_of(self, name: str) -> set[str]:
        return self.addresses.get(name, set())


@pytest.fixture
def names():
    host = "crawl-66-249-66-1.googlebot.com"
    known = Names({GOOGLE: host}, {host: {GOOGLE}})
    before = crawlers.use_resolver(known)
    yield known
    crawlers.use_resolver(before)


@pytest.fixture
def let_in(settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "VERIFIED_CRAWLERS": ["google"]}


def visit(address: str = GOOGLE, agent: str = AGENT):
    return Client(headers={"User-Agent": agent}).get("/magazine/strings/", REMOTE_ADDR=address)


def test_crawlers_get_the_teaser_unless_a_site_lets_them_in(magazine, names):
    assert SECRET not in visit().content.decode()
    assert names.asked == 0


def test_a_verified_crawler_reads_what_no_cache_may_keep(magazine, names, let_in):
    response = visit()
    assert SECRET in response.content.decode()
    assert response["Cache-Control"] == "private, no-store"
    assert response.context["paywall_decision"].reason == "crawler"
    assert not response.cookies
    visit()
    assert names.asked == 1


def test_guests_cost_no_look_up(magazine, names, let_in):
    assert SECRET not in visit(agent="Mozilla/5.0 Firefox").content.decode()
    assert names.asked == 0


@pytest.mark.parametrize("address", ["203.0.113.5", "", "not an address"])
def test_a_user_agent_alone_opens_nothing(magazine, names, let_in, address):
    assert SECRET not in visit(address=address).content.decode()


@pytest.mark.parametrize(
    "host",
    ["crawl.googlebot.com.evil.example", "evilgooglebot.com", "googlebot.com.", "localhost"],
)
def test_a_name_in_another_domain_opens_nothing(magazine, names, let_in, host):
    names.names["203.0.113.9"] = host
    names.addresses[host.rstrip(".")] = {"203.0.113.9"}
    assert SECRET not in visit(address="203.0.113.9").content.decode()


def test_a_name_that_does_not_lead_back_opens_nothing(magazine, names, let_in):
    """Whoever owns an address may call it what they like; only Google says which addresses its names have."""
    names.names["203.0.113.9"] = "crawl-66-249-66-1.googlebot.com"
    assert SECRET not in visit(address="203.0.113.9").content.decode()


def test_an_address_header_of_the_visitor_is_not_believed(magazine, names, let_in):
    client = Client(headers={"User-Agent": AGENT, "X-Forwarded-For": GOOGLE, "X-Real-IP": GOOGLE})
    assert SECRET not in client.get("/magazine/strings/", REMOTE_ADDR="203.0.113.5").content.decode()


def test_a_name_server_that_does_not_answer_makes_a_guest(monkeypatch):
    import time

    monkeypatch.setattr(crawlers, "SECONDS_TO_ANSWER", 0.05)
    monkeypatch.setattr(crawlers.socket, "gethostbyaddr", lambda address: time.sleep(0.5))
    with pytest.raises(OSError, match="in time"):
        crawlers.SystemResolver().name_of(GOOGLE)
