"""Blocks and disputes: whom they are for, who decides them, when they end, and what cases tell of them."""

from __future__ import annotations

from datetime import date
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.dunning import hindrances
from cms_billing.dunning.exceptions import ReasonMissing, WrongHold
from cms_billing.dunning.models import DunningPolicy, Hold
from cms_billing.dunning.rules import Reason
from cms_billing.dunning.services import (
    approve_hold,
    end_holds,
    lift_hold,
    preview,
    refuse_hold,
    set_hold,
    take_next_step,
)
from cms_billing.faktura.models import Customer
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory

from .conftest import case_of, invoice_due, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
FIRST = date(2026, 1, 22)
SECOND = date(2026, 2, 5)


def kinds(document) -> list[str]:
    return list(case_of(document).steps.order_by("pk").values_list("kind", flat=True))


def skips(issuer, today) -> list[str]:
    return [step.skipped_because for step in preview(issuer=issuer, today=today) if step.skipped_because]


@pytest.fixture
def four_eyes(issuer) -> DunningPolicy:
    return DunningPolicy.objects.create(issuer=issuer, four_eyes=True)


def test_a_block_of_the_customer_stands_against_everything_through_its_last_day(issuer, customer):
    invoice_due(customer, DUE)
    invoice_due(CustomerFactory(issuer=issuer), DUE)
    set_hold(customer_id=customer.pk, reason="ill", until=date(2026, 2, 10), today=FIRST)
    (other,) = run(issuer, FIRST)
    assert other.customer_id != customer.pk
    assert "There is a dunning block until 02/10/2026. (ill)" in skips(issuer, FIRST)
    assert not [d for d in run(issuer, date(2026, 2, 10)) if d.customer_id == customer.pk]
    (letter,) = [d for d in run(issuer, date(2026, 2, 11)) if d.customer_id == customer.pk]
    assert letter.extra["level"] == 1


def test_a_block_of_one_contract_leaves_the_others(issuer, customer):
    blocked = invoice_due(customer, DUE, contract="V-1")
    free = invoice_due(customer, DUE, contract="V-2")
    set_hold(customer_id=customer.pk, reason="x", contract_reference="V-1", today=FIRST)
    (letter,) = run(issuer, FIRST)
    assert [claim["number"] for claim in letter.extra["claims"]] == [free.number]
    later = invoice_due(customer, date(2026, 1, 20), contract="V-1")
    found = hindrances.of_documents([blocked.pk, free.pk, later.pk], today=FIRST)
    assert {pk: hindrance.reason for pk, hindrance in found.items()} == {
        blocked.pk: Reason.BLOCKED,
        later.pk: Reason.BLOCKED,
    }


def test_a_disputed_document_gets_no_letter_is_not_listed_and_not_ready_for_collection(issuer, customer):
    invoice, other = invoice_due(customer, DUE), invoice_due(customer, DUE, amount=500)
    for day in (FIRST, SECOND, date(2026, 2, 19)):
        run(issuer, day)
    set_hold(
        customer_id=customer.pk,
        kind="dispute",
        document_id=invoice.pk,
        reason="never got it",
        today=date(2026, 2, 20),
    )
    run(issuer, date(2026, 3, 2))
    assert (case_of(invoice).state, case_of(other).state) == ("open", "ready_for_collection")
    assert "The claim is disputed. (never got it)" in skips(issuer, date(2026, 3, 3))
    third = invoice_due(customer, date(2026, 2, 25), amount=100)
    (letter,) = run(issuer, date(2026, 3, 4))
    assert invoice.number not in [claim["number"] for claim in letter.extra["claims"]]
    assert third.number in [claim["number"] for claim in letter.extra["claims"]]


def test_a_case_that_waits_for_collection_says_that_its_claim_is_disputed(issuer, customer):
    invoice = invoice_due(customer, DUE)
    for day in (FIRST, SECOND, date(2026, 2, 19), date(2026, 3, 2)):
        run(issuer, day)
    set_hold(
        customer_id=customer.pk, kind="dispute", document_id=invoice.pk, reason="no", today=date(2026, 3, 3)
    )
    assert skips(issuer, date(2026, 3, 4)) == ["The claim is disputed. (no)"]
    found = hindrances.of_documents([invoice.pk], today=date(2026, 3, 4))
    assert found[invoice.pk].reason is Reason.DISPUTED


