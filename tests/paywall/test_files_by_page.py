"""Files of closed collections for who reads a page without a contract: a gift, a free page, days that are free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core import signing
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from wagtail.images.views.serve import generate_image_url
from wagtail.models import PageViewRestriction, ReferenceIndex

from cms_billing.core import clock
from cms_billing.memberships.models import Contract
from cms_billing.paywall.files.by_page import is_shown_free
from cms_billing.paywall.files.links import signed_url
from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.paywall.models import GiftLink
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.sharing import cookies, services
from cms_billing.paywall.terms import RuleTerms
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import StoryPage

from .conftest import TODAY, Magazine, client_of, in_dunning, member
from .files import TEXT, Library, new_collection, new_document, new_image, sent
from .test_gifts import FOLLOWS, NOW

pytestmark = pytest.mark.django_db
GENEROUS = RuleTerms(quota=2, gifts=2)


@dataclass
class Illustrated:
    """``story`` in the closed magazine shows the library's image and links its document; ``other`` does neither."""

    magazine: Magazine
    library: Library
    story: StoryPage
    other: StoryPage

    @property
    def urls(self) -> list[str]:
        image, document = self.library.image, self.library.document
        rendition = image.get_rendition("width-20")
        return [document.url, document.file.url, image.file.url, rendition.url]


def text_with(library: Library) -> str:
    image = f'<embed embedtype="image" id="{library.image.pk}" format="left" alt="A chord"/>'
    return f'<p>{image}<a linktype="document" id="{library.document.pk}">The handbook</a></p>'


def new_story(magazine: Magazine, slug: str, text: str = "") -> StoryPage:
    story = StoryPage(title=slug.title(), slug=slug, intro="x", body=[("text", text)] if text else [])
    return magazine.section.add_child(instance=story)


@pytest.fixture
def illustrated(magazine, monkeypatch) -> Illustrated:
    monkeypatch.setattr(transaction, "on_commit", lambda then, using=None, robust=False: then())
    set_rule(page=magazine.section, plans=[magazine.plan], terms=GENEROUS)
    collection = new_collection()
    set_collection_rule(collection=collection, plans=[magazine.plan])
    library = Library(collection, new_document(collection), new_image(collection), magazine.plan)
    story = new_story(magazine, "chords", text_with(library))
    return Illustrated(magazine, library, story, new_story(magazine, "frets"))


def read_free(client: Client, page: Any) -> Client:
    client.post(reverse("cms_billing:read_free", args=[page.pk]), headers={"Sec-Fetch-Site": "same-origin"})
    return client


def gifted(giver: Any, page: Any, client: Client | None = None) -> Client:
    client = client or Client()
    _link, token = services.create_gift(giver=giver, page=page, today=TODAY, now=NOW)
    client.get(reverse("cms_billing:open_gift", args=[token]), **FOLLOWS)
    return client


@pytest.fixture
def giver(illustrated) -> Any:
    return member(illustrated.magazine.plan)[0]


def gets(client: Client, urls: list[str]) -> set[bool]:
    """Does it get these files? Where a document's address leads to its file, there."""
    found = set()
    for url in urls:
        response = client.get(url)
        if response.status_code == 302 and response["Location"].startswith("/billing/files/"):
            response = client.get(response["Location"])
        assert response["Cache-Control"] == "private, no-store", url
        found.add(response.status_code == 200)
    return found


# -- what a pass opens --------------------------------------------------------------------------------------------


def test_a_gift_opens_the_files_of_its_page_in_that_browser_only(illustrated, giver):
    reader = gifted(giver, illustrated.story)

    assert gets(reader, illustrated.urls) == {True}
    assert sent(reader.get(illustrated.library.document.file.url)) == TEXT
    assert gets(Client(), illustrated.urls) == {False}


def test_a_free_page_opens_its_files_to_a_guest(illustrated):
    assert gets(read_free(Client(), illustrated.story), illustrated.urls) == {True}


def test_a_free_page_opens_its_files_to_a_user_on_every_device(illustrated):
    user = UserFactory()
    read_free(client_of(user), illustrated.story)

    assert gets(client_of(user), illustrated.urls) == {True}
    assert gets(client_of(UserFactory()), illustrated.urls) == {False}


