"""A closed page as each kind of visitor gets it: members in arrears at each level, and every visitor that an editor may
look as; on a desktop and on a telephone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from wagtail.models import Site

from cms_billing.core import clock
from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Document
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.memberships.services import book_next_due
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.terms import Preview, RuleTerms
from cms_billing.testing.factories import CustomerFactory, PlanFactory, UserFactory, signed_contract
from sandbox.site.models import ArticlePage, MagazineIndexPage

from .conftest import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OPENING = "Der Anfang ist für alle da."
SECRET = "Zehn Minuten reichen, wenn man sie wirklich hat."


@pytest.fixture
def article(live_server) -> ArticlePage:
    cache.clear()
    home = Site.objects.get(is_default_site=True).root_page
    section = home.add_child(instance=MagazineIndexPage(title="Magazin", slug="magazin"))
    body = [("text", f"<p>{OPENING}</p>"), ("text", f"<p>{SECRET}</p>")]
    article = section.add_child(
        instance=ArticlePage(
            title="Zehn Minuten", slug="zehn", author="Hanne", intro="<p>Wie ein Lied wird.</p>", body=body
        )
    )
    terms = RuleTerms(
        closes_at=2, quota=2, gifts=1, opens_after_days=7, preview=Preview.BLOCKS, preview_amount=1
    )
    set_rule(page=section, plans=[PlanFactory(name="Mitgliedschaft")], terms=terms)
    return article


@pytest.fixture(params=[("desktop", DESKTOP), ("phone", PHONE)], ids=["desktop", "phone"])
def window_of(request, open_window, client, live_server):
    """``window_of(user)``: theirs, logged in; ``kind`` is for the screenshots."""
    kind, size = request.param

    def open_for(user):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        window = open_window(**size)
        session = client.cookies["sessionid"].value
        window.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        window.kind = kind
        return window

    return open_for


def member_in_arrears(article: ArticlePage, level: int):
    """A member for two months, whose first invoice has come to this reminder."""
    today = clock.today()
    plan = article.get_parent().paywall_rules.get().plans.get()
    user = UserFactory(first_name="Klara", last_name="Voss")
    contract = signed_contract(
        plan=plan,
        customer=CustomerFactory(issuer=plan.issuer, user=user, language="de"),
        start=today - timedelta(days=65),
        today=today,
    )
    book_next_due(issuer=plan.issuer, today=today)
    issue_next_invoices(issuer=plan.issuer, today=today)
    invoice = Document.objects.filter(lines__contract_reference=contract.number).order_by("pk")[0]
    Case.objects.create(
        issuer=plan.issuer,
        customer=contract.customer,
        document=invoice,
        level=level,
        opened_on=today - timedelta(days=30),
        waiting_since=today - timedelta(days=5),
        last_letter_on=today - timedelta(days=5),
    )
    return user, invoice


@pytest.mark.parametrize("level", [1, 2, 3])
def test_levels_of_arrears(article, level, window_of, screenshot):
    user, invoice = member_in_arrears(article, level)
    window = window_of(user)
    answer = window.goto(article.url)
    screenshot(window, f"visitors-arrears-{level}-{window.kind}")
    is_closed = level >= 2
    assert answer.status == (402 if is_closed else 200)
    assert (SECRET in window.content()) is not is_closed
    if is_closed:
        assert invoice.number in window.inner_text("main")
        window.get_by_role("link", name="bezahlen").first.wait_for()
    assert window.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_editors_look_at_the_page_as_each_visitor(article, window_of, screenshot):
    window = window_of(UserFactory(is_superuser=True, is_staff=True))
    window.goto(f"/admin/billing-paywall/pages/{article.pk}/view-as/")
    shown = {}
    for label in window.locator(".billing-visitors a").all_inner_texts():
        window.locator(".billing-visitors").get_by_role("link", name=label, exact=True).click()
        window.locator("[aria-current=page]", has_text=label).wait_for()
        frame = window.frame_locator(".billing-frame")
        frame.get_by_text("Zehn Minuten").first.wait_for()
        text = frame.locator("body").inner_text()
        shown[label] = (OPENING in text, SECRET in text)
        sentence = window.locator("section .help-block").first.inner_text()
        # What the editor is told and what the visitor gets are one decision.
        assert ("Open" in sentence.split(" ")[0]) is (SECRET in text), (label, sentence)
        if "reminder 2" in label:
            assert "Mahnstufe 2" in text
            assert "Mahnstufe 3" not in text
        screenshot(window, f"visitors-{len(shown):02}-{window.kind}")
    everything, beginning, nothing = (True, True), (True, False), (False, False)
    assert shown == {
        "Guest": beginning,
        "Logged in, without a plan": beginning,
        "Member: Mitgliedschaft": everything,
        "Member in arrears, reminder 1": everything,
        "Member in arrears, reminder 2": nothing,
        "Member in arrears, reminder 3": nothing,
        "Locked member": nothing,
        "Former member: withdrawn or ended": beginning,
        "Member whose contract starts in two weeks": beginning,
        "Member since today": beginning,
        "Guest with a free page": everything,
        "Guest without any free page left": beginning,
        "Guest with a gift link": everything,
    }