def test_with_four_eyes_a_block_waits_for_somebody_else(issuer, customer, four_eyes):
    invoice = invoice_due(customer, DUE)
    run(issuer, FIRST)
    anna, berta = UserFactory(), UserFactory()
    hold = set_hold(customer_id=customer.pk, reason="x", today=FIRST, user=anna)
    assert hold.state == Hold.State.WAITING
    assert "held" not in kinds(invoice)
    for nobody_else in (anna, None):
        with pytest.raises(WrongHold, match="somebody else"):
            approve_hold(hold_id=hold.pk, today=FIRST, user=nobody_else)
    approve_hold(hold_id=hold.pk, today=FIRST, user=berta)
    with pytest.raises(WrongHold, match="does not wait"):
        approve_hold(hold_id=hold.pk, today=FIRST, user=berta)
    assert kinds(invoice) == ["opened", "letter", "held"]
    assert run(issuer, SECOND) == []
    lift_hold(hold_id=hold.pk, user=anna)
    assert kinds(invoice)[-1] == "released"
    assert len(run(issuer, SECOND)) == 1


def test_what_waits_or_was_refused_holds_nothing(issuer, customer, four_eyes):
    invoice_due(customer, DUE)
    hold = set_hold(customer_id=customer.pk, reason="x", today=FIRST, user=UserFactory())
    assert len(run(issuer, FIRST)) == 1
    with pytest.raises(WrongHold, match="nothing to lift"):
        lift_hold(hold_id=hold.pk)
    with pytest.raises(ReasonMissing):
        refuse_hold(hold_id=hold.pk, reason=" ")
    refuse_hold(hold_id=hold.pk, reason="no need", user=UserFactory())
    assert len(run(issuer, SECOND)) == 1


def test_a_dispute_stands_at_once_also_with_four_eyes(issuer, customer, four_eyes):
    invoice = invoice_due(customer, DUE)
    hold = set_hold(customer_id=customer.pk, kind="dispute", document_id=invoice.pk, reason="x", today=FIRST)
    assert hold.state == Hold.State.STANDING
    assert run(issuer, FIRST) == []


def test_a_block_that_waited_past_its_day_is_not_approved(customer, four_eyes):
    hold = set_hold(customer_id=customer.pk, reason="x", until=FIRST, today=FIRST)
    with pytest.raises(WrongHold, match="has passed"):
        approve_hold(hold_id=hold.pk, today=SECOND, user=UserFactory())


@pytest.mark.parametrize(
    "wrong",
    [{"until": date(2026, 1, 21)}, {"contract_reference": "V-9"}, {"document_id": -1}],
    ids=["over before it began", "unknown contract", "unknown document"],
)
def test_what_cannot_be_meant_is_refused(customer, wrong):
    with pytest.raises(WrongHold):
        set_hold(customer_id=customer.pk, reason="x", today=FIRST, **wrong)
    with pytest.raises(ReasonMissing):
        set_hold(customer_id=customer.pk, reason="", today=FIRST)
    assert not Hold.objects.exists()


def test_the_neighbours_document_cannot_be_held(issuer, customer):
    theirs = invoice_due(CustomerFactory(issuer=issuer), DUE, contract="V-2")
    for wrong in ({"document_id": theirs.pk}, {"contract_reference": "V-2"}):
        with pytest.raises(WrongHold, match="does not belong"):
            set_hold(customer_id=customer.pk, reason="x", today=FIRST, **wrong)


def test_the_run_ends_what_is_over_and_says_so_in_the_timeline(issuer, customer):
    invoice = invoice_due(customer, DUE)
    run(issuer, FIRST)
    set_hold(customer_id=customer.pk, reason="x", until=date(2026, 1, 25), today=FIRST)
    set_hold(customer_id=customer.pk, reason="endless", document_id=invoice.pk, today=FIRST)
    run(issuer, date(2026, 1, 26))
    assert sorted(Hold.objects.values_list("state", flat=True)) == ["expired", "standing"]
    assert kinds(invoice) == ["opened", "letter", "held", "held", "released"]
    run(issuer, date(2026, 1, 27))
    assert kinds(invoice).count("released") == 1


