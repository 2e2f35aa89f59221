"""Documents and images of closed collections in APIs v2 and v3."""

import json

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from wagtail.documents.api.v2.views import DocumentsAPIViewSet as OpenDocumentsAPIViewSet
from wagtail.models import GroupCollectionPermission, Site

from cms_billing.paywall import checks
from cms_billing.paywall.api import DocumentsAPIViewSet, ImagesAPIViewSet, PagesAPIViewSet
from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.testing.factories import PlanFactory, UserFactory
from sandbox.site.models import ArticlePage

from .apis import v2, v3
from .conftest import client_of, in_dunning, member
from .files import Library, new_collection, new_document, new_image
from .test_api_v3 import with_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def library() -> Library:
    collection, plan = new_collection(), PlanFactory(name="Course")
    set_collection_rule(collection=collection, plans=[plan])
    return Library(collection, new_document(collection), new_image(collection), plan)


@pytest.fixture
def free_document(library):
    return new_document(new_collection("Free"), name="free.pdf")


def ids(client, address: str) -> set[int]:
    return {row["id"] for row in json.loads(client.get(address).content)["items"]}


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_files_of_closed_collections_are_not_there(library, free_document, settings, version):
    settings.ROOT_URLCONF = (
        v3() if version == "v3" else v2(documents=DocumentsAPIViewSet, images=ImagesAPIViewSet)
    )
    for client in (Client(), client_of(UserFactory())):
        assert ids(client, f"/api/{version}/documents/") == {free_document.pk}
        assert ids(client, f"/api/{version}/images/") == set()
        assert ids(client, f"/api/{version}/documents/?search=Handbook") <= {free_document.pk}
        for address in (f"documents/{library.document.pk}/", f"images/{library.image.pk}/"):
            assert client.get(f"/api/{version}/{address}").status_code == 404


def test_members_find_their_files_in_v2(library, settings):
    settings.ROOT_URLCONF = v2(documents=DocumentsAPIViewSet, images=ImagesAPIViewSet)
    user, contract = member(library.plan)
    assert ids(client_of(user), "/api/v2/documents/") == {library.document.pk}
    response = client_of(user).get(f"/api/v2/images/{library.image.pk}/")
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    in_dunning(contract, level=2, locked=True)
    assert ids(client_of(user), "/api/v2/documents/") == set()


def test_editors_of_the_collection_find_its_files_in_v3(library, settings):
    settings.ROOT_URLCONF = v3()
    group = Group.objects.create(name="librarians")
    permission = Permission.objects.get(content_type__app_label="wagtaildocs", codename="change_document")
    GroupCollectionPermission.objects.create(
        group=group, collection=library.collection, permission=permission
    )
    librarian = UserFactory()
    librarian.groups.add(group)
    client = with_token(librarian)
    assert ids(client, "/api/v3/documents/") == {library.document.pk}
    assert ids(client, "/api/v3/images/") == set()
    assert client.get("/api/v3/documents/")["Cache-Control"] == "private, no-store"


@pytest.fixture
def illustrated(library, monkeypatch):
    """An open page with a picture of the closed collection."""
    monkeypatch.setattr(ArticlePage, "api_fields", ["cover"], raising=False)
    home = Site.objects.get(is_default_site=True).root_page
    page = ArticlePage(title="Chords", author="Ada", intro="For all.", body=[], cover=library.image)
    return home.add_child(instance=page)


NESTED = ["", "?fields=*", "?fields=cover(*)", "?fields=cover(title,download_url)"]


@pytest.mark.parametrize("query", NESTED)
def test_a_closed_picture_of_an_open_page_says_only_that_it_is_there(library, illustrated, settings, query):
    settings.ROOT_URLCONF = v2(pages=PagesAPIViewSet, images=ImagesAPIViewSet)
    stranger, _contract = member(PlanFactory(name="Other"))
    for client in (Client(), client_of(stranger)):
        answer = json.loads(client.get(f"/api/v2/pages/{illustrated.pk}/{query}").content)
        closed = answer["cover"]
        assert closed["id"] == library.image.pk
        assert closed["paywall"]["readable"] is False
        assert closed.keys() <= {"id", "meta", "paywall"}
        assert closed["meta"].keys() <= {"type", "detail_url"}


def test_a_member_gets_the_picture_of_an_open_page_with_its_address(library, illustrated, settings):
    settings.ROOT_URLCONF = v2(pages=PagesAPIViewSet, images=ImagesAPIViewSet)
    user, contract = member(library.plan)
    response = client_of(user).get(f"/api/v2/pages/{illustrated.pk}/")
    assert json.loads(response.content)["cover"]["title"] == "Chord"
    assert library.image.file.url in response.content.decode()
    assert response["Cache-Control"] == "private, no-store"
    in_dunning(contract, level=2, locked=True)
    assert b'Chord"' not in client_of(user).get(f"/api/v2/pages/{illustrated.pk}/").content


def test_an_open_picture_of_an_open_page_is_whole_for_everybody(illustrated, settings):
    settings.ROOT_URLCONF = v2(pages=PagesAPIViewSet, images=ImagesAPIViewSet)
    illustrated.cover = new_image(new_collection("Free"))
    illustrated.save()
    answer = json.loads(Client().get(f"/api/v2/pages/{illustrated.pk}/").content)
    assert answer["cover"]["title"] == "Chord"
    assert "no-store" not in Client().get(f"/api/v2/pages/{illustrated.pk}/").get("Cache-Control", "")


def test_v3_names_nothing_of_a_picture_in_a_page(library, settings):
    """It hands out keys alone; should that change, this is where it shows."""
    from wagtail.api.v3.schemas import read_generator

    schema = read_generator.get_foreign_key_schema(type(library.image))
    assert schema.model_fields.keys() == {"id", "meta"}
    assert schema.model_fields["meta"].annotation.model_fields.keys() == {"type", "warnings"}


def test_an_open_endpoint_is_found(settings):
    settings.ROOT_URLCONF = v2(documents=OpenDocumentsAPIViewSet, images=ImagesAPIViewSet)
    [found] = checks.api_is_guarded(None)
    assert found.id == "cms_billing.E044"
    assert "hands out documents" in found.msg
