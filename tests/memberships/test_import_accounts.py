"""Imported customers get in: an account for each, set with “forgot password”; nobody else's account is linked."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import PasswordResetForm
from django.core.management import call_command
from django.urls import reverse

from cms_billing.faktura.models import Customer
from cms_billing.faktura.services import create_user_accounts
from cms_billing.memberships.services import import_contracts
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory

from .conftest import TODAY
from .test_import import write
from .test_import_page import as_editor, editor, upload  # noqa: F401

pytestmark = pytest.mark.django_db

User = get_user_model()


def imported(issuer, data: bytes):
    done = import_contracts(issuer=issuer, data=data, today=TODAY)
    return create_user_accounts(issuer=issuer, customer_ids=done.customer_ids)


def test_customer_with_an_address_gets_an_account_and_sees_the_contract(client, issuer, csv_file):
    accounts = imported(issuer, csv_file({"email": "Aenne@Example.org"}))
    assert (accounts.created, list(accounts.taken)) == (1, [])
    user = Customer.objects.get().user
    assert (user.email, user.username, user.first_name, user.last_name) == (
        "aenne@example.org",
        "aenne@example.org",
        "Änne",
        "Groß",
    )
    client.force_login(user)
    assert "V-1" in client.get(reverse("cms_billing:account_contracts")).content.decode()


def test_forgot_password_mails_go_to_the_new_account(issuer, csv_file, client, mailoutbox):
    imported(issuer, csv_file({}))
    client.post(reverse("password-reset"), {"email": "aenne@example.org"})
    assert [mail.to for mail in mailoutbox] == [["aenne@example.org"]]
    link = re.search(r"/shop/password-reset/confirm/\S+", mailoutbox[0].body)
    assert link is not None
    page = client.get(link[0], follow=True)
    client.post(
        page.request["PATH_INFO"], {"new_password1": "sehr-geheim-7", "new_password2": "sehr-geheim-7"}
    )
    assert client.login(username="aenne@example.org", password="sehr-geheim-7")


def test_customer_without_an_address_gets_no_account(issuer, csv_file):
    assert imported(issuer, csv_file({"email": ""})).created == 0
    assert not User.objects.exists()


@pytest.mark.parametrize("field", ["email", "username"])
def test_account_that_has_the_address_is_named_not_linked(issuer, csv_file, field):
    stranger = UserFactory(**{field: "AENNE@example.org"})
    accounts = imported(issuer, csv_file({}))
    assert accounts.created == 0
    assert [str(taken) for taken in accounts.taken] == [
        "K-1 Änne Groß: there is an account with the address aenne@example.org already. "
        "Link it on the customer's form if it is theirs."
    ]
    assert Customer.objects.get().user is None
    assert not stranger.billing_customers.exists()


def test_two_customers_with_one_address_share_no_account(issuer, csv_file):
    data = csv_file({}, {"customer_number": "K-2", "first_name": "Bo", "contract_number": "V-2"})
    accounts = imported(issuer, data)
    assert (accounts.created, [taken.customer for taken in accounts.taken]) == (1, ["K-2 Bo Groß"])


def test_same_file_later_gives_accounts_to_who_has_none_and_twice_is_once(issuer, csv_file):
    data = csv_file({})
    import_contracts(issuer=issuer, data=data, today=TODAY)
    assert imported(issuer, data).created == 1
    again = imported(issuer, data)
    assert (again.created, list(again.taken)) == (0, [])
    assert User.objects.count() == 1


def test_customers_of_another_issuer_are_left_alone(issuer):
    theirs = CustomerFactory(issuer=IssuerFactory(), email="theirs@example.org")
    assert create_user_accounts(issuer=issuer, customer_ids=[theirs.pk]).created == 0


def test_address_that_is_no_login_name_gets_a_random_one(issuer, csv_file):
    imported(issuer, csv_file({"email": "o'neil@example.org"}))
    user = Customer.objects.get().user
    assert user.email == "o'neil@example.org"
    assert re.fullmatch(r"[0-9a-f]{30}", user.username)


def test_a_thousand_accounts_take_few_queries_and_one_hash(issuer, django_assert_max_num_queries, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    with open("sandbox/data/contracts-1000.csv", "rb") as file:
        done = import_contracts(issuer=issuer, data=file.read(), today=TODAY)
    # SQLite writes them in batches, PostgreSQL at once.
    with django_assert_max_num_queries(60):
        accounts = create_user_accounts(issuer=issuer, customer_ids=done.customer_ids)
    assert accounts.created == Customer.objects.filter(user__isnull=False).count() > 900
    assert len(set(User.objects.values_list("password", flat=True))) == 1
    assert PasswordResetForm().get_users(Customer.objects.exclude(email="").first().email)


def test_command_creates_accounts_when_told(issuer, csv_file, tmp_path, capsys):
    UserFactory(email="bo@example.org")
    data = csv_file(
        {"next_due": "none"},
        {"customer_number": "K-2", "contract_number": "V-2", "email": "bo@example.org", "next_due": "none"},
    )
    path = write(tmp_path, data)
    call_command("import_contracts", path, "--accounts")
    assert User.objects.count() == 1
    call_command("import_contracts", path, "--commit", "--accounts")
    said = capsys.readouterr()
    assert "Created 1 user accounts; 1 addresses belong to an account already." in said.out
    assert "K-2 Änne Groß: there is an account with the address bo@example.org already." in said.err


def test_import_page_creates_accounts_with_a_tick_and_names_the_others(as_editor, issuer, csv_file):  # noqa: F811
    UserFactory(email="bo@example.org")
    data = csv_file(
        {"next_due": "none"},
        {"customer_number": "K-2", "contract_number": "V-2", "email": "bo@example.org", "next_due": "none"},
    )
    url = upload(as_editor, issuer, data).url
    assert "Create user accounts" in as_editor.get(url).content.decode()
    page = as_editor.post(url, {"accounts": "on"}, follow=True).content.decode()
    assert "2 contracts imported. 1 user account created." in page
    assert "K-2 Änne Groß: there is an account with the address bo@example.org already." in page
    assert f"{reverse('billing-customer:index')}?account=none" in page


def test_import_page_creates_none_without_the_tick(as_editor, issuer, csv_file):  # noqa: F811
    before = User.objects.count()
    as_editor.post(upload(as_editor, issuer, csv_file({"next_due": "none"})).url)
    assert User.objects.count() == before


def test_list_of_customers_finds_those_without_an_account(admin_client, issuer):
    CustomerFactory(issuer=issuer, last_name="Ohnekonto", email="ohne@example.org", user=None)
    CustomerFactory(issuer=issuer, last_name="Mitkonto", email="mit@example.org", user=UserFactory())
    page = admin_client.get(f"{reverse('billing-customer:index')}?account=none").content.decode()
    assert "Ohnekonto" in page
    assert "Mitkonto" not in page
    page = admin_client.get(f"{reverse('billing-customer:index')}?account=linked").content.decode()
    assert "Mitkonto" in page
    assert "Ohnekonto" not in page