def test_ending_holds_takes_the_same_statements_for_many(issuer):
    for customer in CustomerFactory.create_batch(6, issuer=issuer):
        invoice_due(customer, DUE)
    run(issuer, FIRST)

    def statements(customers) -> int:
        for customer in customers:
            set_hold(customer_id=customer.pk, reason="x", until=FIRST, today=FIRST)
        with CaptureQueriesContext(connection) as captured:
            assert end_holds(issuer=issuer, today=SECOND) == len(customers)
        return len(captured)

    everybody = list(issuer.customers.all())
    assert statements(everybody[:1]) == statements(everybody)


def test_a_step_by_hand_is_held_as_well(issuer, customer):
    from cms_billing.dunning.exceptions import CannotDun

    invoice = invoice_due(customer, DUE)
    run(issuer, FIRST)
    set_hold(customer_id=customer.pk, reason="lawyer", document_id=invoice.pk, today=FIRST)
    with pytest.raises(CannotDun, match="lawyer"):
        take_next_step(case_id=case_of(invoice).pk, today=date(2026, 1, 23))


def test_holds_are_read_in_two_statements_whatever_their_number(issuer):
    customers = CustomerFactory.create_batch(8, issuer=issuer)
    documents = [invoice_due(customer, DUE, contract=f"V-{customer.pk}") for customer in customers]
    for customer, document in zip(customers, documents, strict=True):
        set_hold(customer_id=customer.pk, reason="x", document_id=document.pk, today=FIRST)
        set_hold(customer_id=customer.pk, reason="x", contract_reference=f"V-{customer.pk}", today=FIRST)

    def statements(pks) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(hindrances.of_documents(pks, today=FIRST)) == len(pks)
        return len(captured)

    assert statements([documents[0].pk]) == statements([document.pk for document in documents])


# Admin


def clerk(client, issuer, *permissions: str):
    group = Group.objects.create(name=f"Clerks {UserFactory().pk}")
    group.permissions.set(Permission.objects.filter(codename__in=["access_admin", *permissions]))
    issuer.groups.add(group)
    user = UserFactory()
    user.groups.add(group)
    client.force_login(user)
    return user


VIEWS = ("view_case", "view_hold", "view_customer", "view_document", "decide_hold", "view_openitem")


def test_blocking_from_the_page_of_a_customer_and_lifting_it(client, issuer, customer):
    user = clerk(client, issuer, *VIEWS)
    invoice = invoice_due(customer, DUE, contract="V-1")
    url = reverse("billing-dunning-hold:for_customer", args=[customer.pk])
    page = client.get(reverse("billing-customer:inspect", args=[customer.pk])).content.decode()
    assert url in page
    form = client.get(url).content.decode()
    assert "contract V-1" in form
    assert invoice.number in form
    answer = client.post(
        url, {"kind": "block", "applies_to": "customer", "until": "2099-04-30", "reason": "ill"}
    )
    assert answer.url == reverse("billing-customer:inspect", args=[customer.pk])
    hold = Hold.objects.get()
    assert (hold.until, hold.created_by, hold.state) == (date(2099, 4, 30), user, "standing")
    page = client.get(answer.url).content.decode()
    assert "04/30/2099: ill" in page
    assert reverse("billing-dunning-hold:inspect", args=[hold.pk]) in page
    client.post(reverse("billing-dunning-hold:lift", args=[hold.pk]), {"reason": "well again"})
    hold.refresh_from_db()
    assert (hold.state, hold.note, hold.decided_by) == ("lifted", "well again", user)