def test_what_a_guest_has_read_free_stays_open_after_the_login(illustrated):
    client = read_free(Client(), illustrated.story)
    client.force_login(UserFactory(), backend="django.contrib.auth.backends.ModelBackend")

    assert gets(client, illustrated.urls) == {True}


def test_images_scaled_on_demand_and_ranges_come_along(illustrated, giver):
    url = generate_image_url(illustrated.library.image, "width-10")
    reader = gifted(giver, illustrated.story)

    assert reader.get(url).status_code == 200
    assert Client().get(url).status_code == 403
    document = illustrated.library.document.file.url
    part = reader.get(document, headers={"Range": "bytes=0-9"})
    assert (part.status_code, sent(part)) == (206, TEXT[:10])
    assert reader.head(document)["Cache-Control"] == "private, no-store"


def test_pages_stay_in_caches_for_who_has_a_pass(illustrated, giver):
    """The cookies go to the page and to the doors of files, and nowhere else."""
    answers = [
        read_free(Client(), illustrated.story).cookies,
        gifted(giver, illustrated.story).cookies,
    ]
    for given in answers:
        paths = {morsel["path"] for morsel in given.values()}
        assert {"/billing/files/", "/documents/", "/images/", illustrated.story.url} < paths
        assert "/" not in paths
        assert all(morsel["httponly"] and morsel["samesite"] == "Lax" for morsel in given.values())


# -- and what it does not -----------------------------------------------------------------------------------------


def test_no_other_file_is_opened(illustrated, giver):
    """Of the same collection: one that no page shows, one that only the page beside shows."""
    library = illustrated.library
    unused, beside = new_document(library.collection, "unused.pdf"), new_image(library.collection, "b.png")
    new_story(
        illustrated.magazine, "beside", text_with(Library(library.collection, unused, beside, library.plan))
    )
    stray = new_document(library.collection, "stray.pdf")
    urls = [file.file.url for file in (unused, beside, stray)] + [unused.url, stray.url]

    for reader in (gifted(giver, illustrated.story), read_free(Client(), illustrated.story)):
        assert gets(reader, urls) == {False}
        assert gets(reader, illustrated.urls) == {True}


def test_a_page_that_does_not_show_them_opens_none(illustrated, giver):
    for reader in (gifted(giver, illustrated.other), read_free(Client(), illustrated.other)):
        assert gets(reader, illustrated.urls) == {False}


def test_a_document_with_the_number_of_the_image_stays_closed(illustrated, giver):
    """References name kind and number."""
    library = illustrated.library
    story = new_story(
        illustrated.magazine,
        "solo",
        f'<p><embed embedtype="image" id="{library.image.pk}" format="left" alt=""/></p>',
    )
    document = library.document
    type(document).objects.filter(pk=document.pk).update(id=library.image.pk)
    document = type(document).objects.get()
    reader = gifted(giver, story)

    assert gets(reader, [library.image.file.url]) == {True}
    assert gets(reader, [document.url, document.file.url]) == {False}


def test_what_only_a_draft_shows_stays_closed(illustrated, giver):
    library = illustrated.library
    page = StoryPage.objects.get(pk=illustrated.other.pk)
    page.body = [("text", text_with(library))]
    page.save_revision()
    reader = gifted(giver, illustrated.other)
    assert gets(reader, illustrated.urls) == {False}

    page.get_latest_revision().publish()
    assert gets(reader, illustrated.urls) == {True}

    page.refresh_from_db()
    page.body = []
    page.save_revision().publish()
    assert gets(reader, illustrated.urls) == {False}


def test_files_that_the_pages_members_do_not_have_stay_closed(illustrated, giver):
    """A page for members shows a bonus of another plan: a pass stands in for a contract of the page's plans only."""
    set_collection_rule(collection=illustrated.library.collection, plans=[PlanFactory(name="Bonus")])

    for reader in (gifted(giver, illustrated.story), read_free(Client(), illustrated.story)):
        assert gets(reader, illustrated.urls) == {False}


def test_a_gift_gives_what_its_giver_has(illustrated, giver):
    """Two plans open the page, one of them its files; the giver has the other."""
    with_files = PlanFactory(issuer=illustrated.magazine.plan.issuer)
    plans = [illustrated.magazine.plan, with_files]
    set_rule(page=illustrated.magazine.section, plans=plans, terms=GENEROUS)
    set_collection_rule(collection=illustrated.library.collection, plans=[with_files])

    assert gets(gifted(giver, illustrated.story), illustrated.urls) == {False}
    richer, _contract = member(with_files)
    assert gets(gifted(richer, illustrated.story), illustrated.urls) == {True}


