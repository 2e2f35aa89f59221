"""What an integrator can get wrong, one case a mistake; checks of the paywall and the shop have tests of their own."""

import copy
from importlib import metadata

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpResponse
from django.urls import include, path, re_path
from django_q.models import Schedule

from cms_billing.core import checks, checks_site, freezing, requirements
from cms_billing.daily.checks import schedules_are_made
from cms_billing.daily.schedules import ensure_schedules
from cms_billing.faktura.models import Document
from cms_billing.payments import checks as payments_checks
from cms_billing.shop import checks as shop_checks
from cms_billing.testing.checks import tools_stay_out_of_production
from tests import urls

ARCHIVE = "cms_billing_archive"


def ids(messages) -> list[str]:
    return [message.id.removeprefix("cms_billing.") for message in messages]


def test_the_test_site_has_nothing_to_complain_about():
    assert [str(message) for message in run_checks()] == []


def test_every_message_has_a_hint(settings):
    settings.CMS_BILLING = {"TYPO": 1, "CHUNK_SIZE": "many"}
    settings.Q_CLUSTER = {}
    settings.MIDDLEWARE = []
    settings.USE_TZ = False
    messages = [message for message in run_checks() if message.id.startswith("cms_billing.")]
    assert len(messages) >= 6
    assert all(message.hint for message in messages)


# -- CMS_BILLING ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "check", "expected"),
    [
        ({"SITE_URI": "https://example.org"}, checks.settings_are_known, ["E001"]),
        ({"CHUNK_SIZE": "500"}, checks.settings_are_known, ["E002"]),
        ({"CHUNK_SIZE": True}, checks.settings_are_known, ["E002"]),
        ({"PROVIDERS": {"acme": "mysite.no_such.Acme"}}, checks.dotted_paths_import, ["E003"]),
        ({"PDF_RENDERER": "nowhere.Renderer"}, checks.dotted_paths_import, ["E003"]),
        ({"SITE_URL": ""}, checks.public_address_is_set, ["W007"]),
        ({"SITE_URL": "www.example.org"}, checks.public_address_is_set, ["W007"]),
        ({"SITE_URL": "https://www.example.org"}, checks.public_address_is_set, []),
        ({"TIME_MACHINE": True}, checks.time_machine_is_off, ["E008"]),
        ({"BASE_TEMPLATE": "no_such.html"}, checks_site.member_pages_have_a_frame, ["E016"]),
        ({"BASE_TEMPLATE": "403.html"}, checks_site.member_pages_have_a_frame, []),
        (
            {"PROVIDERS": {"fake": "cms_billing.testing.providers.FakeProvider"}},
            payments_checks.providers_move_real_money,
            ["E024"],
        ),
        (
            {"PROVIDERS": {"transfer": "cms_billing.payments.providers.bank_transfer.BankTransfer"}},
            payments_checks.providers_keep_the_protocol,
            ["E021"],
        ),
        (
            {"PROVIDERS": {"dict": "collections.OrderedDict"}},
            payments_checks.providers_keep_the_protocol,
            ["E020"],
        ),
        (
            {"PROVIDERS": {"money": "cms_billing.core.money.Money"}},  # wants arguments
            payments_checks.providers_keep_the_protocol,
            ["E020"],
        ),
        ({"PROVIDERS": {"acme": "mysite.no_such.Acme"}}, payments_checks.providers_keep_the_protocol, []),
    ],
)
def test_values_of_cms_billing(settings, given, check, expected):
    settings.CMS_BILLING = given
    assert ids(check(None)) == expected


def test_address_may_be_missing_while_developing(settings):
    settings.CMS_BILLING, settings.DEBUG = {}, True
    assert ids(checks.public_address_is_set(None)) == []


def test_template_without_content_block(settings, tmp_path):
    (tmp_path / "bare.html").write_text("{% block title %}{% endblock %}")
    (tmp_path / "below.html").write_text("{% extends 'bare.html' %}")
    settings.TEMPLATES = [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path], "OPTIONS": {}}
    ]
    settings.CMS_BILLING = {"BASE_TEMPLATE": "below.html"}
    assert ids(checks_site.member_pages_have_a_frame(None)) == ["E016"]
    (tmp_path / "good.html").write_text("{% extends 'bare.html' %}{% block content %}{% endblock %}")
    settings.CMS_BILLING = {"BASE_TEMPLATE": "good.html"}
    assert ids(checks_site.member_pages_have_a_frame(None)) == []