@pytest.mark.parametrize("origin", ["document", "case"])
def test_disputing_one_document_from_its_page_and_its_case(client, issuer, customer, origin):
    clerk(client, issuer, *VIEWS)
    invoice = invoice_due(customer, DUE, contract="V-1")
    run(issuer, FIRST)
    pk = invoice.pk if origin == "document" else case_of(invoice).pk
    namespace = "billing-document" if origin == "document" else "billing-dunning"
    page = client.get(reverse(f"{namespace}:inspect", args=[pk])).content.decode()
    url = reverse(f"billing-dunning-hold:for_{origin}", args=[pk])
    assert url in page
    assert client.get(url).context["form"].initial["applies_to"] == f"document:{invoice.pk}"
    data = {"kind": "dispute", "applies_to": f"document:{invoice.pk}", "reason": "never got it"}
    client.post(url, data)
    hold = Hold.objects.get()
    assert (hold.document, hold.contract_reference, hold.kind) == (invoice, "", "dispute")
    client.post(url, {"kind": "block", "applies_to": "contract:V-1", "reason": "x"})
    assert Hold.objects.latest("pk").contract_reference == "V-1"
    page = client.get(reverse(f"{namespace}:inspect", args=[pk])).content.decode()
    assert "never got it" in page


def test_a_day_that_has_passed_is_said_on_the_form(client, issuer, customer):
    clerk(client, issuer, *VIEWS)
    url = reverse("billing-dunning-hold:for_customer", args=[customer.pk])
    data = {"kind": "block", "applies_to": "customer", "until": "2026-03-30", "reason": "x"}
    assert "has passed" in client.post(url, data).content.decode()


def test_a_foreign_document_is_no_choice(client, issuer, customer):
    clerk(client, issuer, *VIEWS)
    theirs = invoice_due(CustomerFactory(issuer=issuer), DUE)
    url = reverse("billing-dunning-hold:for_customer", args=[customer.pk])
    data = {"kind": "block", "applies_to": f"document:{theirs.pk}", "reason": "x"}
    assert client.post(url, data).context["form"].errors["applies_to"]


def test_the_second_person_finds_it_on_the_to_do_list(client, issuer, customer, four_eyes):
    first = clerk(client, issuer, *VIEWS)
    url = reverse("billing-dunning-hold:for_customer", args=[customer.pk])
    data = {"kind": "block", "applies_to": "customer", "reason": "please look"}
    answer = client.post(url, data, follow=True)
    assert "second person" in answer.content.decode()
    hold = Hold.objects.get()
    own = client.post(reverse("billing-dunning-hold:approve", args=[hold.pk]), follow=True)
    assert "Somebody else" in own.content.decode()
    hold.refresh_from_db()
    assert (hold.state, hold.created_by) == ("waiting", first)
    second = clerk(client, issuer, *VIEWS)
    todo = client.get(reverse("billing_todo")).content.decode()
    assert "please look" in todo
    client.post(reverse("billing-dunning-hold:approve", args=[hold.pk]))
    hold.refresh_from_db()
    assert (hold.state, hold.decided_by) == ("standing", second)
    assert "please look" not in client.get(reverse("billing_todo")).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("state=standing", True),
        ("state=waiting", False),
        ("kind=dispute", False),
        ("scope=contract", True),
        ("scope=customer", False),
        ("scope=document", False),
        ("customer=k-1", True),
        ("q=Berg", True),
        ("q=nobody", False),
    ],
)
def test_holds_are_found(client, issuer, customer, query, found):
    clerk(client, issuer, "view_hold")
    invoice_due(customer, DUE, contract="V-1")
    hold = set_hold(customer_id=customer.pk, reason="x", contract_reference="V-1", today=FIRST)
    content = client.get(f"{reverse('billing-dunning-hold:index')}?{query}").content.decode()
    assert (reverse("billing-dunning-hold:inspect", args=[hold.pk]) in content) is found


def test_the_list_takes_the_same_queries_for_many(client, issuer):
    clerk(client, issuer, "view_hold")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("billing-dunning-hold:index"))
        return len(captured)

    for count in (1, 10):
        for customer in CustomerFactory.create_batch(count, issuer=issuer):
            invoice = invoice_due(customer, DUE)
            set_hold(customer_id=customer.pk, reason="x", document_id=invoice.pk, today=FIRST)
        if count == 1:
            queries()
            few = queries()
    assert queries() == few