def test_the_index_of_references_missing_opens_nothing(illustrated, giver):
    reader = gifted(giver, illustrated.story)
    ReferenceIndex.objects.all().delete()

    assert gets(reader, illustrated.urls) == {False}


def test_passes_do_not_reach_signed_links(illustrated, giver):
    """They stand for a person's login, and that person has no plan."""
    reader = gifted(giver, illustrated.story)

    assert reader.get(signed_url(illustrated.library.document, user=UserFactory())).status_code == 403


# -- for how long -------------------------------------------------------------------------------------------------


def test_files_close_with_the_gift(illustrated, giver):
    reader = gifted(giver, illustrated.story)
    link = GiftLink.objects.get()
    day_after = datetime.combine(link.expires_on, datetime.min.time(), UTC).replace(hour=9)

    with clock.frozen(day_after):
        assert gets(reader, illustrated.urls) == {True}
    with clock.frozen(day_after + services.ONE_DAY):
        assert gets(reader, illustrated.urls) == {False}

    services.revoke_gift(link=link, user=giver, now=NOW)
    assert gets(reader, illustrated.urls) == {False}


def test_files_sleep_and_wake_with_the_giver(illustrated, giver):
    reader = gifted(giver, illustrated.story)
    case = in_dunning(Contract.objects.get(), level=3, locked=True)
    assert gets(reader, illustrated.urls) == {False}

    case.delete()
    assert gets(reader, illustrated.urls) == {True}


def test_files_close_with_the_month(illustrated):
    user = UserFactory()
    readers = [read_free(Client(), illustrated.story), read_free(client_of(user), illustrated.story)]

    with clock.frozen(datetime(2026, 4, 1, 9, 0, tzinfo=UTC)):
        for reader in readers:
            assert gets(reader, illustrated.urls) == {False}


def test_files_close_when_the_rule_grants_no_free_pages_any_more(illustrated):
    reader = read_free(Client(), illustrated.story)
    set_rule(page=illustrated.magazine.section, plans=[illustrated.magazine.plan])

    assert gets(reader, illustrated.urls) == {False}


def test_files_close_when_the_page_is_taken_offline_or_kept_private(illustrated, giver):
    reader = gifted(giver, illustrated.story)
    restriction = PageViewRestriction.objects.create(
        page=illustrated.magazine.section, restriction_type=PageViewRestriction.LOGIN
    )
    assert gets(reader, illustrated.urls) == {False}
    restriction.delete()
    assert gets(reader, illustrated.urls) == {True}

    illustrated.story.unpublish()
    assert gets(reader, illustrated.urls) == {False}


def test_a_locked_member_reads_no_file_by_a_gift(illustrated, giver):
    """A gift stands in for a contract; it does not pay what is owed."""
    user, contract = member(illustrated.magazine.plan)
    reader = gifted(giver, illustrated.story)
    reader.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    in_dunning(contract, level=3, locked=True)

    assert reader.get(illustrated.library.image.file.url).status_code == 402


# -- attacks ------------------------------------------------------------------------------------------------------


def names_of(client: Client) -> dict[str, str]:
    return {name: morsel.value for name, morsel in client.cookies.items()}


def test_no_cookie_is_worth_anything_under_another_name(illustrated, giver):
    """Neither a page's at a file, nor one page's as another's, nor a free read's as a gift."""
    elsewhere = {
        **names_of(gifted(giver, illustrated.other)),
        **names_of(read_free(Client(), illustrated.other)),
    }
    here = {
        name: value
        for name, value in {
            **names_of(gifted(giver, illustrated.story)),
            **names_of(read_free(Client(), illustrated.story)),
        }.items()
        if "_at_" not in name
    }
    assert len(elsewhere) >= 8
    assert len(here) >= 3
    wanted = [cookies.GIFT_AT % (illustrated.story.pk, door) for door in cookies.DOORS]
    for value in (*elsewhere.values(), *here.values()):
        thief = Client()
        for name in (*wanted, *(cookies.FREE_AT % door for door in cookies.DOORS), "sessionid"):
            if names_of(thief).get(name) is None and elsewhere.get(name) != value:
                thief.cookies[name] = value
        assert gets(thief, illustrated.urls) == {False}


