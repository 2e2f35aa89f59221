"""Agreements in the admin and on members' pages: who may, what is shown before, and what a link never shows."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.dunning.models import Agreement, Case, DunningPolicy
from cms_billing.dunning.services import make_instalment_plan, make_promise
from cms_billing.payments.claims import Choice, claims_of
from cms_billing.payments.links import payment_token
from cms_billing.payments.models import PaymentSession
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory

from .conftest import case_of, invoice_due, pay, run
from .test_admin import accountant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
TODAY = date(2026, 1, 25)
EDITOR = ("view_case", "view_customer", "view_document", "view_agreement", "decide_agreement")


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 1, 25, 10, tzinfo=UTC)):
        yield


@pytest.fixture
def invoice(customer):
    document = invoice_due(customer, DUE, amount=10000, contract="V-1")
    run(customer.issuer, date(2026, 1, 22))
    return document


@pytest.fixture
def policy(issuer) -> DunningPolicy:
    return DunningPolicy.objects.create(issuer=issuer, promise_days=14, instalments_max=4)


def plan(*documents) -> Agreement:
    return make_instalment_plan(
        document_ids=[document.pk for document in documents], count=3, first_on=date(2026, 2, 1), today=TODAY
    )


def values(invoice, **changes) -> dict[str, object]:
    return {
        "documents": [invoice.pk],
        "kind": "instalments",
        "first_on": "2026-02-01",
        "count": "3",
        "opens_access": "on",
        "note": "by phone",
        **changes,
    }


@pytest.mark.parametrize("place", ["for_case", "for_customer"])
def test_an_editor_sees_the_plan_before_it_is_agreed_on(client, issuer, customer, invoice, place):
    user = accountant(client, issuer, *EDITOR)
    row = case_of(invoice) if place == "for_case" else customer
    url = reverse(f"billing-agreement:{place}", args=[row.pk])
    assert "RE-2026-000001" in client.get(url).content.decode()
    shown = client.post(url, values(invoice, preview="1")).content.decode()
    assert "€33.34" in shown
    assert "€33.33" in shown
    assert not Agreement.objects.exists()
    made = client.post(url, values(invoice))
    agreement = Agreement.objects.get()
    assert made["Location"] == reverse("billing-agreement:inspect", args=[agreement.pk])
    assert (agreement.user, agreement.note, agreement.opens_access) == (user, "by phone", True)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"count": ""}, "Say how many instalments"),
        ({"count": "1"}, "greater than or equal to 2"),
        ({"first_on": "2026-01-24"}, "before today"),
        ({"documents": []}, "required"),
    ],
)
def test_what_cannot_be_meant_is_said_on_the_form(client, customer, invoice, changes, why):
    accountant(client, customer.issuer, *EDITOR)
    url = reverse("billing-agreement:for_customer", args=[customer.pk])
    assert why in client.post(url, values(invoice, **changes)).content.decode()
    assert not Agreement.objects.exists()


def test_documents_of_others_cannot_be_agreed_on(client, issuer, customer, invoice):
    accountant(client, issuer, *EDITOR)
    other = invoice_due(CustomerFactory(issuer=issuer), DUE)
    url = reverse("billing-agreement:for_customer", args=[customer.pk])
    assert client.post(url, values(invoice, documents=[other.pk])).status_code == 200
    assert not Agreement.objects.exists()


def test_the_page_of_an_agreement_shows_what_was_paid(client, issuer, customer, invoice):
    accountant(client, issuer, *EDITOR)
    agreement = plan(invoice)
    pay(invoice, TODAY, amount=Money.of("50", "EUR"))
    page = client.get(reverse("billing-agreement:inspect", args=[agreement.pk])).content.decode()
    assert "€50.00 of €100.00 paid (50 %)." in page
    for url in (
        reverse("billing-agreement:index") + "?state=running&kind=instalments",
        reverse("billing-customer:inspect", args=[customer.pk]),
        reverse("billing-dunning:inspect", args=[case_of(invoice).pk]),
    ):
        assert reverse("billing-agreement:inspect", args=[agreement.pk]) in client.get(url).content.decode()
    empty = client.get(reverse("billing-agreement:index") + "?state=kept").content.decode()
    assert reverse("billing-agreement:inspect", args=[agreement.pk]) not in empty


def test_the_list_costs_the_same_for_many(client, issuer, customer, django_assert_max_num_queries):
    accountant(client, issuer, *EDITOR)
    for _n in range(5):
        plan(invoice_due(CustomerFactory(issuer=issuer), DUE, amount=9000))
    client.get(reverse("billing-agreement:index"))
    with django_assert_max_num_queries(25):
        client.get(reverse("billing-agreement:index"))


def test_an_agreement_is_ended_with_its_reason(client, issuer, invoice):
    accountant(client, issuer, *EDITOR)
    agreement = plan(invoice)
    url = reverse("billing-agreement:end", args=[agreement.pk])
    assert "required" in client.post(url, {"reason": ""}).content.decode()
    assert client.post(url, {"reason": "Pays at once"}).status_code == 302
    agreement.refresh_from_db()
    assert (agreement.state, agreement.end_reason) == ("ended", "Pays at once")


def test_the_neighbours_agreements_are_not_there(client, customer, invoice):
    agreement, case = plan(invoice), case_of(invoice)
    accountant(client, IssuerFactory(), *EDITOR)
    for name, pk in (
        ("inspect", agreement.pk),
        ("end", agreement.pk),
        ("for_customer", customer.pk),
        ("for_case", case.pk),
    ):
        url = reverse(f"billing-agreement:{name}", args=[pk])
        assert client.get(url).status_code == 404, name
        assert client.post(url, values(invoice, reason="x")).status_code in (404, 405), name
    assert str(customer) not in client.get(reverse("billing-agreement:index")).content.decode()
    assert Agreement.objects.get().state == "running"


def test_looking_is_not_deciding(client, issuer, customer, invoice):
    agreement = plan(invoice)
    accountant(client, issuer, "view_case", "view_customer", "view_agreement")
    for name, pk in (("end", agreement.pk), ("for_customer", customer.pk)):
        response = client.post(reverse(f"billing-agreement:{name}", args=[pk]), {"reason": "x"})
        assert response["Location"] == reverse("wagtailadmin_home")


def by_link(*documents, days: int | None = None) -> str:
    return reverse("cms_billing:agree", args=[payment_token([d.pk for d in documents], days=days)])


def test_a_member_sees_the_plan_and_agrees_by_the_link_without_login(client, invoice, policy):
    pay_page = reverse("cms_billing:payment_page", args=[payment_token([invoice.pk])])
    url = by_link(invoice)
    assert url in client.get(pay_page).content.decode()
    assert "Pay in monthly instalments" in client.get(url).content.decode()
    shown = client.post(url, {"debt": invoice.pk, "count": "3"}).content.decode()
    assert "€33.34" in shown
    assert not Agreement.objects.exists()
    form = {"debt": invoice.pk, "count": "3", "shown": "10000", "confirm": "1"}
    assert client.post(url, form)["Location"] == f"{url}?agreed=1"
    agreement = Agreement.objects.get()
    assert (agreement.by_member, agreement.user) == (True, None)
    after = client.get(f"{url}?agreed=1").content.decode()
    assert "Agreed." in after
    assert "Pay in monthly instalments" not in after
    assert client.post(url, form).status_code == 400
    assert url not in client.get(pay_page).content.decode()


def test_a_member_promises_a_day_within_the_limit(client, invoice, policy):
    url = by_link(invoice)
    form = {"debt": invoice.pk, "shown": "10000", "confirm": "1"}
    for until in ("2026-02-09", "2026-01-24", "2026-13-01", "x", ""):
        assert client.post(url, {**form, "until": until}).status_code == 400, until
        assert client.post(url, {"debt": invoice.pk, "until": until}).status_code == 400, until
    assert client.post(url, {**form, "until": "2026-02-08", "shown": "9999"}).status_code == 400
    assert client.post(url, {**form, "until": "2026-02-08"}).status_code == 302
    assert Agreement.objects.get().until == date(2026, 2, 8)


def test_a_member_puts_the_debt_off_within_the_limit(client, invoice, policy):
    url = by_link(invoice)
    assert 'name="defer"' not in client.get(url).content.decode()
    form = {"debt": invoice.pk, "shown": "10000", "confirm": "1"}
    assert client.post(url, {**form, "defer": "2026-02-08"}).status_code == 400
    policy.deferral_days = 30
    policy.save()
    assert 'max="2026-02-24"' in client.get(url).content.decode()
    for day in ("2026-02-25", "2026-01-24", "x", ""):
        assert client.post(url, {**form, "defer": day}).status_code == 400, day
    chosen = client.post(url, {"debt": invoice.pk, "defer": "2026-02-24"}).content.decode()
    assert '<input type="hidden" name="defer" value="2026-02-24">' in chosen
    assert client.post(url, {**form, "defer": "2026-02-24"}).status_code == 302
    agreement = Agreement.objects.get()
    assert (agreement.kind, agreement.until, agreement.by_member) == (
        Agreement.Kind.DEFERRAL,
        date(2026, 2, 24),
        True,
    )
    assert agreement.opens_access


def test_altered_and_expired_links_show_nothing(client, invoice, policy):
    url = by_link(invoice)
    for broken in (url.replace("/agree/", "x/agree/"), by_link(invoice, days=-1)):
        response = client.get(broken)
        assert response.status_code == 404
        assert invoice.number not in response.content.decode()
        assert client.post(broken, {"debt": invoice.pk, "count": "2", "confirm": "1"}).status_code == 404
    assert not Agreement.objects.exists()


def test_a_link_agrees_on_its_own_documents_only(client, customer, invoice, policy):
    other = invoice_due(customer, DUE, amount=9000)
    url = by_link(other)
    page = client.get(url).content.decode()
    assert other.number in page
    assert invoice.number not in page
    form = {"debt": invoice.pk, "count": "2", "shown": "10000", "confirm": "1"}
    assert client.post(url, form).status_code == 400
    plan(invoice, other)
    assert invoice.number not in client.get(url).content.decode()
    assert "instalment" not in client.get(url).content.decode().split("<h1>")[1].split("</h1>")[1]


def test_the_account_page_is_for_the_owner(client, customer, invoice, policy):
    url = reverse("cms_billing:agree_account")
    assert client.get(url).status_code == 302
    client.force_login(UserFactory())
    assert invoice.number not in client.get(url).content.decode()
    assert client.post(url, {"debt": invoice.pk, "count": "2", "confirm": "1"}).status_code == 400
    customer.user = UserFactory()
    customer.save()
    client.force_login(customer.user)
    assert invoice.number in client.get(url).content.decode()
    form = {"debt": invoice.pk, "count": "2", "shown": "10000", "confirm": "1"}
    assert client.post(url, form).status_code == 302
    assert Agreement.objects.get().user == customer.user


@pytest.mark.parametrize("why", ["no policy", "broken", "handed over", "not overdue"])
def test_nothing_is_offered(client, issuer, customer, invoice, why):
    if why != "no policy":
        DunningPolicy.objects.create(issuer=issuer, promise_days=14, instalments_max=4)
    if why == "broken":
        make_promise(document_ids=[invoice.pk], until=TODAY, today=TODAY)
        Agreement.objects.update(state="broken", ended_on=TODAY)
        Agreement.objects.get().agreement_documents.update(running=False)
    if why == "handed over":
        Case.objects.update(state=Case.State.HANDED_OVER)
    if why == "not overdue":
        invoice = invoice_due(customer, date(2026, 2, 20), amount=10000)
    page = client.get(by_link(invoice)).content.decode()
    assert "Nothing can be agreed on here" in page
    assert "/agree/" not in client.get(
        reverse("cms_billing:payment_page", args=[payment_token([invoice.pk])])
    ).content.decode().replace(by_link(invoice), "")


def test_only_the_instalment_can_be_paid(client, customer, invoice):
    other = invoice_due(customer, DUE, amount=2000)
    agreement = plan(invoice, other)
    url = reverse("cms_billing:payment_page", args=[payment_token([invoice.pk, other.pk])])
    page = client.get(url).content.decode()
    assert f"?part={agreement.pk}" in page
    assert "€40.00" in client.get(f"{url}?part={agreement.pk}").content.decode()
    [claim] = claims_of([invoice.pk, other.pk], today=TODAY, choice=Choice(part=agreement.pk))
    assert (claim.amount, claim.whole) == (Money.of("40", "EUR"), Money.of("120", "EUR"))
    # A link to one of the documents does not tell of the other.
    single = reverse("cms_billing:payment_page", args=[payment_token([invoice.pk])])
    assert "part=" not in client.get(single).content.decode()
    [claim] = claims_of([invoice.pk], today=TODAY, choice=Choice(part=agreement.pk))
    assert claim.part is None


def test_a_strangers_plan_is_no_part_of_this_page(client, issuer, invoice):
    stranger = plan(invoice_due(CustomerFactory(issuer=issuer), DUE, amount=9000))
    url = reverse("cms_billing:payment_page", args=[payment_token([invoice.pk])])
    page = client.get(f"{url}?part={stranger.pk}").content.decode()
    assert "€30.00" not in page
    assert not PaymentSession.objects.exists()
