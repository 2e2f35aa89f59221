"""Rules where editors work, the list under Billing, and the explanation for support."""

import pytest
from django.contrib.auth.models import Group, Permission
from wagtail.models import GroupPagePermission, PageLogEntry

from cms_billing.paywall.models import AccessRule
from cms_billing.testing.factories import PlanFactory, UserFactory

from .conftest import client_of, in_dunning, member

pytestmark = pytest.mark.django_db


def staff(*permissions: str, page=None, issuer=None):
    """A user of the admin; ``publish_page`` and ``change_page`` are given for ``page``."""
    group = Group.objects.create(name=f"staff {permissions} {page}")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    for codename in permissions:
        permission = Permission.objects.get(
            codename=codename, content_type__app_label__in=["wagtailcore", "cms_billing_paywall"]
        )
        if page:
            GroupPagePermission.objects.create(group=group, page=page, permission=permission)
        else:
            group.permissions.add(permission)
    if issuer:
        issuer.groups.add(group)
    user = UserFactory()
    user.groups.add(group)
    return user


def rule_address(page) -> str:
    return f"/admin/billing-paywall/pages/{page.pk}/"


def test_publisher_sets_and_removes_the_rule_of_a_page(magazine):
    other = PlanFactory(issuer=magazine.plan.issuer, name="Course")
    publisher = staff("change_page", "publish_page", page=magazine.section)
    client = client_of(publisher)
    address = rule_address(magazine.article)
    response = client.get(address)
    assert "Closed through section “Magazine”" in response.content.decode()
    response = client.post(
        address, {"opens_to": "plans", "plans": [other.pk], "preview": "page"}, follow=True
    )
    assert "Closed by its own rule" in response.content.decode()
    rule = AccessRule.objects.get(page=magazine.article)
    assert list(rule.plans.all()) == [other]
    assert PageLogEntry.objects.filter(
        page=magazine.article.pk, action="cms_billing.set_paywall", user=publisher
    ).exists()
    client.post(address, {"opens_to": "inherit", "preview": "page"})
    assert not AccessRule.objects.filter(page=magazine.article).exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"opens_to": "plans", "preview": "page"}, "at least one plan"),
        ({"opens_to": "plans", "plans": ["999999"], "preview": "page"}, "not one of the available"),
        ({"opens_to": "nonsense", "preview": "page"}, "not one of the available"),
        ({"opens_to": "plans", "preview": "text"}, "Write what others see"),
    ],
)
def test_wrong_input_is_explained(magazine, data, message):
    client = client_of(UserFactory(is_superuser=True))
    response = client.post(rule_address(magazine.article), data)
    assert response.status_code == 200
    assert message in response.content.decode()
    assert not AccessRule.objects.filter(page=magazine.article).exists()


def test_only_who_may_publish_the_page_changes_its_rule(magazine):
    editor = staff("change_page", page=magazine.section)
    stranger = staff("change_page", "publish_page", page=magazine.home.add_child(title="Other", slug="other"))
    for user in (editor, stranger, UserFactory()):
        for call in ("get", "post"):
            response = getattr(client_of(user), call)(
                rule_address(magazine.article), {"opens_to": "everyone"}
            )
            assert response.status_code == 302
    assert AccessRule.objects.count() == 1


def test_page_editor_has_a_button_that_says_open_or_closed(magazine):
    client = client_of(UserFactory(is_superuser=True))
    closed = client.get(f"/admin/pages/{magazine.article.pk}/edit/").content.decode()
    assert "Paywall: closed" in closed
    assert rule_address(magazine.article) in closed
    assert "Paywall: open" in client.get(f"/admin/pages/{magazine.home.pk}/edit/").content.decode()


def test_list_shows_rules_of_pages_one_may_publish(magazine):
    publisher = staff("publish_page", page=magazine.section)
    publisher.groups.first().permissions.add(Permission.objects.get(codename="view_accessrule"))
    response = client_of(publisher).get("/admin/billing-paywall-rules/")
    text = response.content.decode()
    assert "Magazine" in text
    assert "Membership" in text
    assert rule_address(magazine.section) in text
    outsider = staff("view_accessrule")
    response = client_of(outsider).get("/admin/billing-paywall-rules/")
    assert rule_address(magazine.section) not in response.content.decode()


def test_list_asks_the_same_queries_for_many_rules(magazine, django_assert_max_num_queries):
    from cms_billing.paywall.services import set_rule
    from tests.testsite.models import ArticlePage

    for number in range(20):
        page = magazine.home.add_child(instance=ArticlePage(title=f"Section {number}"))
        set_rule(page=page, plans=[magazine.plan])
    client = client_of(UserFactory(is_superuser=True))
    client.get("/admin/billing-paywall-rules/")
    with django_assert_max_num_queries(20):
        client.get("/admin/billing-paywall-rules/")


def test_support_asks_why_a_page_is_closed(magazine):
    reader, contract = member(magazine.plan)
    case = in_dunning(contract, level=2, locked=True)
    support = staff("view_accessrule", issuer=magazine.plan.issuer)
    address = f"/admin/billing-paywall/explain/?page={magazine.article.pk}&who="
    for who in (reader.email, reader.username, contract.customer.number):
        text = client_of(support).get(address + who).content.decode()
        assert "is locked because of unpaid invoices" in text
        assert case.document.number in text
        assert "Pay what is owed" in text
    assert "nobody is logged in" in client_of(support).get(address).content.decode()
    early = client_of(support).get(f"{address}{reader.username}&day=2025-12-31").content.decode()
    assert "starts on" in early


def test_support_does_not_learn_of_a_neighbours_customers(magazine):
    reader, _contract = member(magazine.plan)
    support = staff("view_accessrule", issuer=PlanFactory().issuer)
    address = f"/admin/billing-paywall/explain/?page={magazine.article.pk}&who={reader.username}"
    text = client_of(support).get(address).content.decode()
    assert "There is nobody with this name" in text
    assert client_of(staff()).get(address).status_code == 302
