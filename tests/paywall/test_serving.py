"""What a visitor gets from a closed page, through every way of asking for it."""

from datetime import date

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from wagtail.models import GroupPagePermission, Page

from cms_billing.core.money import Money
from cms_billing.payments.services import record_payment
from cms_billing.paywall.models import AccessRule
from cms_billing.paywall.services import remove_rule, set_rule
from cms_billing.paywall.terms import OpensTo, Preview, RuleTerms
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import ArticlePage

from .conftest import SECRET, TODAY, client_of, in_dunning, member

pytestmark = pytest.mark.django_db


def is_full_text(response) -> bool:
    return response.status_code == 200 and SECRET in response.content.decode()


def is_teaser(response) -> bool:
    text = response.content.decode()
    return response.status_code == 200 and SECRET not in text and "paywall-offers" in text


def test_guest_gets_the_teaser_with_plans_and_a_way_back_after_login(magazine):
    response = Client().get("/magazine/strings/")
    assert is_teaser(response)
    text = response.content.decode()
    assert "How to choose strings." in text
    assert "Membership" in text
    assert "€9.90 a month" in text
    assert "/accounts/login/?next=%2Fmagazine%2Fstrings%2F" in text


def test_stranger_gets_the_teaser_without_a_login(magazine):
    response = client_of(UserFactory()).get("/magazine/strings/")
    assert is_teaser(response)
    assert "next=%2Fmagazine" not in response.content.decode()
    assert response["Cache-Control"] == "private, no-store"


def test_member_reads_the_full_text(magazine):
    user, _contract = member(magazine.plan)
    response = client_of(user).get("/magazine/strings/")
    assert is_full_text(response)
    assert response["Cache-Control"] == "private, no-store"
    assert "Cookie" in response["Vary"]


def test_member_of_another_plan_gets_the_teaser(magazine):
    user, _contract = member(PlanFactory(issuer=magazine.plan.issuer))
    assert is_teaser(client_of(user).get("/magazine/strings/"))


def test_member_in_arrears_still_reads(magazine):
    user, contract = member(magazine.plan)
    in_dunning(contract, level=1, locked=False)
    response = client_of(user).get("/magazine/strings/")
    assert is_full_text(response)
    assert response.context["paywall_decision"].reason == "arrears_but_open"


def test_locked_member_sees_what_is_owed_and_pays_from_there(magazine):
    user, contract = member(magazine.plan)
    case = in_dunning(contract, level=2, locked=True)
    response = client_of(user).get("/magazine/strings/")
    assert response.status_code == 402
    text = response.content.decode()
    assert SECRET not in text
    assert case.document.number in text
    assert "9,90" in text
    assert "10.02.2026" in text
    assert "/billing/" in text
    assert response["Cache-Control"] == "private, no-store"


def test_payment_opens_the_page_at_the_next_request(magazine):
    user, contract = member(magazine.plan)
    case = in_dunning(contract, level=3, locked=True, state="ready_for_collection")
    client = client_of(user)
    assert client.get("/magazine/strings/").status_code == 402
    record_payment(
        customer_id=contract.customer_id,
        amount=Money.of("9.90", "EUR"),
        received_on=TODAY,
        way="transfer",
        today=TODAY,
        documents=[case.document],
    )
    assert is_full_text(client.get("/magazine/strings/"))


def test_a_lock_closes_the_page_at_the_next_request(magazine):
    user, contract = member(magazine.plan)
    case = in_dunning(contract, level=2, locked=False)
    client = client_of(user)
    assert is_full_text(client.get("/magazine/strings/"))
    case.lock_scope = case.announced_scope = "contract"
    case.save()
    assert client.get("/magazine/strings/").status_code == 402


def test_only_the_contract_that_is_unpaid_is_locked(magazine):
    """Somebody with a second, paid contract on another plan of the page goes on reading."""
    user, contract = member(magazine.plan)
    in_dunning(contract, level=2, locked=True)
    other = PlanFactory(issuer=magazine.plan.issuer, name="Patron")
    from cms_billing.testing.factories import signed_contract

    signed_contract(plan=other, customer=contract.customer, start=date(2026, 3, 31))
    client = client_of(user)
    assert client.get("/magazine/strings/").status_code == 402
    set_rule(page=magazine.section, plans=[magazine.plan, other])
    assert is_full_text(client.get("/magazine/strings/"))


def test_superuser_and_editor_of_the_page_read_it(magazine):
    assert is_full_text(client_of(UserFactory(is_superuser=True)).get("/magazine/strings/"))
    editor = editor_of(magazine.section)
    response = client_of(editor).get("/magazine/strings/")
    assert is_full_text(response)
    assert response.context["paywall_decision"].reason == "editor"
    elsewhere = editor_of(magazine.home.add_child(instance=ArticlePage(title="Other")))
    assert is_teaser(client_of(elsewhere).get("/magazine/strings/"))