PAGES = ("for_customer", "for_document", "for_case", "inspect", "approve", "refuse", "lift")


def pages_of(customer, invoice, hold) -> list[str]:
    pks = {"for_customer": customer.pk, "for_document": invoice.pk, "for_case": case_of(invoice).pk}
    return [reverse(f"billing-dunning-hold:{name}", args=[pks.get(name, hold.pk)]) for name in PAGES]


def test_the_neighbour_sees_and_decides_nothing(client, issuer, customer):
    invoice = invoice_due(customer, DUE)
    run(issuer, FIRST)
    hold = set_hold(customer_id=customer.pk, reason="secret reason", today=FIRST)
    clerk(client, IssuerFactory(), *VIEWS)
    data = {"reason": "x", "kind": "block", "applies_to": "customer"}
    for url in pages_of(customer, invoice, hold):
        assert client.get(url).status_code == 404, url
        assert client.post(url, data).status_code in (404, 405), url
    assert "secret reason" not in client.get(reverse("billing-dunning-hold:index")).content.decode()
    assert "secret reason" not in client.get(reverse("billing_todo")).content.decode()
    assert list(Hold.objects.values_list("state", flat=True)) == ["standing"]


def test_looking_is_not_deciding(client, issuer, customer):
    invoice = invoice_due(customer, DUE)
    run(issuer, FIRST)
    hold = set_hold(customer_id=customer.pk, reason="x", today=FIRST)
    clerk(client, issuer, *(set(VIEWS) - {"decide_hold"}))
    data = {"reason": "x", "kind": "block", "applies_to": "customer"}
    for name, url in zip(PAGES, pages_of(customer, invoice, hold), strict=True):
        if name != "inspect":
            assert client.post(url, data).url == reverse("wagtailadmin_home")
    assert list(Hold.objects.values_list("state", flat=True)) == ["standing"]


def test_the_policy_is_kept_on_the_page_of_the_issuer(client, issuer):
    clerk(client, issuer, "view_issuer", "change_dunningpolicy")
    url = reverse("billing_dunning_policy", args=[issuer.pk])
    assert url in client.get(reverse("billing-issuer:inspect", args=[issuer.pk])).content.decode()
    data = {
        "four_eyes": "on",
        "promise_days": "14",
        "deferral_days": "30",
        "instalments_max": "6",
        "instalment_min": "30.00",
        "instalments_up_to": "1200.50",
        "grace_days": "4",
    }
    client.post(url, data)
    policy = DunningPolicy.objects.get(issuer=issuer)
    assert (policy.four_eyes, policy.release_collection) == (True, False)
    assert (policy.promise_days, policy.instalments_max, policy.grace_days) == (14, 6, 4)
    assert (policy.instalment_min_minor, policy.instalments_up_to_minor) == (3000, 120050)
    assert "1200.50" in client.get(url).content.decode()


def test_the_policy_is_for_who_may_change_it_at_this_issuer(client, issuer):
    url = reverse("billing_dunning_policy", args=[issuer.pk])
    clerk(client, IssuerFactory(), "view_issuer", "change_dunningpolicy")
    assert client.post(url, {"promise_days": "1"}).status_code == 404
    clerk(client, issuer, "view_issuer")
    assert client.post(url, {"promise_days": "1"}).url == reverse("wagtailadmin_home")
    assert not DunningPolicy.objects.exists()


def test_the_permission_to_block_customers_is_taken_over():
    migration = import_module("cms_billing.dunning.migrations.0007_holds")
    kind = ContentType.objects.get_for_model(Customer)
    former = Permission.objects.create(content_type=kind, codename="block_dunning", name="x")
    group, user = Group.objects.create(name="Office"), UserFactory()
    group.permissions.add(former)
    user.user_permissions.add(former)
    migration.keep_the_permission(apps, None)
    assert [permission.codename for permission in group.permissions.all()] == ["decide_hold"]
    assert user.user_permissions.get().content_type == ContentType.objects.get_for_model(Hold)
    assert not Permission.objects.filter(codename="block_dunning").exists()
    migration.keep_the_permission(apps, None)
