"""Dunning in Wagtail's admin: who sees what, what the buttons do, and what a procedure may look like."""

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from wagtail.test.utils.form_data import inline_formset, nested_form_data

from cms_billing.core import clock
from cms_billing.dunning.models import Case, Level, Procedure
from cms_billing.dunning.services import create_default_procedure, lift_hold, set_hold
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory

from .conftest import case_of, invoice_due, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
DAYS = (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19))


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 1, 23, 10, tzinfo=UTC)):
        yield


def accountant(client, issuer, *permissions: str):
    """Logged in, of a group that sees ``issuer`` and has these permissions of dunning and customers."""
    group = Group.objects.create(name=f"Accounts {issuer.pk}")
    codes = ["access_admin", *permissions]
    group.permissions.set(Permission.objects.filter(codename__in=codes))
    issuer.groups.add(group)
    user = UserFactory()
    user.groups.add(group)
    client.force_login(user)
    return user


@pytest.fixture
def case(issuer, customer) -> Case:
    invoice = invoice_due(customer, DUE, contract="V-1")
    run(issuer, DAYS[0])
    return case_of(invoice)


def test_the_list_and_the_page_of_a_case(client, issuer, case):
    accountant(client, issuer, "view_case", "view_customer", "view_document")
    response = client.get(reverse("billing-dunning:index"))
    assert case.document.number in response.content.decode()
    page = client.get(reverse("billing-dunning:inspect", args=[case.pk])).content.decode()
    for text in (
        "K-1 Anna Berg",
        case.document.number,
        "V-1",
        "Level 2 is not due before",
        "MA-2026-000001",
    ):
        assert text in page
    assert "Next step now" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=RE-2026", True),
        ("q=Berg", True),
        ("q=nobody", False),
        ("state=open&level=1", True),
        ("level=2", False),
        ("lock_scope=contract", False),
        ("customer=k-1", True),
    ],
)
def test_cases_are_found(client, issuer, case, query, found):
    accountant(client, issuer, "view_case")
    content = client.get(f"{reverse('billing-dunning:index')}?{query}").content.decode()
    assert (reverse("billing-dunning:inspect", args=[case.pk]) in content) is found


def test_the_neighbours_cases_and_procedures_are_not_there(client, case):
    neighbour = IssuerFactory()
    accountant(client, neighbour, "view_case", "decide_case", "waive_fee", "decide_hold", "change_procedure")
    assert case.document.number not in client.get(reverse("billing-dunning:index")).content.decode()
    for name in ("inspect", "history", "next", "stop", "resume", "waive_fee"):
        assert client.get(reverse(f"billing-dunning:{name}", args=[case.pk])).status_code == 404, name
        assert client.post(
            reverse(f"billing-dunning:{name}", args=[case.pk]), {"reason": "x"}
        ).status_code in (
            404,
            405,
        )
    procedure = Procedure.objects.get(issuer=case.issuer, customer_kind="consumer")
    url = reverse("billing-dunning-procedure:edit", args=[procedure.pk])
    assert client.get(url).status_code == 404
    assert case.document.number not in client.get(reverse("billing-dunning:preview")).content.decode()
    case.refresh_from_db()
    assert case.state == Case.State.OPEN


def test_looking_is_not_deciding(client, issuer, case):
    accountant(client, issuer, "view_case")
    for name in ("next", "stop", "resume", "waive_fee"):
        response = client.post(reverse(f"billing-dunning:{name}", args=[case.pk]), {"reason": "x"})
        assert response.status_code == 302
        assert response["Location"] == reverse("wagtailadmin_home")
    case.refresh_from_db()
    assert (case.state, case.level) == (Case.State.OPEN, 1)


def test_stop_and_resume(client, issuer, case):
    user = accountant(client, issuer, "view_case", "decide_case")
    url = reverse("billing-dunning:stop", args=[case.pk])
    assert "required" in client.post(url, {"reason": ""}).content.decode()
    client.post(url, {"reason": "Disputed by phone"})
    case.refresh_from_db()
    assert case.state == Case.State.STOPPED
    assert case.steps.get(kind="stopped").user == user
    client.post(reverse("billing-dunning:resume", args=[case.pk]))
    case.refresh_from_db()
    assert case.state == Case.State.OPEN


def test_the_next_step_now_says_why_not(client, issuer, customer, case):
    accountant(client, issuer, "view_case", "decide_case")
    until = date(2026, 3, 1)
    hold = set_hold(customer_id=customer.pk, reason="ill", until=until, today=date(2026, 1, 23))
    url = reverse("billing-dunning:next", args=[case.pk])
    assert "dunning block until 03/01/2026" in client.post(url).content.decode()
    lift_hold(hold_id=hold.pk)
    assert client.post(url).status_code == 302
    case.refresh_from_db()
    assert case.level == 2


def test_the_preview_shows_steps_and_reasons(client, issuer, case):
    accountant(client, issuer, "view_case")
    other = CustomerFactory(issuer=issuer, last_name="Fällig")
    invoice_due(other, DUE)
    page = client.get(reverse("billing-dunning:preview")).content.decode()
    assert "Fällig" in page
    assert "Level 2 is not due before 02/05/2026." in page
    assert client.get(reverse("billing-dunning:preview") + "?after=x").status_code == 200