# -- the archive ----------------------------------------------------------------------------------------------------


def with_archive(settings, **archive):
    storages = copy.deepcopy(settings.STORAGES)
    storages.pop(ARCHIVE)
    settings.STORAGES = {**storages, **({ARCHIVE: archive} if archive else {})}


FILES = "django.core.files.storage.FileSystemStorage"


def test_archive_without_storage(settings):
    with_archive(settings)
    assert ids(checks.archive_storage_is_private(None)) == ["E004"]


def test_archive_whose_storage_cannot_be_made(settings):
    with_archive(settings, BACKEND="no.such.Storage")
    assert ids(checks.archive_storage_is_private(None)) == ["E004"]


def test_archive_in_media_by_forgetting_its_location(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    with_archive(settings, BACKEND=FILES)
    assert ids(checks.archive_storage_is_private(None)) == ["E005"]


@pytest.mark.parametrize(
    ("location", "expected"),
    [("media/archive", ["E005"]), ("media", ["E005"]), ("static/x", ["E005"]), ("media-archive", [])],
)
def test_archive_in_a_public_folder(settings, tmp_path, location, expected):
    settings.MEDIA_ROOT, settings.STATIC_ROOT = str(tmp_path / "media"), str(tmp_path / "static")
    with_archive(settings, BACKEND=FILES, OPTIONS={"location": tmp_path / location})
    assert ids(checks.archive_storage_is_private(None)) == expected


# -- apps -----------------------------------------------------------------------------------------------------------


def installed_without(*names: str) -> set[str]:
    return {config.name for config in apps.get_app_configs()} - set(names)


def test_all_layers_are_there():
    assert list(requirements.missing_layers(installed_without())) == []
    assert list(requirements.missing_others(installed_without())) == []


def test_missing_layer_is_named_before_models_are_imported(monkeypatch):
    core = apps.get_app_config("cms_billing_core")
    without = [config for config in apps.get_app_configs() if config.name != "cms_billing.dunning"]
    monkeypatch.setattr(core.apps, "get_app_configs", lambda: without)
    with pytest.raises(ImproperlyConfigured, match=r"E010.*cms_billing.paywall needs cms_billing.dunning"):
        core.import_models()


def test_site_without_shop_needs_no_oscar():
    installed = {name for name in installed_without("cms_billing.shop") if not name.startswith("oscar")}
    assert list(requirements.missing_layers(installed - {"cms_billing.shop.checkout"})) == []
    assert "haystack" not in dict(requirements.missing_others(installed - {"haystack"}))


@pytest.mark.parametrize("name", ["django_q", "wagtail.contrib.settings", "haystack"])
def test_missing_app_of_others(monkeypatch, name):
    without = [config for config in apps.get_app_configs() if config.name != name]
    monkeypatch.setattr(apps, "get_app_configs", lambda: without)
    (message,) = checks_site.needed_apps_are_installed(None)
    assert message.id == "cms_billing.E011"
    assert name in message.msg


def test_test_tools_in_production():
    assert ids(tools_stay_out_of_production(None)) == ["W080"]


# -- workers, database, language, mail ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        ({"orm": "default", "timeout": 3600, "retry": 4000}, []),
        ({"orm": "default", "timeout": None, "retry": 4000}, []),
        ({}, ["W012"]),
        ({"orm": "default"}, ["W012"]),
        ({"orm": "default", "timeout": 60, "retry": 4000}, ["W012"]),
        ({"orm": "default", "timeout": 3600, "retry": 3600}, ["W012"]),
        ({"orm": "default", "timeout": 90, "retry": 60}, ["W012", "W012"]),
    ],
)
def test_time_that_workers_have(settings, cluster, expected):
    settings.Q_CLUSTER = cluster
    assert ids(checks_site.workers_have_time(None)) == expected


@pytest.mark.parametrize(
    ("vendor", "options", "expected"),
    [
        ("postgresql", {}, []),
        ("sqlite", {"transaction_mode": "IMMEDIATE"}, []),
        ("sqlite", {}, ["W013"]),
        ("mysql", {}, ["E014"]),
    ],
)
def test_databases(settings, monkeypatch, vendor, options, expected):
    monkeypatch.setattr(connection, "vendor", vendor)
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", options)
    assert ids(checks_site.database_can_hold_it(None)) == expected