def editor_of(page: Page, *permissions: str):
    group = Group.objects.create(name=f"editors {page.pk} {permissions}")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    for codename in permissions or ("change_page",):
        permission = Permission.objects.get(content_type__app_label="wagtailcore", codename=codename)
        GroupPagePermission.objects.create(group=group, page=page, permission=permission)
    user = UserFactory()
    user.groups.add(group)
    return user


def test_editor_sees_the_preview(magazine):
    editor = editor_of(magazine.section)
    response = client_of(editor).get(f"/admin/pages/{magazine.article.pk}/view_draft/")
    assert is_full_text(response)


def test_pages_beside_the_section_stay_open(magazine):
    magazine.home.add_child(instance=ArticlePage(title="Imprint", slug="imprint", body=SECRET))
    response = Client().get("/imprint/")
    assert is_full_text(response)
    assert "Cache-Control" not in response


def test_nearest_rule_wins(magazine):
    course = PlanFactory(issuer=magazine.plan.issuer, name="Course")
    set_rule(page=magazine.article, plans=[course])
    reader, _contract = member(magazine.plan)
    assert is_teaser(client_of(reader).get("/magazine/strings/"))
    assert is_full_text(client_of(reader).get("/magazine/"))
    student, _contract = member(course)
    assert is_full_text(client_of(student).get("/magazine/strings/"))


def test_an_exception_opens_a_page_in_a_closed_section_to_everyone(magazine):
    set_rule(page=magazine.article, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    response = Client().get("/magazine/strings/")
    assert is_full_text(response)
    assert "Cache-Control" not in response
    assert is_teaser(Client().get("/magazine/"))


def test_removed_rule_opens_the_section(magazine):
    assert is_teaser(Client().get("/magazine/strings/"))
    assert remove_rule(page=magazine.section)
    assert is_full_text(Client().get("/magazine/strings/"))


def test_rule_whose_plans_are_gone_stays_closed(magazine):
    magazine.plan.access_rules.clear()
    response = Client().get("/magazine/strings/")
    assert SECRET not in response.content.decode()
    assert is_full_text(client_of(UserFactory(is_superuser=True)).get("/magazine/strings/"))


def test_page_moved_out_of_the_section_opens_and_back_in_closes(magazine):
    assert is_teaser(Client().get("/magazine/strings/"))
    magazine.article.move(magazine.home, pos="last-child")
    assert is_full_text(Client().get("/strings/"))
    ArticlePage.objects.get(pk=magazine.article.pk).move(
        Page.objects.get(pk=magazine.section.pk), pos="last-child"
    )
    assert is_teaser(Client().get("/magazine/strings/"))


def test_moved_section_takes_its_rule_along(magazine):
    assert is_teaser(Client().get("/magazine/strings/"))
    other = magazine.home.add_child(instance=ArticlePage(title="Archive", slug="archive"))
    Page.objects.get(pk=magazine.section.pk).move(other, pos="last-child")
    assert is_teaser(Client().get("/archive/magazine/strings/"))


def test_page_added_before_the_section_does_not_open_it(magazine):
    assert is_teaser(Client().get("/magazine/strings/"))
    Page.objects.get(pk=magazine.section.pk).add_sibling(
        pos="left", instance=ArticlePage(title="First", slug="first", body=SECRET)
    )
    assert is_teaser(Client().get("/magazine/strings/"))
    assert is_full_text(Client().get("/first/"))


def test_deleted_section_leaves_no_rule_behind(magazine):
    Page.objects.get(pk=magazine.section.pk).delete()
    assert not AccessRule.objects.exists()
    magazine.home.refresh_from_db()
    magazine.home.add_child(instance=ArticlePage(title="New", slug="magazine", body=SECRET))
    assert is_full_text(Client().get("/magazine/"))


@pytest.mark.parametrize(
    "path",
    [
        "/magazine/strings/",
        "/magazine/strings",
        "/magazine/%73trings/",
        "//magazine/strings/",
        "/magazine/./strings/",
        "/magazine//strings/",
        "/magazine/strings/?preview=1",
        "/magazine/strings/?page=2&format=json",
        "/MAGAZINE/strings/",
    ],
)
@pytest.mark.parametrize("method", ["get", "head", "options", "post", "put", "delete", "patch"])
def test_no_way_of_asking_gives_guests_the_full_text(magazine, path, method):
    for follow in (False, True):
        response = getattr(Client(), method)(path, follow=follow)
        assert SECRET not in response.content.decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-100000"},
        {"Accept": "application/json"},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Cookie": "sessionid=wrong"},
        {"X-Original-URL": "/"},
        {"If-None-Match": "*"},
    ],
)
def test_no_header_gives_guests_the_full_text(magazine, headers):
    response = Client(headers=headers).get("/magazine/strings/")
    assert SECRET not in response.content.decode()


def test_head_of_a_locked_page_says_402(magazine):
    user, contract = member(magazine.plan)
    in_dunning(contract, level=2, locked=True)
    response = client_of(user).head("/magazine/strings/")
    assert response.status_code == 402


