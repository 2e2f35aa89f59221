"""What the demo sells, and its history in small."""

from datetime import date, timedelta

import pytest
from oscar.core.loading import get_model

from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Document, OpenItem
from sandbox import settings as sandbox_settings
from sandbox.site.demo import billing, books, papers
from sandbox.site.demo.billing import Story

pytestmark = pytest.mark.usefixtures("demo")

MEMBERS_ARTICLE = "/magazin/mitglieder/zehn-minuten-am-tag/"
BODY_OF_IT = "Die Gitarre muss draußen stehen"
COURSE = "/kurse/songwriting-in-sechs-wochen/"


def test_a_guest_reads_the_teaser_of_a_members_article_and_sees_what_opens_it(client):
    page = client.get(MEMBERS_ARTICLE).content.decode()

    assert "findet selten eine freie Stunde" in page
    assert "Mitgliedschaft monatlich" in page
    assert BODY_OF_IT not in page


@pytest.mark.parametrize(
    "address", ["/magazin/", "/magazin/der-kapodaster-ist-kein-schummeln/", COURSE + "auftakt/", "/agb/"]
)
def test_what_is_free_stays_open_to_guests(client, address):
    assert "paywall-offers" not in client.get(address).content.decode()


def test_the_course_shows_guests_its_lessons_titles_but_not_their_text(client):
    course = client.get(COURSE).content.decode()
    lesson = client.get(COURSE + "woche-3-der-refrain/").content.decode()

    assert "Woche 6: Überarbeiten und vorspielen" in course
    assert "paywall-offers" in course
    assert "Drei Türen" not in lesson


def test_a_member_who_has_signed_reads_the_article(client, sign_up):
    sign_up(Story("mitglied", "monat", 0))

    assert BODY_OF_IT in client.get(MEMBERS_ARTICLE).content.decode()


def test_one_article_shows_its_beginning_in_place_of_a_teaser(client):
    page = client.get("/magazin/mitglieder/reime-die-keine-sein-wollen/").content.decode()

    assert "Warum Reime überhaupt wirken" in page
    assert "Mitgliedschaft monatlich" in page
    assert "Der Werkzeugkasten" not in page


def test_an_open_article_has_an_exercise_for_members_and_an_invitation_for_guests(client, sign_up):
    address = "/magazin/der-kapodaster-ist-kein-schummeln/"
    exercise, invitation = "drei Lagen an einem Abend", "Mitglieder finden an dieser Stelle"
    guest = client.get(address).content.decode()
    sign_up(Story("mitglied", "monat", 0))
    member = client.get(address).content.decode()

    assert (exercise in guest, invitation in guest) == (False, True)
    assert (exercise in member, invitation in member) == (True, False)


@pytest.fixture
def sign_up(client):
    def sign(story: Story) -> None:
        from cms_billing.core import clock

        billing.sign(story, clock.today())
        client.force_login(billing.account(story.username))

    return sign


def test_every_story_is_told_by_a_known_account_and_plan():
    for story in billing.STORIES:
        assert billing.person_named(story.username).street
        assert billing.plan_named(story.plan)
        assert story.days_ago <= billing.DAYS


@pytest.fixture
def three_weeks(monkeypatch) -> list[str]:
    """22 days of one who pays after six days and one who never does."""
    monkeypatch.setattr(billing, "DAYS", 22)
    monkeypatch.setattr(
        billing, "STORIES", [Story("mitglied", "monat", 22), Story("gesperrt", "monat", 22, unpaid_from=1)]
    )
    monkeypatch.setattr(books, "ORDERS", [])
    monkeypatch.setattr(papers, "PAPERS", {})
    lines: list[str] = []
    billing.live_through(from_day=date(2026, 2, 1), report=lines.append)
    return lines


def test_the_days_lived_through_leave_a_paid_invoice_and_a_reminded_one(three_weeks):
    paid, owed = Document.objects.filter(kind="invoice").order_by("pk")

    assert OpenItem.objects.get(document=paid).settled_on == date(2026, 2, 7)
    assert OpenItem.objects.get(document=owed).open_minor == 990
    assert [(case.document_id, case.level) for case in Case.objects.all()] == [(owed.pk, 1)]
    assert three_weeks[-1].endswith("23 Tage, 2 Rechnungen, 1 Mahnungen")


def test_a_history_that_was_finished_counts_as_loaded_and_is_not_lived_twice(three_weeks):
    before = Document.objects.count()

    assert billing.billing_is_loaded()
    billing.live_through(from_day=billing.first_day(), report=lambda line: None)
    assert Document.objects.count() == before


def test_a_book_that_was_sent_back_is_in_stock_again_and_refunded(monkeypatch, settings):
    monkeypatch.setattr(get_model("order", "Order"), "pipeline", sandbox_settings.OSCAR_ORDER_STATUS_PIPELINE)
    settings.OSCAR_INITIAL_ORDER_STATUS = sandbox_settings.OSCAR_INITIAL_ORDER_STATUS
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SHIPPED_ORDER_STATUS": "Versendet"}
    monkeypatch.setattr(billing, "DAYS", 20)
    monkeypatch.setattr(billing, "STORIES", [Story("schuster", "jahr", 20)])
    order = books.BookOrder(
        "schuster", 18, {"BUCH-LIEDER": 1, "BUCH-GRIFFE": 2}, sent_back={"BUCH-GRIFFE": 1}
    )
    monkeypatch.setattr(books, "ORDERS", [order])
    monkeypatch.setattr(papers, "PAPERS", {})
    billing.live_through(from_day=date(2026, 2, 1), report=lambda line: None)
    stock = {
        record.product.upc: record.num_in_stock
        for record in get_model("partner", "StockRecord").objects.select_related("product")
    }
    assert (stock["BUCH-LIEDER"], stock["BUCH-GRIFFE"]) == (39, 11)
    assert [item.open_minor for item in OpenItem.objects.all()] == [0] * OpenItem.objects.count()
    written = Document.objects.filter(kind__in=["credit_note", "refund_receipt"]).order_by("pk")
    assert [paper.kind for paper in written] == ["credit_note", "refund_receipt"]
    assert written[0].gross_minor == -1295
    billing.live_through(from_day=date(2026, 2, 1), report=lambda line: None)
    assert written.count() == 2


def test_papers_written_by_hand_are_written_once_and_add_up():
    """Every story of ``papers``, with those who owe something by the time it is told."""
    today = date(2026, 3, 31)
    academy = billing.Issuer.objects.get(name=billing.ACADEMY)
    for username in ("kowalski", "jaekel", "freitag", "petersen", "brandt", "gruber"):
        billing.customer_of(username, academy)

    for _ in range(2):
        for days_ago in range(max(papers.PAPERS), -1, -1):
            papers.live_with_papers(academy, today - timedelta(days=days_ago), last_day=today)

    written = (
        Document.objects.filter(issuer=academy).order_by("pk").values_list("kind", "state", "gross_minor")
    )
    assert list(written) == [
        ("invoice", "issued", 20000),
        ("invoice", "issued", 27000),
        ("cancellation", "issued", -27000),
        ("invoice", "issued", 22500),
        ("invoice", "issued", 44000),
        ("pro_forma", "issued", 89000),
        ("invoice", "issued", 89000),
        ("invoice", "issued", 2400),
        ("account_statement", "issued", 0),
        ("invoice", "draft", 3500),
    ]
    assert OpenItem.objects.get(document__lines__description=papers.FOLDER).open_minor == 0