def test_several_languages_without_locale_middleware(settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("LocaleMiddleware")]
    settings.LANGUAGES = [("de", "Deutsch"), ("en", "English")]
    assert ids(checks_site.visitors_can_choose_their_language(None)) == ["W015"]
    settings.LANGUAGES = [("de", "Deutsch")]
    assert ids(checks_site.visitors_can_choose_their_language(None)) == []


def test_time_zones_switched_off(settings):
    settings.USE_TZ = False
    assert ids(checks.time_zones_are_on(None)) == ["E009"]


@pytest.mark.parametrize("kind", ["console", "dummy", "filebased", "locmem"])
def test_mail_that_is_not_sent(settings, kind):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{kind}.EmailBackend"
    assert ids(checks_site.mail_reaches_people(None)) == ["W017"]


def test_mail_from_nobody(settings):
    settings.EMAIL_BACKEND = "anymail.backends.sendgrid.EmailBackend"
    settings.DEFAULT_FROM_EMAIL = "webmaster@localhost"
    assert ids(checks_site.mail_reaches_people(None)) == ["W018"]


# -- addresses ------------------------------------------------------------------------------------------------------


def addresses(*patterns):
    return type("urlconf", (), {"urlpatterns": list(patterns)})


def test_addresses_left_out(settings):
    settings.ROOT_URLCONF = addresses()
    assert ids(payments_checks.member_pages_are_included(None)) == ["E022"]
    assert ids(shop_checks.shop_has_addresses(None)) == ["E060"]


def test_addresses_behind_what_takes_everything(settings):
    settings.ROOT_URLCONF = addresses(
        re_path("^.*$", lambda request: HttpResponse()), path("", include(urls))
    )
    assert ids(payments_checks.member_pages_are_included(None)) == ["E023"]
    assert ids(shop_checks.shop_has_addresses(None)) == ["E060"]


# -- Oscar ----------------------------------------------------------------------------------------------------------


def test_basket_middleware(settings):
    assert ids(shop_checks.baskets_are_there(None)) == []
    settings.MIDDLEWARE = [shop_checks.BASKET, shop_checks.AUTHENTICATION]
    assert ids(shop_checks.baskets_are_there(None)) == ["E058"]
    settings.MIDDLEWARE = [shop_checks.AUTHENTICATION]
    assert ids(shop_checks.baskets_are_there(None)) == ["E058"]


def test_context_processors_of_oscar(settings):
    assert ids(shop_checks.templates_know_the_shop(None)) == []
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
    assert ids(shop_checks.templates_know_the_shop(None)) == ["W059"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.4.0", []), ("3.4.0b1", ["W061"]), ("4.0.dev12", ["W061"]), ("4.0rc1", ["W061"])],
)
def test_pre_release_of_haystack(monkeypatch, version, expected):
    monkeypatch.setattr(metadata, "version", lambda name: version)
    assert ids(shop_checks.search_of_the_shop_is_released(None)) == expected


def test_pictures_without_thumbnailer(settings):
    assert ids(shop_checks.pictures_can_be_scaled(None)) == []
    settings.OSCAR_THUMBNAILER = "oscar.core.thumbnails.EasyThumbnails"
    assert ids(shop_checks.pictures_can_be_scaled(None)) == ["E062"]


# -- what only the database knows -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_missing_triggers_are_named_until_they_are_made_again():
    assert ids(checks_site.issued_documents_are_frozen(None, databases=["default"])) == []
    table = Document._meta.db_table
    with connection.cursor() as cursor:
        on_table = f' ON "{table}"' if connection.vendor == "postgresql" else ""
        cursor.execute(f'DROP TRIGGER "{table}_no_delete"{on_table}')
    (message,) = checks_site.issued_documents_are_frozen(None, databases=["default"])
    assert message.id == "cms_billing.W019"
    assert f"{table}_no_delete" in message.msg
    freezing.install_triggers(connection)
    assert freezing.missing_triggers(connection) == []


@pytest.mark.django_db
def test_schedules_that_nobody_made():
    Schedule.objects.all().delete()
    assert ids(schedules_are_made(None, databases=["default"])) == ["W070"] * 5
    ensure_schedules()
    assert ids(schedules_are_made(None, databases=["default"])) == []


def test_data_are_not_asked_without_a_database():
    assert checks_site.issued_documents_are_frozen(None) == schedules_are_made(None) == []