def test_altered_and_forged_cookies_open_nothing(illustrated, giver):
    name = cookies.GIFT_AT % (illustrated.story.pk, "files")
    real = names_of(gifted(giver, illustrated.story))[name]
    link = real.split(":")[0]
    forged = signing.Signer(key="another", salt=f"{cookies.SALT}.{name}").sign(link)
    for value in (forged, real[:-1], real.swapcase(), link, real + "x", f"0{real}", "1", ""):
        thief = Client()
        thief.cookies[name] = value
        assert thief.get(illustrated.library.image.file.url).status_code == 403, value
    thief = Client()
    thief.cookies[name] = real
    assert thief.get(illustrated.library.image.file.url).status_code == 200
    for made_up in (
        "cms_billing_pass_gift_x_at_files",
        f"{name}x",
        f"cms_billing_pass_gift_{'9' * 30}_at_files",
    ):
        thief = Client()
        thief.cookies[made_up] = real
        assert thief.get(illustrated.library.image.file.url).status_code == 403


def test_a_link_of_another_page_under_a_signed_name_opens_nothing(illustrated, giver):
    """Were a cookie ever signed for the wrong page, the link itself still says which page it gives."""
    _link, _token = services.create_gift(giver=giver, page=illustrated.other, today=TODAY, now=NOW)
    name = cookies.GIFT_AT % (illustrated.story.pk, "files")
    thief = Client()
    thief.cookies[name] = signing.Signer(salt=f"{cookies.SALT}.{name}").sign(str(GiftLink.objects.get().pk))

    assert thief.get(illustrated.library.image.file.url).status_code == 403


# -- days that are free -------------------------------------------------------------------------------------------


def test_files_of_a_page_that_is_free_for_some_days_are_free_with_it(illustrated):
    terms = RuleTerms(free_until=date(2026, 3, 31))
    set_rule(page=illustrated.story, plans=[illustrated.magazine.plan], terms=terms)
    stray = new_document(illustrated.library.collection, "stray.pdf")
    user, contract = member(illustrated.magazine.plan)
    in_dunning(contract, level=3, locked=True)

    for visitor in (Client(), client_of(UserFactory()), client_of(user)):
        assert gets(visitor, illustrated.urls) == {True}
        assert gets(visitor, [stray.url, stray.file.url]) == {False}
    assert is_shown_free(illustrated.library.image, today=TODAY), "the leak check takes it for no leak"
    assert not is_shown_free(stray, today=TODAY)
    with clock.frozen(datetime(2026, 4, 1, 9, 0, tzinfo=UTC)):
        for visitor in (Client(), client_of(UserFactory()), client_of(user)):
            assert gets(visitor, illustrated.urls) == {False}


def test_files_of_a_page_for_members_only_stay_closed_while_another_is_free(illustrated):
    set_rule(
        page=illustrated.other, plans=[illustrated.magazine.plan], terms=RuleTerms(free_from=date(2026, 3, 1))
    )

    assert gets(Client(), illustrated.urls) == {False}


# -- what it costs ------------------------------------------------------------------------------------------------


def queries(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as asked:
        client.get(url)
    print([q["sql"][:150] for q in asked])
    return len(asked)


@pytest.mark.django_db(transaction=True)
def test_members_and_guests_without_a_pass_pay_nothing(illustrated, giver):
    url = illustrated.library.image.file.url
    assert queries(Client(), url) == 1
    before = queries(client_of(giver), url)
    set_rule(page=illustrated.magazine.section, plans=[illustrated.magazine.plan])
    assert queries(client_of(giver), url) == before == 5
    set_rule(
        page=illustrated.other, plans=[illustrated.magazine.plan], terms=RuleTerms(free_from=date(2026, 3, 1))
    )
    assert queries(client_of(giver), url) == 5


@pytest.mark.django_db(transaction=True)
def test_a_pass_costs_the_same_however_many_pages_there_are(illustrated, giver):
    url = illustrated.library.image.file.url
    free, gift = read_free(Client(), illustrated.story), gifted(giver, illustrated.story)
    before = queries(free, url), queries(gift, url)
    for number in range(5):
        new_story(illustrated.magazine, f"more-{number}", text_with(illustrated.library))
    assert (queries(free, url), queries(gift, url)) == before
    assert before == (8, 10)
