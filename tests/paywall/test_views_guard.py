"""Any view behind the paywall: by decorator, by mixin, by the beginning of its address."""

import asyncio

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path, re_path
from django.views import View
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.paywall.address_readings import prefix_of
from cms_billing.paywall.views_guard import (
    PageAccessMixin,
    PlansRequiredMixin,
    requires_access_to,
    requires_plans,
)
from cms_billing.testing.factories import PlanFactory, UserFactory

from .conftest import SECRET, client_of, in_dunning, member

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.paywall.test_views_guard")]


def secret(request, **kwargs):
    return HttpResponse(SECRET)


class Exercise(PlansRequiredMixin, View):
    plan_codes = ("magazine",)

    def get(self, request):
        return HttpResponse(SECRET)

    post = get


class Appendix(PageAccessMixin, View):
    paywall_page = "/magazine/strings/"

    def get(self, request):
        return HttpResponse(SECRET)


class NoPlans(PlansRequiredMixin, View):
    pass


def section_of(request, slug):
    from wagtail.models import Page

    return Page.objects.filter(slug=slug).first()


async def later(request):
    return HttpResponse(SECRET)


urlpatterns = [
    path("tools/tuner/", requires_plans("magazine", title="Tuner")(secret)),
    path("tools/strict/", requires_plans("magazine", closes_at=1)(secret)),
    path("tools/nobody/", requires_plans("no-such-plan")(secret)),
    path("tools/exercise/", Exercise.as_view()),
    path("tools/later/", requires_plans("magazine")(later)),
    path("tools/page/", requires_access_to("/magazine/strings/")(secret)),
    path("tools/gone/", requires_access_to("/magazine/gone/")(secret)),
    path("tools/of/<slug:slug>/", requires_access_to(section_of)(secret)),
    path("tools/appendix/", Appendix.as_view()),
    path("tools/no-plans/", NoPlans.as_view()),
    path("membership/", secret),
    # A view that answers whatever is left, as one does that reads addresses in its own way.
    re_path(r"^(?!tools|shop|billing|admin|magazine|documents|images|i18n).*", secret),
    path("", include("tests.urls")),
]
BY_PLANS = ["/tools/tuner/", "/tools/exercise/", "/tools/later/"]
LIKE_A_PAGE = ["/tools/page/", "/tools/of/strings/", "/tools/appendix/"]


@pytest.fixture
def site(magazine):
    magazine.plan.code = "magazine"
    magazine.plan.save()
    return magazine


@pytest.fixture
def guarded_members(site, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "PAYWALL_PREFIXES": {"/members/": ["magazine"]}}
    return site


@pytest.mark.parametrize("url", BY_PLANS + LIKE_A_PAGE)
def test_member_gets_the_view_and_no_cache_keeps_it(site, url):
    user, _contract = member(site.plan)
    response = client_of(user).get(url)
    assert response.content.decode() == SECRET
    assert response["Cache-Control"] == "private, no-store"
    assert "Cookie" in response["Vary"]


@pytest.mark.parametrize("method", ["get", "head", "post", "options", "put", "delete", "patch"])
@pytest.mark.parametrize(
    "url", [*BY_PLANS, *LIKE_A_PAGE, "/tools/nobody/", "/tools/gone/", "/tools/of/gone/"]
)
def test_guest_gets_none_whatever_the_method(site, url, method):
    response = getattr(Client(), method)(url)
    assert SECRET not in response.content.decode()
    assert not response.cookies


@pytest.mark.parametrize("url", BY_PLANS)
def test_guest_is_told_the_plans_and_the_login(site, url):
    response = Client().get(url)
    assert response.status_code == 403
    text = response.content.decode()
    assert "Membership" in text
    assert "/accounts/login/?next=%2Ftools" in text
    assert response["Cache-Control"] == "private, no-store"


def test_view_like_a_page_shows_the_pages_teaser(site):
    assert "How to choose strings." in Client().get("/tools/page/").content.decode()


@pytest.mark.parametrize("url", BY_PLANS + LIKE_A_PAGE)
def test_stranger_and_locked_member_are_refused(site, url):
    stranger, _contract = member(PlanFactory(issuer=site.plan.issuer, code="other"))
    assert SECRET not in client_of(stranger).get(url).content.decode()
    user, contract = member(site.plan)
    case = in_dunning(contract, level=2, locked=True)
    response = client_of(user).get(url)
    assert response.status_code == 402
    text = response.content.decode()
    assert SECRET not in text
    assert case.document.number in text


def test_level_of_arrears_of_its_own(site):
    user, contract = member(site.plan)
    client = client_of(user)
    assert client.get("/tools/strict/").status_code == 200
    in_dunning(contract, level=1, locked=False)
    assert client.get("/tools/tuner/").status_code == 200
    assert client.get("/tools/strict/").status_code == 402


def test_programs_get_json(site):
    response = Client(headers={"Accept": "application/json"}).get("/tools/tuner/")
    assert response.status_code == 403
    assert response.json()["reason"] == "no_login"
    assert "Membership" in response.json()["detail"]


