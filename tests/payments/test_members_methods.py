"""The member's cards and accounts: stored, replaced, chosen, removed, and kept in step with the provider."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.links import session_url
from cms_billing.payments.models import (
    MethodRemoval,
    Payer,
    Payment,
    PaymentMethod,
    PaymentSession,
    WebhookEvent,
)
from cms_billing.payments.providers import AccountRefused, ProviderDown, StoredMethod
from cms_billing.payments.services import store_method, sync_methods, take_methods_news
from cms_billing.testing.factories import (
    CustomerFactory,
    PaymentMethodFactory,
    PlanFactory,
    ProviderAccountFactory,
    UserFactory,
    signed_contract,
)

from .page_provider import CARD, FORGOTTEN, KEPT, PAGES, REFUSALS, pay, refuse

TODAY = date(2026, 3, 14)
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(NOON):
        yield


@pytest.fixture
def member(client):
    """Signed in; their issuer has an account; ``method("card-1", …)`` stores one."""
    user = UserFactory()
    customer = CustomerFactory(user=user)
    account = ProviderAccountFactory(issuer=customer.issuer, provider="pages", title="Card or iDEAL")
    payer = Payer.objects.create(account=account, user=user, reference="cus_1")

    def method(reference="card-1", **values):
        stored = StoredMethod(
            **{"reference": reference, "kind": "card", "label": f"Visa {reference}", **values}
        )
        KEPT.setdefault("cus_1", []).append(stored)
        return store_method(customer_id=customer.pk, account=account, payer=payer, stored=stored)

    client.force_login(user)
    return SimpleNamespace(user=user, customer=customer, account=account, payer=payer, method=method)


def at(name, method=None) -> str:
    return reverse(f"cms_billing:{name}", args=[method.pk] if method else [])


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def opened() -> PaymentSession:
    return PaymentSession.objects.get(state="open")


def add(client, member, **changes):
    return client.post(
        at("add_payment_method"), {"customer": member.customer.pk, "way": "pages/main", **changes}
    )


def states() -> dict[str, str]:
    return dict(PaymentMethod.objects.order_by("pk").values_list("reference", "state"))


def default_of(customer) -> str | None:
    return (
        PaymentMethod.objects.usable()
        .filter(customer=customer, is_default=True)
        .values_list("reference", flat=True)
        .first()
    )


def forget_what_was_removed() -> None:
    outbox.drain(MethodRemoval, now=clock.now())


# -- the list --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires_on", "told"),
    [
        (date(2027, 3, 31), "expires 03/27"),
        (date(2026, 4, 30), "expires soon"),
        (date(2026, 2, 28), "expired 02/26"),
        (date(2026, 3, 14), "expires soon"),
        (None, "used for what becomes due"),
    ],
)
def test_the_list_names_kind_provider_and_expiry(client, member, expires_on, told):
    member.method(expires_on=expires_on)
    text = text_of(client.get(at("payment_methods")))
    for shown in ("Visa card-1", "card · Pages", told):
        assert shown in text
    if expires_on is None or expires_on > date(2026, 6, 1):
        assert "expires soon" not in text


def test_the_list_costs_a_fixed_number_of_queries(client, member, django_assert_max_num_queries):
    for number in range(6):
        member.method(f"card-{number}")
    client.get(at("payment_methods"))
    with django_assert_max_num_queries(12):
        client.get(at("payment_methods"))


# -- add and replace -------------------------------------------------------------------------------------------------


def test_adding_opens_a_page_on_which_nothing_is_paid(client, member):
    response = add(client, member)
    session = opened()
    assert (response.status_code, response["Location"]) == (303, session.url)
    request = PAGES[session.reference].request
    assert (request.amount, request.stores_method) == (Money(0, "EUR"), True)
    pay(session.reference)
    text = text_of(client.get(session_url(session), follow=True))
    assert "Your card or account is stored" in text
    assert "Visa •••• 4242" in text
    assert default_of(member.customer) == CARD.reference
    assert Payment.objects.count() == 0


def test_replacing_removes_the_old_one_once_the_new_one_is_stored(client, member):
    old = member.method("card-0")
    client.post(at("replace_payment_method", old))
    session = opened()
    assert states() == {"card-0": "usable"}
    pay(session.reference)
    client.get(session_url(session))
    assert states() == {"card-0": "revoked", "card-1": "usable"}
    old.refresh_from_db()
    assert old.revoked_by == "replaced"
    forget_what_was_removed()
    assert FORGOTTEN == ["card-0"]


def test_replacing_that_is_given_up_changes_nothing(client, member):
    old = member.method("card-0")
    client.post(at("replace_payment_method", old))
    session = opened()
    refuse(session.reference)
    text = text_of(client.get(session_url(session), follow=True))
    assert "could not be stored" in text
    assert states() == {"card-0": "usable"}
    assert default_of(member.customer) == "card-0"


def test_a_provider_that_keeps_its_reference_is_not_told_to_forget_it(client, member):
    old = member.method("card-1")
    client.post(at("replace_payment_method", old))
    pay(opened().reference, method=StoredMethod(reference="card-1", kind="card", label="Visa new"))
    client.get(session_url(opened()))
    forget_what_was_removed()
    assert (states(), FORGOTTEN) == ({"card-1": "usable"}, [])


def test_the_same_card_stored_again_replaces_its_older_token(member):
    member.method("card-0", fingerprint="f1")
    member.method("card-9", fingerprint="f2")
    member.method("card-1", fingerprint="f1")
    assert states() == {"card-0": "revoked", "card-9": "usable", "card-1": "usable"}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ProviderDown("Acme: 503"), "does not answer"),
        (AccountRefused("pages/main has no key"), "not available at the moment"),
        (PermanentFailure("zero"), "choose another way"),
    ],
)
def test_what_goes_wrong_is_told_on_the_page(client, member, error, told):
    REFUSALS.append(error)
    text = text_of(
        client.post(
            at("add_payment_method"), {"customer": member.customer.pk, "way": "pages/main"}, follow=True
        )
    )
    assert told in text
    assert str(error) not in text


def test_a_key_that_is_refused_stands_on_the_account(client, member):
    REFUSALS.append(AccountRefused("pages/main has no key"))
    add(client, member)
    member.account.refresh_from_db()
    assert member.account.problem == "pages/main has no key"


# -- default and removal ---------------------------------------------------------------------------------------------


def test_the_default_is_chosen_by_the_member(client, member):
    first = member.method("card-0")
    member.method("card-1")
    assert default_of(member.customer) == "card-1"
    assert client.get(at("default_payment_method", first)).status_code == 405
    text = text_of(client.post(at("default_payment_method", first), follow=True))
    assert "From now on we collect from Visa card-0" in text
    assert default_of(member.customer) == "card-0"


def test_removing_the_last_one_says_what_follows_first(client, member):
    method = member.method()
    plan = PlanFactory(issuer=member.customer.issuer, name="Gold", price=Money.of("19.00", "EUR"))
    signed_contract(start=date(2026, 3, 20), plan=plan, customer=member.customer, today=TODAY)
    address = at("remove_payment_method", method)
    assert client.post(address).status_code == 200
    assert states() == {"card-1": "usable"}
    response = client.get(address)
    text = text_of(response)
    for shown in ("It is the last one", "Gold", "€19.00", "March 20, 2026"):
        assert shown in text
    client.post(address, {"seen": response.context["seen"]})
    method.refresh_from_db()
    assert (method.state, method.revoked_by, method.is_default) == ("revoked", "member", False)


def test_what_changed_since_it_was_shown_is_shown_again(client, member):
    method = member.method()
    address = at("remove_payment_method", method)
    seen = client.get(address).context["seen"]
    plan = PlanFactory(issuer=member.customer.issuer, name="Gold")
    signed_contract(start=date(2026, 3, 20), plan=plan, customer=member.customer, today=TODAY)
    response = client.post(address, {"seen": seen})
    assert (response.status_code, "has changed meanwhile" in text_of(response)) == (200, True)
    assert states() == {"card-1": "usable"}


def test_the_next_one_takes_over_and_is_named(client, member):
    member.method("card-0")
    method = member.method("card-1")
    plan = PlanFactory(issuer=member.customer.issuer, name="Gold")
    signed_contract(start=date(2026, 3, 20), plan=plan, customer=member.customer, today=TODAY)
    address = at("remove_payment_method", method)
    response = client.get(address)
    assert "From then on we collect from <strong>Visa card-0</strong>" in text_of(response)
    client.post(address, {"seen": response.context["seen"]})
    assert default_of(member.customer) == "card-0"


def test_the_provider_forgets_what_was_removed_and_is_asked_again_when_it_is_down(
    client, member, monkeypatch
):
    method = member.method()
    address = at("remove_payment_method", method)
    client.post(address, {"seen": client.get(address).context["seen"]})
    with monkeypatch.context() as patch:

        def down(*_args, **_kwargs):
            raise ProviderDown("Acme: 503")

        patch.setattr("tests.payments.page_provider.PageFake.forget_method", down)
        forget_what_was_removed()
    assert FORGOTTEN == []
    with clock.frozen(NOON + timedelta(hours=1)):
        forget_what_was_removed()
        forget_what_was_removed()
    assert FORGOTTEN == ["card-1"]
    assert PaymentMethod.objects.count() == 1


def test_a_charge_about_to_be_sent_goes_first(member):
    method = member.method()
    Payment.objects.create(
        issuer=member.customer.issuer,
        customer=member.customer,
        provider="pages",
        account=member.account,
        way="provider",
        method=method,
        amount_minor=990,
        currency="EUR",
    )
    MethodRemoval.objects.create(method=method)
    PaymentMethod.objects.update(state="revoked")
    forget_what_was_removed()
    assert FORGOTTEN == []
    Payment.objects.update(state="settled")
    with clock.frozen(NOON + timedelta(minutes=5)):
        forget_what_was_removed()
    assert FORGOTTEN == ["card-1"]


# -- neighbours ------------------------------------------------------------------------------------------------------


def test_a_neighbour_finds_nothing(member):
    method = member.method()
    neighbour = Client()
    mine = CustomerFactory(user=UserFactory(), issuer=member.customer.issuer)
    neighbour.force_login(mine.user)
    assert "Visa" not in text_of(neighbour.get(at("payment_methods")))
    for name in ("remove_payment_method", "default_payment_method", "replace_payment_method"):
        assert neighbour.post(at(name, method), {"seen": "x"}).status_code == 404
    assert neighbour.get(at("remove_payment_method", method)).status_code == 404
    assert add(neighbour, member).status_code == 404
    assert states() == {"card-1": "usable"}
    assert not PaymentSession.objects.exists()


def test_nobody_gets_in_without_a_login(member):
    method = member.method()
    for name in ("remove_payment_method", "default_payment_method", "replace_payment_method"):
        assert Client().post(at(name, method)).status_code == 302
    assert Client().get(at("payment_methods")).status_code == 302
    assert states() == {"card-1": "usable"}


def test_an_account_of_another_issuer_cannot_be_named(client, member):
    ProviderAccountFactory(provider="pages", slug="theirs")
    response = add(client, member, way="pages/theirs")
    assert (response.status_code, PaymentSession.objects.count()) == (302, 0)
    assert add(client, member, customer="x").status_code == 404


def test_a_stored_visit_of_somebody_else_says_nothing(client, member):
    add(client, member)
    address = client.get(session_url(opened()))["Location"]
    other = Client()
    other.force_login(UserFactory())
    assert other.get(address).context["outcome"] is None


# -- in step with the provider ---------------------------------------------------------------------------------------


def test_a_renewed_card_gets_its_new_expiry(member):
    method = member.method(expires_on=date(2026, 4, 30))
    KEPT["cus_1"] = [
        StoredMethod(reference="card-1", kind="card", label="Visa new", expires_on=date(2029, 4, 30))
    ]
    assert sync_methods(member.payer)
    method.refresh_from_db()
    assert (method.expires_on, method.label, method.is_default) == (date(2029, 4, 30), "Visa new", True)


@pytest.mark.parametrize(
    "gone", [[], [StoredMethod(reference="card-1", kind="card", usable=False, reason="inactive")]]
)
def test_what_the_provider_revoked_is_not_charged_and_the_next_one_is(member, gone):
    kept = member.method("card-0")
    revoked = member.method("card-1")
    KEPT["cus_1"] = [StoredMethod(reference="card-0", kind="card", label="Visa card-0"), *gone]
    sync_methods(member.payer)
    revoked.refresh_from_db()
    assert (revoked.state, revoked.revoked_by) == ("revoked", "provider")
    assert revoked.state_reason == ("inactive" if gone else "The payment service does not keep it any more.")
    assert default_of(member.customer) == kept.reference


def test_what_the_provider_brings_back_is_used_again_but_not_what_the_member_removed(client, member):
    member.method("card-0")
    removed = member.method("card-1")
    address = at("remove_payment_method", removed)
    client.post(address, {"seen": client.get(address).context["seen"]})
    before = KEPT.pop("cus_1")
    sync_methods(member.payer)
    assert states() == {"card-0": "revoked", "card-1": "revoked"}
    KEPT["cus_1"] = before
    with clock.frozen(NOON + timedelta(hours=1)):
        sync_methods(member.payer)
    assert states() == {"card-0": "usable", "card-1": "revoked"}
    assert default_of(member.customer) == "card-0"


def test_what_is_not_stored_for_us_is_left_alone(member):
    member.method("card-0")
    KEPT["cus_1"].append(StoredMethod(reference="other-shop", kind="card"))
    sync_methods(member.payer)
    assert states() == {"card-0": "usable"}


def test_a_mandate_that_comes_days_after_the_page_is_taken_over(client, member):
    add(client, member)
    session = opened()
    pay(session.reference, method=None)
    client.get(session_url(session))
    assert states() == {}
    KEPT[Payer.objects.get().reference] = [
        StoredMethod(reference="mdt-1", kind="sepa_debit", label="DE •••• 2051")
    ]
    with clock.frozen(NOON + timedelta(days=2)):
        sync_methods(session.payer)
    assert (states(), default_of(member.customer)) == ({"mdt-1": "usable"}, "mdt-1")


def test_older_news_do_not_undo_newer_ones(member):
    member.method()
    take_methods_news(payer_id=member.payer.pk, stored=KEPT["cus_1"], asked_at=NOON)
    take_methods_news(payer_id=member.payer.pk, stored=[], asked_at=NOON - timedelta(minutes=1))
    assert states() == {"card-1": "usable"}


@pytest.mark.parametrize("named", ["cus_1", "card-1", "the key"])
def test_a_webhook_that_names_payer_or_method_brings_it_up_to_date(member, named):
    member.method()
    KEPT["cus_1"] = []
    reference = member.payer.name_at_provider if named == "the key" else named
    tell(member.account, reference)
    assert states() == {"card-1": "revoked"}


def test_a_webhook_of_another_account_revokes_nothing(member):
    member.method()
    KEPT["cus_1"] = []
    tell(ProviderAccountFactory(provider="pages", slug="other"), "cus_1")
    assert states() == {"card-1": "usable"}


def tell(account, reference) -> None:
    address = reverse("cms_billing:account_webhook", args=["pages", account.slug])
    answer = Client().post(address, reference, content_type="text/plain", headers={"X-Signed": "yes"})
    assert answer.status_code == 200
    outbox.drain(WebhookEvent, now=clock.now())


# -- the desk --------------------------------------------------------------------------------------------------------


def test_editors_see_methods_with_state_and_reason(admin_client, member):
    member.method("card-0")
    member.method("card-1")
    KEPT["cus_1"] = [
        StoredMethod(reference="card-1", kind="card", label="Visa card-1", expires_on=date(2027, 3, 31))
    ]
    address = reverse("billing-customer:inspect", args=[member.customer.pk])
    admin_client.post(reverse("billing-payment:sync_methods", args=[member.customer.pk]))
    text = text_of(admin_client.get(address))
    for shown in (
        "Visa card-0",
        "does not keep it any more",
        "usable, default",
        "03/27",
        "Update payment methods",
    ):
        assert shown in text


def test_a_silent_provider_is_told_to_the_editor(admin_client, member, monkeypatch):
    member.method()

    def down(*_args, **_kwargs):
        raise ProviderDown("Pages does not answer.")

    monkeypatch.setattr("tests.payments.page_provider.PageFake.methods_of", down)
    response = admin_client.post(reverse("billing-payment:sync_methods", args=[member.customer.pk]))
    assert "Pages does not answer." in text_of(response)
    assert states() == {"card-1": "usable"}


def test_updating_needs_the_permission(client, member):
    member.method()
    response = client.post(reverse("billing-payment:sync_methods", args=[member.customer.pk]))
    assert response.status_code == 302


def test_methods_without_account_are_shown_too(client, member):
    PaymentMethodFactory(customer=member.customer, label="Old card")
    text = text_of(client.get(at("payment_methods")))
    assert "Old card" in text
