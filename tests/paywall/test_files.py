"""Documents, images and renditions of closed collections, through every address there is."""

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Collection

from cms_billing.paywall.files.links import signed_url
from cms_billing.paywall.files.names import Kind, is_private, private_name, read_name
from cms_billing.paywall.files.selectors import files_visible_to, protected_files
from cms_billing.paywall.files.services import (
    FilesWouldStayPublic,
    remove_collection_rule,
    set_collection_rule,
)
from cms_billing.paywall.models import FileMove, FileRemoval
from cms_billing.paywall.services import RuleWithoutPlan
from cms_billing.testing.factories import PlanFactory, UserFactory

from .conftest import TODAY, client_of, in_dunning, member
from .files import TEXT, Library, new_collection, new_document, new_image, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def commits(request, monkeypatch):
    """What waits for the commit is done at once, except in tests that commit."""
    if request.node.get_closest_marker("django_db").kwargs.get("transaction"):
        return
    monkeypatch.setattr(transaction, "on_commit", lambda then, using=None, robust=False: then())


@pytest.fixture
def library(db) -> Library:
    collection = new_collection()
    plan = PlanFactory(name="Course")
    set_collection_rule(collection=collection, plans=[plan])
    return Library(collection, new_document(collection), new_image(collection), plan)


def urls_of(library: Library) -> list[str]:
    library.image.get_rendition("width-20")
    return [url for file in protected_files(library.collection) for url in file.urls]


def test_member_gets_document_image_and_rendition(library):
    user, _contract = member(library.plan)
    client = client_of(user)
    urls = urls_of(library)
    assert len(urls) == 4
    for url in urls:
        response = client.get(url, follow=True)
        assert response.status_code == 200, url
        assert response["Cache-Control"] == "private, no-store"
        assert "Cookie" in response["Vary"]
        assert response["X-Content-Type-Options"] == "nosniff"
    assert sent(client.get(library.document.url, follow=True)) == TEXT
    assert client.get(library.image.file.url)["Content-Type"] == "image/png"


@pytest.mark.parametrize("method", ["get", "head"])
def test_guest_gets_none_of_them(library, method):
    for url in urls_of(library):
        response = getattr(Client(), method)(url)
        assert response.status_code in (302, 403)
        assert response["Cache-Control"] == "private, no-store"
        assert TEXT not in sent(response)
        assert not response.cookies
    response = Client().get(library.document.url)
    assert response["Location"].startswith("/shop/accounts/login/?next=")


def test_who_holds_another_plan_reads_why(library):
    stranger, _contract = member(PlanFactory(issuer=library.plan.issuer, name="Other"))
    client = client_of(stranger)
    for url in urls_of(library):
        assert client.get(url).status_code == 403
    page = client.get(library.document.url).content.decode()
    assert "Handbook" in page
    assert "paywall-offers" in page


def test_locked_member_gets_none_and_sees_what_is_owed(library):
    user, contract = member(library.plan)
    client = client_of(user)
    url = library.image.get_rendition("width-20").url
    assert client.get(url).status_code == 200
    in_dunning(contract, level=2, locked=True)
    assert client.get(url).status_code == 402
    response = client.get(library.document.url)
    assert response.status_code == 402
    assert "paywall-arrears" in response.content.decode()
    assert response["Cache-Control"] == "private, no-store"


def test_editor_sees_them_in_the_admin_and_elsewhere(library):
    admin = client_of(UserFactory(is_superuser=True))
    assert library.image.get_rendition("max-165x165").url in admin.get("/admin/images/").content.decode()
    for url in urls_of(library):
        assert admin.get(url, follow=True).status_code == 200


def test_editor_of_the_collection_needs_no_plan(library):
    from django.contrib.auth.models import Group, Permission
    from wagtail.models import GroupCollectionPermission

    group = Group.objects.create(name="Picture editors")
    for codename in ("choose_image", "change_document"):
        GroupCollectionPermission.objects.create(
            group=group,
            collection=library.collection,
            permission=Permission.objects.get(
                codename=codename, content_type__app_label__startswith="wagtail"
            ),
        )
    user = UserFactory()
    user.groups.add(group)
    for url in urls_of(library):
        assert client_of(user).get(url, follow=True).status_code == 200


def test_uploads_into_a_closed_collection_are_never_public(library):
    for file in (library.document.file, library.image.file, library.image.get_rendition("width-20").file):
        assert is_private(file.name)
        assert not default_storage.public.exists(file.name)
        assert file.url.startswith("/billing/files/")
    assert library.document.filename == "handbook.pdf"
    assert not FileMove.objects.exists()


def test_several_renditions_at_once_are_private(library):
    made = library.image.get_renditions("width-20", "width-30")
    assert all(is_private(rendition.file.name) for rendition in made.values())