def test_customer_and_document_pages_show_the_case(client, issuer, customer, case):
    accountant(client, issuer, "view_case", "view_customer", "view_document")
    link = reverse("billing-dunning:inspect", args=[case.pk])
    for url in (
        reverse("billing-customer:inspect", args=[customer.pk]),
        reverse("billing-document:inspect", args=[case.document_id]),
    ):
        assert link in client.get(url).content.decode()


@pytest.fixture
def no_business_procedure(procedure) -> None:
    """Room for one of our own."""
    Procedure.objects.filter(customer_kind="business").delete()


def procedure_data(issuer, levels: list[dict[str, object]], **changes: object) -> dict[str, object]:
    rows = [
        {
            "number": 1,
            "days_after": 7,
            "days_to_pay": 10,
            "channel": "mail_pdf",
            "fee": "",
            **level,
            "texts": inline_formset(level.get("texts", [])),
        }
        for level in levels
    ]
    return nested_form_data(
        {
            "issuer": issuer.pk,
            "name": "Firmen",
            "customer_kind": "business",
            "is_active": "on",
            "default_from": "first_letter",
            "charges_left": "waive",
            "levels": inline_formset(rows),
            **changes,
        }
    )


@pytest.mark.usefixtures("no_business_procedure")
def test_a_procedure_with_levels_and_texts_is_made_on_one_page(client, issuer):
    accountant(client, issuer, "add_procedure", "change_procedure", "view_procedure")
    text = {"language": "de", "subject": "Erinnerung", "body": "Bitte {total} bis {pay_until}."}
    data = procedure_data(
        issuer, [{"texts": [text]}, {"number": 2, "days_after": 14, "lock_scope": "contract", "fee": "2.50"}]
    )
    response = client.post(reverse("billing-dunning-procedure:add"), data)
    assert response.status_code == 302, response.context["form"].errors
    made = Procedure.objects.get(customer_kind="business")
    levels = Level.objects.filter(procedure=made).order_by("number")
    assert [(level.number, level.fee_minor, level.locks) for level in levels] == [
        (1, 0, False),
        (2, 250, True),
    ]
    assert levels[0].texts.get().subject == "Erinnerung"
    url = reverse("billing-dunning-procedure:edit", args=[made.pk])
    assert "Erinnerung" in client.get(url).content.decode()
    assert "Firmen" in client.get(reverse("billing-dunning-procedure:index")).content.decode()


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([], "Please submit at least 1"),
        ([{"lock_scope": "contract"}], "announced in the letter before"),
        ([{}, {"number": 3, "days_after": 20}], "without a gap"),
        ([{}, {"number": 2, "days_after": 10}], "must not come before the date to pay by"),
        ([{"number": 4}], "less than or equal to 3"),
        ([{"days_after": 0}], "greater than or equal to 1"),
        ([{"fee": "-5"}], "cannot be negative"),
        ([{"fee": "1.234"}], "decimal places"),
        (
            [{"texts": [{"language": "de", "subject": "x", "body": "Hallo {nmae}"}]}],
            "There is no placeholder nmae.",
        ),
    ],
)
@pytest.mark.usefixtures("no_business_procedure")
def test_a_procedure_that_cannot_be_meant_is_refused(client, issuer, levels, message):
    accountant(client, issuer, "add_procedure")
    response = client.post(reverse("billing-dunning-procedure:add"), procedure_data(issuer, levels))
    assert response.status_code == 200
    assert message in response.content.decode()
    assert Procedure.objects.count() == 1


def test_a_second_procedure_in_use_for_the_same_customers_is_refused(client, issuer):
    accountant(client, issuer, "add_procedure")
    data = procedure_data(issuer, [{}], customer_kind="consumer")
    response = client.post(reverse("billing-dunning-procedure:add"), data)
    assert "There is a procedure in use for these customers already" in response.content.decode()


def test_a_procedure_for_the_neighbour_is_refused(client, issuer):
    neighbour = IssuerFactory()
    accountant(client, issuer, "add_procedure")
    client.post(reverse("billing-dunning-procedure:add"), procedure_data(neighbour, [{}]))
    assert not Procedure.objects.filter(issuer=neighbour).exists()


def test_the_shipped_procedure_passes_its_own_form(client, issuer):
    accountant(client, issuer, "change_procedure", "view_procedure")
    procedure = create_default_procedure(issuer)
    url = reverse("billing-dunning-procedure:edit", args=[procedure.pk])
    assert client.get(url).status_code == 200
    assert create_default_procedure(issuer) == procedure


def test_an_issuer_without_a_procedure_is_offered_the_shipped_one(client, procedure):
    issuer = IssuerFactory()
    accountant(client, issuer, "view_issuer", "add_procedure", "change_procedure")
    page, url = reverse("billing-issuer:inspect", args=[issuer.pk]), create_url(issuer)
    assert url in client.get(page).content.decode()
    made = client.post(url)
    consumers, businesses = issuer.dunning_procedures.order_by("-customer_kind")
    assert (consumers.customer_kind, businesses.customer_kind) == ("consumer", "business")
    assert made["Location"] == reverse("billing-dunning-procedure:edit", args=[consumers.pk])
    assert url not in client.get(page).content.decode()
    assert client.post(create_url(procedure.issuer)).status_code == 404


def create_url(issuer) -> str:
    return reverse("billing-dunning-procedure:create_default", args=[issuer.pk])
