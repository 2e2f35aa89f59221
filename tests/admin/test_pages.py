"""Who sees which page, and that a neighbour issuer's rows exist on none of them."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
import wagtail
from django import forms
from django.urls import NoReverseMatch, reverse

import cms_billing
from cms_billing.faktura.models import TaxRate

from .conftest import Business

pytestmark = pytest.mark.django_db

LISTS = [
    "billing-customer:index",
    "billing-document:index",
    "billing-delivery:index",
    "billing-payment:index",
    "billing-refund:index",
    "billing-paymentsession:index",
    "billing-webhookevent:index",
    "billing-payout:index",
    "billing-providerdifference:index",
    "billing-comparison:index",
    "billing-provideraccount:index",
    "billing-refusalrule:index",
    "billing-retrypolicy:index",
    "billing-stray-payment:index",
    "billing-stockmovement:index",
    "billing-contract:index",
    "billing-plan:index",
    "billing-issuer:index",
    "billing-numberseries:index",
    "billing-mailtext:index",
    "billing-documenttext:index",
    "billing-taxrate:index",
    "billing-dailyrun:index",
    "billing-dunning-hold:index",
]
FORMS = [
    "billing-customer:add",
    "billing-plan:add",
    "billing-issuer:add",
    "billing-numberseries:add",
    "billing-mailtext:add",
    "billing-documenttext:add",
    "billing-provideraccount:add",
    "billing-refusalrule:add",
    "billing-retrypolicy:add",
    "billing-taxrate:add",
    "billing-contract:new",
    "billing_start_run",
]
OTHERS = ["billing_todo", "billing_failed_work", "billing_preview"]

# Address and the row it is about.
READING = [
    ("billing-customer:inspect", "customer"),
    ("billing-customer:history", "customer"),
    ("billing-document:inspect", "open"),
    ("billing-document:history", "open"),
    ("billing-delivery:inspect", "failed"),
    ("billing-delivery:history", "failed"),
    ("billing-payment:inspect", "payment"),
    ("billing-payment:history", "payment"),
    ("billing-contract:inspect", "contract"),
    ("billing-contract:history", "contract"),
    ("billing-plan:inspect", "plan"),
    ("billing-plan:history", "plan"),
    ("billing-issuer:inspect", "issuer"),
    ("billing-issuer:history", "issuer"),
    ("billing-numberseries:history", "series"),
    ("billing-mailtext:history", "mail_text"),
    ("billing-documenttext:history", "document_text"),
    ("billing-dailyrun:inspect", "run"),
    ("billing_progress", "run"),
]
WRITING = [
    ("billing-customer:edit", "customer"),
    ("billing-customer:delete", "customer"),
    ("billing-dunning-hold:for_customer", "customer"),
    ("billing-dunning-hold:for_document", "open"),
    ("billing-document:cancel", "open"),
    ("billing-document:send_again", "open"),
    ("billing-delivery:elsewhere", "failed"),
    ("billing-payment:record", "customer"),
    ("billing-payment:record_for_document", "open"),
    ("billing-payment:charge_back", "payment"),
    ("billing-contract:sign", "customer"),
    ("billing-contract:terminate", "contract"),
    ("billing-plan:edit", "plan"),
    ("billing-plan:delete", "plan"),
    ("billing-issuer:edit", "issuer"),
    ("billing-issuer:delete", "issuer"),
    ("billing-numberseries:edit", "series"),
    ("billing-numberseries:delete", "series"),
    ("billing-mailtext:edit", "mail_text"),
    ("billing-mailtext:delete", "mail_text"),
    ("billing-documenttext:edit", "document_text"),
    ("billing-documenttext:delete", "document_text"),
]


def address(name: str, business: Business, row: str) -> str:
    return reverse(name, args=[getattr(business, row).pk])


def statuses(client, addresses) -> dict[str, int]:
    return {url: client.get(url).status_code for url in addresses}


def rows_of(business: Business, pages) -> list[str]:
    return [address(name, business, row) for name, row in pages]


def plain(names) -> list[str]:
    return [reverse(name) for name in names]


def refused(client, addresses) -> list[str]:
    """Wagtail answers a missing permission with its home page and a message."""
    home = reverse("wagtailadmin_home")
    return [url for url in addresses if getattr(client.get(url), "url", None) == home]


def test_accountant_sees_every_page(accountant, ours):
    found = statuses(accountant, plain(LISTS + FORMS + OTHERS) + rows_of(ours, READING + WRITING))
    assert {url: status for url, status in found.items() if status != 200} == {}


def test_neighbours_rows_exist_on_no_page(accountant, ours, theirs):
    pages = rows_of(theirs, READING + WRITING)
    assert {url: status for url, status in statuses(accountant, pages).items() if status != 404} == {}


def test_neighbours_rows_take_no_form(accountant, ours, theirs):
    for url in rows_of(theirs, WRITING):
        assert accountant.post(url, {}).status_code == 404, url


def test_lists_end_at_the_own_issuer(accountant, ours, theirs):
    for url in plain([name for name in LISTS if name != "billing-taxrate:index"] + OTHERS):
        page = accountant.get(url).content.decode()
        assert "theirs" not in page.lower(), url


def test_auditor_reads_everything(auditor, ours):
    found = statuses(auditor, plain(LISTS + OTHERS) + rows_of(ours, READING))
    assert {url: status for url, status in found.items() if status != 200} == {}


def test_auditor_writes_nothing(auditor, ours):
    pages = plain(FORMS) + rows_of(ours, WRITING)
    assert refused(auditor, pages) == pages
    for url in rows_of(ours, WRITING):
        assert auditor.post(url, {}).status_code == 302


def test_stranger_to_billing_sees_nothing(stranger, ours):
    pages = plain(LISTS + FORMS + OTHERS)
    assert refused(stranger, pages) == pages
    found = statuses(stranger, rows_of(ours, READING + WRITING))
    assert set(found.values()) <= {302, 404}


def test_stranger_has_no_billing_menu(stranger, accountant):
    assert '"name": "billing"' not in stranger.get(reverse("wagtailadmin_home")).content.decode()
    assert "billing" in accountant.get(reverse("wagtailadmin_home")).content.decode()


@pytest.mark.parametrize("name", ["edit", "delete", "add", "copy", "usage"])
@pytest.mark.parametrize(
    "namespace", ["billing-document", "billing-payment", "billing-contract", "billing-dailyrun"]
)
def test_frozen_and_derived_rows_have_no_form(namespace, name):
    with pytest.raises(NoReverseMatch):
        reverse(f"{namespace}:{name}", args=[1])


def test_guest_is_sent_to_the_login(client):
    answer = client.get(reverse("billing-document:index"))
    assert answer.status_code == 302
    assert "login" in answer.url


def test_editor_may_not_touch_numbers_money_and_company_data(editor, ours):
    assert editor.get(reverse("billing-customer:edit", args=[ours.customer.pk])).status_code == 200
    pages = rows_of(
        ours,
        [
            ("billing-issuer:edit", "issuer"),
            ("billing-numberseries:edit", "series"),
            ("billing-payment:record_for_document", "open"),
            ("billing-document:cancel", "open"),
        ],
    )
    assert refused(editor, pages) == pages


def test_tax_rates_belong_to_all(accountant):
    rate = TaxRate.objects.first()
    assert accountant.get(reverse("billing-taxrate:edit", args=[rate.pk])).status_code == 200


def test_every_icon_named_in_the_package_is_one_of_wagtails():
    """An unknown name makes an empty button."""
    root = Path(cms_billing.__file__).parent
    known = {icon.stem for icon in Path(wagtail.__file__).parent.rglob("wagtailadmin/icons/*.svg")}
    named = re.compile(r'''(?:\bicon(?:_name)? ?= ?|"billing-[\w-]+:\w+",\s*)"([a-z][a-z0-9-]*)"''')
    files = [*root.rglob("*.py"), *root.glob("*/templates/**/*.html")]
    used = {(name, file.name) for file in files for name in named.findall(file.read_text())}
    assert len(used) > 50
    assert [(name, file) for name, file in sorted(used) if name not in known] == []


def test_a_list_without_search_shows_no_form_of_a_context_processor(accountant, settings):
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["OPTIONS"]["context_processors"].append(f"{__name__}.search_form")
    settings.TEMPLATES = templates
    page = accountant.get(reverse("billing-invoicerun:index"))
    assert page.context["search_form"] is None


def search_form(request):
    return {"search_form": forms.Form()}
