"""The form of a rule in the dialog of the side panel: what the browser is told."""

import pytest
from wagtail.models import Page

from cms_billing.paywall.models import AccessRule
from cms_billing.testing.factories import UserFactory

from .conftest import client_of
from .test_admin import rule_address, staff

pytestmark = pytest.mark.django_db

ASKED = {"headers": {"x-requested-with": "XMLHttpRequest"}}
EVERYONE = {"opens_to": "everyone", "preview": "page"}


@pytest.fixture
def editor():
    return client_of(UserFactory(is_superuser=True))


def test_dialog_shows_the_form_and_its_mistakes(magazine, editor):
    address = rule_address(magazine.article)
    asked = editor.get(address, **ASKED).json()
    assert asked["step"] == "rule"
    assert f'action="{address}"' in asked["html"]
    assert "<html" not in asked["html"]
    wrong = editor.post(address, {"opens_to": "plans", "preview": "page"}, **ASKED).json()
    assert wrong["step"] == "rule"
    assert "Choose at least one plan" in wrong["html"]
    assert not AccessRule.objects.filter(page=magazine.article).exists()


def test_saved_rule_comes_back_with_the_panel(magazine, editor):
    said = editor.post(rule_address(magazine.article), EVERYONE, **ASKED).json()
    assert said["step"] == "saved"
    assert said["says"] == "Open to everyone by its own rule."
    assert said["says"] in said["panel"]
    assert said["closed"] is False
    closed = {"opens_to": "inherit", "preview": "page"}
    assert editor.post(rule_address(magazine.article), closed, **ASKED).json()["closed"] is True


def test_who_was_editing_the_latest_version_goes_on_with_the_one_that_has_the_rule(magazine, editor):
    magazine.article.save_revision().publish()
    loaded = Page.objects.get(pk=magazine.article.pk).latest_revision_id
    given = {**EVERYONE, "loaded_revision_id": loaded}
    said = editor.post(rule_address(magazine.article), given, **ASKED).json()
    latest = Page.objects.get(pk=magazine.article.pk).latest_revision
    assert latest.pk != loaded
    assert said["version"] == {"id": latest.pk, "created_at": latest.created_at.isoformat()}


def test_who_was_editing_an_older_version_is_not_put_on_the_latest(magazine, editor):
    """Wagtail shall go on to say that somebody else has saved."""
    old = magazine.article.save_revision()
    magazine.article.save_revision()
    given = {**EVERYONE, "loaded_revision_id": old.pk}
    assert editor.post(rule_address(magazine.article), given, **ASKED).json()["version"] is None


def test_dialog_is_for_those_who_may_publish(magazine):
    writer = client_of(staff("change_page", page=magazine.section))
    assert writer.get(rule_address(magazine.article), **ASKED).status_code in (302, 403)
    assert writer.post(rule_address(magazine.article), EVERYONE, **ASKED).status_code in (302, 403)
    assert not AccessRule.objects.filter(page=magazine.article).exists()