@pytest.mark.django_db(transaction=True)
def test_old_addresses_die_when_a_collection_is_closed(db):
    collection = new_collection()
    document, image = new_document(collection), new_image(collection)
    rendition = image.get_rendition("width-20")
    old = [document.file.name, image.file.name, rendition.file.name]
    assert not any(map(is_private, old))
    set_collection_rule(collection=collection, plans=[PlanFactory()])
    assert not any(default_storage.exists(name) for name in old)
    document.refresh_from_db()
    image = get_image_model().objects.get(pk=image.pk)
    assert is_private(document.file.name)
    assert is_private(image.file.name)
    assert is_private(image.get_rendition("width-20").file.name)
    assert document.file.open().read() == TEXT
    assert not FileRemoval.objects.exclude(work_state="done").exists()


def test_files_come_back_when_the_rule_is_removed(library):
    library.image.get_rendition("width-20")
    assert remove_collection_rule(collection=library.collection)
    document = get_document_model().objects.get()
    image = get_image_model().objects.get()
    assert document.file.url.startswith("/media/documents/handbook")
    assert image.file.name.startswith("original_images/chord")
    assert image.get_rendition("width-20").url.startswith("/media/images/chord")
    assert sent(Client().get(document.url)) == TEXT


def test_collections_below_follow_and_the_nearest_rule_wins(library):
    below = new_collection("Lesson 1", under=library.collection)
    sample = new_collection("Sample", under=library.collection)
    set_collection_rule(collection=sample, opens_to="everyone")
    assert is_private(new_document(below).file.name)
    free = new_document(sample)
    assert not is_private(free.file.name)
    assert Client().get(free.url).status_code == 200
    assert Client().get(new_document(below).url).status_code == 302


def test_file_moved_to_another_collection_changes_sides(library):
    open_one = new_collection("Open")
    document = library.document
    document.collection = open_one
    document.save()
    document.refresh_from_db()
    assert not is_private(document.file.name)
    old = document.file.name
    document.collection = library.collection
    document.save()
    document.refresh_from_db()
    assert is_private(document.file.name)
    assert not default_storage.exists(old)


@pytest.mark.django_db(transaction=True)
def test_many_files_filed_at_once_by_wagtail_follow(library):
    document = new_document(Collection.get_first_root_node())
    admin = client_of(UserFactory(is_superuser=True))
    response = admin.post(
        f"/admin/bulk/wagtaildocs/document/add_to_collection/?id={document.pk}",
        {"collection": library.collection.pk},
    )
    assert response.status_code == 302
    document.refresh_from_db()
    assert document.collection_id == library.collection.pk
    assert is_private(document.file.name)


@pytest.mark.django_db(transaction=True)
def test_collection_moved_into_a_closed_one_closes(library):
    other = new_collection("Other")
    document = new_document(other)
    admin = client_of(UserFactory(is_superuser=True))
    admin.post(f"/admin/collections/{other.pk}/", {"name": "Other", "parent": library.collection.pk})
    document.refresh_from_db()
    assert is_private(document.file.name)
    assert Client().get(document.url).status_code == 302


def test_replaced_file_is_private_too(library):
    admin = client_of(UserFactory(is_superuser=True))
    from django.core.files.uploadedfile import SimpleUploadedFile

    admin.post(
        f"/admin/documents/edit/{library.document.pk}/",
        {
            "title": "Handbook",
            "collection": library.collection.pk,
            "file": SimpleUploadedFile("second.pdf", b"second edition"),
            "tags": "",
        },
    )
    document = get_document_model().objects.get()
    assert document.filename == "second.pdf"
    assert is_private(document.file.name)


def test_lost_removal_is_found_again(db, monkeypatch):
    """The old file could not be deleted: the row stays, and the sweeper's next try closes the old address."""
    collection = new_collection()
    document = new_document(collection)
    old = document.file.name
    from django.core.files.storage import FileSystemStorage

    def broken(self, name):
        raise OSError("disk is read-only")

    with monkeypatch.context() as patched:
        patched.setattr(FileSystemStorage, "delete", broken)
        set_collection_rule(collection=collection, plans=[PlanFactory()])
    assert default_storage.exists(old)
    row = FileRemoval.objects.get()
    assert (row.work_state, row.last_error) == ("pending", "disk is read-only")
    from cms_billing.core import clock, outbox

    outbox.try_again(row)
    assert outbox.work_on(FileRemoval, row.pk, now=clock.now()) is outbox.Outcome.DONE
    assert not default_storage.exists(old)


def test_missing_file_is_told_and_stops_nobody(db):
    collection = new_collection()
    lost, kept = new_document(collection, "lost.pdf"), new_document(collection, "kept.pdf")
    default_storage.delete(lost.file.name)
    set_collection_rule(collection=collection, plans=[PlanFactory()])
    kept.refresh_from_db()
    assert is_private(kept.file.name)
    assert "missing" in FileMove.objects.get(object_id=lost.pk).last_error


def test_rule_needs_plans_and_a_storage_with_two_sides(db, settings):
    collection = new_collection()
    with pytest.raises(RuleWithoutPlan):
        set_collection_rule(collection=collection)
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    }
    with pytest.raises(FilesWouldStayPublic):
        set_collection_rule(collection=collection, plans=[PlanFactory()])