def test_post_to_a_closed_page_is_refused(magazine):
    response = Client().post("/magazine/strings/", {"answer": "1"})
    assert response.status_code == 403
    assert SECRET not in response.content.decode()


def test_page_rendered_by_another_page_is_decided_as_itself(magazine, monkeypatch):
    """An edition page that shows the latest article under its own address."""
    magazine.home.add_child(instance=ArticlePage(title="Latest", slug="latest", body="nothing"))
    monkeypatch.setattr(
        ArticlePage,
        "serve",
        lambda self, request, *args, **kwargs: (
            ArticlePage.objects.get(slug="strings").serve(request)
            if self.slug == "latest"
            else Page.serve(self, request, *args, **kwargs)
        ),
    )
    response = Client().get("/latest/")
    assert is_teaser(response)
    assert "Strings" in response.content.decode()
    user, contract = member(magazine.plan)
    response = client_of(user).get("/latest/")
    assert is_full_text(response)
    assert response["Cache-Control"] == "private, no-store"
    in_dunning(contract, level=2, locked=True)
    assert client_of(user).get("/latest/").status_code == 402


def test_page_with_wagtails_own_password_shows_strangers_no_teaser(magazine):
    from wagtail.models import PageViewRestriction

    PageViewRestriction.objects.create(page=magazine.section, restriction_type="password", password="x")
    response = Client().get("/magazine/strings/")
    text = response.content.decode()
    assert SECRET not in text
    assert "How to choose strings." not in text
    assert 'type="password"' in text


def test_closed_page_in_the_admin_is_left_to_wagtails_permissions(magazine):
    editor = editor_of(magazine.home, "add_page")
    response = client_of(editor).get(f"/admin/pages/{magazine.section.pk}/")
    assert response.status_code == 200
    assert "paywall-offers" not in response.content.decode()


def test_teaser_for_guests_is_one_for_all_and_cacheable(magazine):
    responses = [Client().get("/magazine/strings/") for _ in range(2)]
    first, second = responses
    assert first.content == second.content
    for response in responses:
        assert not response.cookies
        assert "no-store" not in response.get("Cache-Control", "")
        assert "Cookie" in response["Vary"]
        assert not response.wsgi_request.session.accessed


def test_rule_chooses_what_others_see(magazine):
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(preview=Preview.TITLE))
    assert "How to choose" not in Client().get("/magazine/strings/").content.decode()
    set_rule(
        page=magazine.section,
        plans=[magazine.plan],
        terms=RuleTerms(preview=Preview.TEXT, teaser_text="Only <b> for you"),
    )
    assert "Only &lt;b&gt; for you" in Client().get("/magazine/strings/").content.decode()


def test_contract_that_has_not_begun_or_is_over_says_so(magazine):
    user, _contract = member(magazine.plan, start=date(2026, 5, 1))
    response = client_of(user).get("/magazine/strings/")
    assert is_teaser(response)
    assert "starts on 05/01/2026" in response.content.decode()
    user, contract = member(magazine.plan, end=date(2026, 3, 30))
    response = client_of(user).get("/magazine/strings/")
    assert is_teaser(response)
    assert "ended on 03/30/2026" in response.content.decode()
    contract.end = date(2026, 3, 31)
    contract.save()
    assert is_full_text(client_of(user).get("/magazine/strings/"))


def test_course_paid_in_full_stays_open_after_its_end(magazine):
    course = PlanFactory(
        issuer=magazine.plan.issuer, kind="course", interval="once", price=Money.of("99", "EUR")
    )
    set_rule(page=magazine.section, plans=[course])
    user, contract = member(course, start=date(2026, 1, 1), end=date(2026, 2, 28))
    client = client_of(user)
    assert is_teaser(client.get("/magazine/strings/"))
    from .conftest import overdue_invoice

    invoice = overdue_invoice(contract)
    assert is_teaser(client.get("/magazine/strings/"))
    record_payment(
        customer_id=contract.customer_id,
        amount=invoice.gross,
        received_on=TODAY,
        way="cash",
        today=TODAY,
        documents=[invoice],
    )
    response = client.get("/magazine/strings/")
    assert is_full_text(response)
    assert response.context["paywall_decision"].reason == "paid_for_good"


def test_unreadable_rules_close_everything(magazine, monkeypatch):
    from django.db import OperationalError

    from cms_billing.paywall import rule_map

    def broken(version):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(rule_map, "_load", broken)
    rule_map.forget_rules()
    for client in (Client(), client_of(UserFactory(is_superuser=True))):
        response = client.get("/magazine/strings/")
        assert response.status_code == 503
        assert SECRET not in response.content.decode()
        assert response["Cache-Control"] == "private, no-store"


def test_no_cache_at_all_still_closes(magazine, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert is_teaser(Client().get("/magazine/strings/"))
    remove_rule(page=magazine.section)
    assert is_full_text(Client().get("/magazine/strings/"))