def test_plan_that_is_not_there_and_page_that_is_gone_close_to_members_too(site):
    user, _contract = member(site.plan)
    for url in ("/tools/nobody/", "/tools/gone/", "/tools/of/gone/"):
        assert client_of(user).get(url).status_code == 403
    assert client_of(UserFactory(is_superuser=True)).get("/tools/nobody/").status_code == 200


def test_mixin_and_decorator_without_plans_say_so(site):
    with pytest.raises(ImproperlyConfigured):
        requires_plans()
    with pytest.raises(ImproperlyConfigured):
        requires_plans(secret)
    with pytest.raises(ImproperlyConfigured):
        Client().get("/tools/no-plans/")


def test_new_code_of_a_plan_counts_at_the_next_request(site):
    user, _contract = member(site.plan)
    client = client_of(user)
    assert client.get("/tools/tuner/").status_code == 200
    site.plan.code = "renamed"
    site.plan.save()
    assert client.get("/tools/tuner/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_guarded_view_costs_a_member_one_query_and_a_guest_none(site):
    user, _contract = member(site.plan)
    for client, most in ((client_of(user), 3), (Client(), 0)):
        client.get("/tools/tuner/", headers={"Accept": "application/json"})
        with CaptureQueriesContext(connection) as asked:
            client.get("/tools/tuner/", headers={"Accept": "application/json"})
        assert len(asked) <= most, [query["sql"] for query in asked.captured_queries]


def test_coroutine_stays_one():
    assert asyncio.iscoroutinefunction(requires_plans("magazine")(later))


# Beginnings of addresses

TRICKS = [
    "/members/",
    "/members",
    "/members/a/b?format=json",
    "//members/",
    "/members//x",
    "/./members/",
    "/x/../members/",
    "/MEMBERS/",
    "/Members/x",
    "/%6dembers/",
    "/%2fmembers/",
    "/%252fmembers/",
    "/%2e/members/",
    "/x/%2e%2e/members/",
    "/%256dembers/",
    "/de/members/",
    "/members;a=b/",
    "/members%00/",
    "/members%20/",
    "/\\members/",
    "/ｍembers/",
    "/mem%E2%80%8Bbers/",
]


@pytest.mark.parametrize("url", TRICKS)
def test_no_spelling_of_a_guarded_address_lets_a_guest_in(guarded_members, url):
    for follow in (False, True):
        # The test client would take “//members/” for a host.
        given = {"PATH_INFO": url} if url.startswith("//") else {}
        response = Client().get("/" if given else url, follow=follow, **given)
        assert SECRET not in response.content.decode()


@pytest.mark.parametrize("url", ["/members/", "/members/x", "/de/members/"])
def test_members_pass(guarded_members, url):
    user, contract = member(guarded_members.plan)
    response = client_of(user).get(url)
    assert response.content.decode() == SECRET
    assert response["Cache-Control"] == "private, no-store"
    in_dunning(contract, level=2, locked=True)
    assert client_of(user).get(url).status_code == 402


def test_address_beside_is_open(guarded_members):
    response = Client().get("/membership/")
    assert response.content.decode() == SECRET
    assert "Cache-Control" not in response


def test_script_name_is_no_part_of_the_address(guarded_members):
    response = Client().get("/members/", SCRIPT_NAME="/site")
    assert response.status_code == 403


def test_longest_beginning_counts(guarded_members, settings):
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PAYWALL_PREFIXES": {"/members/": ["magazine"], "/members/gold/": ["gold"]},
    }
    user, _contract = member(guarded_members.plan)
    assert client_of(user).get("/members/").status_code == 200
    assert client_of(user).get("/members/gold/").status_code == 403
    assert client_of(user).get("/members/gold").status_code == 403


def test_answer_of_a_middleware_behind_is_refused_too(guarded_members, monkeypatch):
    """A redirect that an editor made below the guarded address, where no view is."""
    from wagtail.contrib.redirects.models import Redirect

    Redirect.objects.create(old_path="/members-area", redirect_link="/membership/")
    Redirect.add_redirect("/memberſ/old", "/membership/")
    assert SECRET not in Client().get("/memberſ/old").content.decode()


@given(
    st.lists(
        st.sampled_from(["/", "//", "/./", "/x/../", "/%2e/", "/%2F", "/a%2f..%2f"]), min_size=1, max_size=3
    ),
    st.sampled_from(["members", "MEMBERS", "m%65mbers", "%6D%65mbers", "memb%2565rs"]),
    st.sampled_from(["", "/", "//", "/x", "/./y", "?a", ";b", "%2f"]),
)
def test_made_up_spellings_lie_below(starts, name, end):
    assert prefix_of("".join(starts) + name + end.partition("?")[0], ["/members/"]) == "/members/"


@given(st.text(alphabet="abcmers/.%", max_size=20))
def test_any_path_has_an_answer(path):
    assert prefix_of("/" + path, ["/members/"]) in ("/members/", None)