@pytest.mark.parametrize(
    "name",
    [
        "protected/d1/../../secret.txt",
        "protected/d1/..",
        "protected/d1/.",
        "protected//x",
        "protected/x1/file.pdf",
        "protected/rabc/file.png",
        "protected/r/file.png",
        "documents/file.pdf",
    ],
)
def test_names_that_are_none(name):
    assert read_name(name) is None


def test_long_names_are_cut_before_the_extension():
    name = private_name(Kind.DOCUMENT, "abcd", "x" * 200 + ".pdf", longest=100)
    assert len(name) == 100
    assert name.endswith("x.pdf")


@pytest.mark.parametrize(
    "path", ["d0/nothing.pdf", "r999/nothing.png", "i0/no.png", "d1/%2e%2e", "r1/..%2f..%2fsettings.py"]
)
def test_addresses_of_nothing_are_not_found(library, path):
    assert client_of(UserFactory(is_superuser=True)).get(f"/billing/files/{path}").status_code == 404


def test_rendition_of_one_image_does_not_open_by_the_id_of_another(library):
    """The folder in the address names the image: a free image's id in front of a closed one's file finds nothing."""
    free = new_image(Collection.get_first_root_node())
    closed = library.image.get_rendition("width-20").file.name.rpartition("/")[2]
    assert Client().get(f"/billing/files/r{free.pk}/{closed}").status_code == 404


def test_wagtails_image_view_asks_as_well(library):
    from wagtail.images.views.serve import generate_image_url

    url = generate_image_url(library.image, "width-20")
    assert Client().get(url).status_code == 403
    user, contract = member(library.plan)
    response = client_of(user).get(url)
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    in_dunning(contract, level=2, locked=True)
    assert client_of(user).get(url).status_code == 402
    free = new_image(Collection.get_first_root_node())
    assert Client().get(generate_image_url(free, "width-20")).status_code == 200


def test_wagtails_privacy_of_the_collection_counts_too(library):
    from wagtail.models import CollectionViewRestriction

    CollectionViewRestriction.objects.create(
        collection=library.collection, restriction_type="password", password="x"
    )
    user, _contract = member(library.plan)
    client = client_of(user)
    assert client.get(library.image.file.url).status_code == 403
    assert TEXT not in sent(client.get(library.document.file.url))


def test_lists_leave_out_what_somebody_may_not_have(library):
    documents = get_document_model().objects.all()
    user, _contract = member(library.plan)
    stranger = UserFactory()
    from django.contrib.auth.models import AnonymousUser

    assert list(files_visible_to(documents, user, today=TODAY)) == [library.document]
    for nobody in (stranger, AnonymousUser()):
        assert not files_visible_to(documents, nobody, today=TODAY)
        assert not files_visible_to(get_image_model().objects.all(), nobody, today=TODAY)


def test_unreadable_rules_close_every_file(library, monkeypatch):
    from django.db import OperationalError

    from cms_billing.paywall import rule_map

    urls = urls_of(library)

    def broken(version):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(rule_map, "_load", broken)
    rule_map.forget_rules()
    for client in (Client(), client_of(UserFactory(is_superuser=True))):
        for url in urls:
            assert client.get(url).status_code == 503


def test_rendition_costs_a_member_four_queries_and_a_guest_one(library):
    url = library.image.get_rendition("width-20").url
    user, _contract = member(library.plan)
    for client, most in ((client_of(user), 5), (Client(), 1)):
        client.get(url)
        with CaptureQueriesContext(connection) as asked:
            client.get(url)
        assert len(asked) <= most, [query["sql"] for query in asked.captured_queries]


# Signed links


def test_signed_link_stands_for_the_login_of_its_holder(library):
    user, contract = member(library.plan)
    url = signed_url(library.document, user=user)
    assert sent(Client().get(url)) == TEXT
    assert sent(client_of(user).get(url)) == TEXT
    in_dunning(contract, level=2, locked=True)
    assert Client().get(url).status_code == 402


def test_signed_link_of_the_neighbour_altered_or_expired_opens_nothing(library, settings):
    user, _contract = member(library.plan)
    neighbour, _contract = member(library.plan)
    url = signed_url(library.document, user=user)
    assert client_of(neighbour).get(url).status_code == 403
    token = url.split("/")[-2]
    for altered in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        "x" + token,
        token.split(":")[0],
        "none",
    ):
        assert Client().get(url.replace(token, altered)).status_code == 403
    settings.CMS_BILLING = {**settings.CMS_BILLING, "FILE_LINK_SECONDS": -1}
    assert Client().get(url).status_code == 403


def test_signed_link_of_who_has_no_access_or_is_gone_opens_nothing(library):
    stranger = UserFactory()
    url = signed_url(library.image, user=stranger)
    assert Client().get(url).status_code == 403
    user, _contract = member(library.plan)
    url = signed_url(library.image, user=user)
    user.is_active = False
    user.save()
    assert Client().get(url).status_code == 403
