"""A small Wagtail + Oscar site with every cms_billing app, as the tests see it.

Environment:

CMS_BILLING_TEST_DB         sqlite (default) or postgres
CMS_BILLING_TEST_DB_NAME    name of the database; for SQLite a path. The test run sets it for the commands
                            that it starts, so that these work on the run's own database.
CMS_BILLING_TEST_FILES      folder for uploaded and archived files
CMS_BILLING_TEST_REDIS      redis://… makes django-q2 use Redis instead of the database as its broker
CMS_BILLING_TEST_ONLY_DEPENDENCIES
                            leave cms_billing out: the site before an integrator installs the package
PGHOST, PGPORT, PGUSER, PGPASSWORD
                            as PostgreSQL's own tools read them
"""

import os
import tempfile
from pathlib import Path

from oscar import INSTALLED_APPS as OSCAR_APPS
from oscar.defaults import *  # noqa: F403

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"

ONLY_DEPENDENCIES = bool(os.environ.get("CMS_BILLING_TEST_ONLY_DEPENDENCIES"))

SECRET_KEY = "only-for-tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
SITE_ID = 1
ROOT_URLCONF = "tests.urls"
WSGI_APPLICATION = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CMS_BILLING_APPS = [
    "cms_billing.core",
    "cms_billing.faktura",
    "cms_billing.payments",
    "cms_billing.memberships",
    "cms_billing.dunning",
    "cms_billing.paywall",
    "cms_billing.shop",
    "cms_billing.daily",
    "cms_billing.testing",
]
REPLACED_OSCAR_APPS = {"oscar.apps.checkout.apps.CheckoutConfig": "cms_billing.shop.checkout"}
if ONLY_DEPENDENCIES:
    CMS_BILLING_APPS, REPLACED_OSCAR_APPS = [], {}

INSTALLED_APPS = [
    *CMS_BILLING_APPS,
    *([] if ONLY_DEPENDENCIES else ["tests.testsite", "sandbox.site", "sandbox.mails"]),
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.contrib.settings",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail.api.v2",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
    "rest_framework",
    *(REPLACED_OSCAR_APPS.get(app, app) for app in OSCAR_APPS),
    "sorl.thumbnail",
    "django_q",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    *([] if ONLY_DEPENDENCIES else ["cms_billing.paywall.middleware.PaywallMiddleware"]),
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
                "wagtail.contrib.settings.context_processors.settings",
            ],
            # Parsed once for the whole run. Tests that change templates set their own loaders.
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
        },
    }
]

DATABASE_KIND = os.environ.get("CMS_BILLING_TEST_DB", "sqlite")
if DATABASE_KIND == "postgres":
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ.get("CMS_BILLING_TEST_DB_NAME", "cms_billing_test"),
            "HOST": os.environ.get("PGHOST", "127.0.0.1"),
            "PORT": os.environ.get("PGPORT", "5432"),
            "USER": os.environ.get("PGUSER", "postgres"),
            "PASSWORD": os.environ.get("PGPASSWORD", ""),
            # Nobody needs a test run to survive a power cut.
            "OPTIONS": {"options": "-c synchronous_commit=off"},
        }
    }
elif DATABASE_KIND == "sqlite":
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("CMS_BILLING_TEST_DB_NAME", str(CACHE / "test.sqlite3")),
            "OPTIONS": {
                # Take the write lock at BEGIN and wait for it, instead of failing in the middle.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
            },
        }
    }
else:
    raise ValueError(f"CMS_BILLING_TEST_DB is {DATABASE_KIND!r}: choose sqlite or postgres")

AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "customer:login"
LOGIN_REDIRECT_URL = "/"
WAGTAIL_FRONTEND_LOGIN_URL = "customer:login"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DEFAULT_FROM_EMAIL = "billing@example.com"
FILES = Path(
    os.environ.get("CMS_BILLING_TEST_FILES") or Path(tempfile.gettempdir()) / "cms_billing_test_files"
)
MEDIA_ROOT = str(FILES / "media")
MEDIA_URL = "/media/"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage"
        if ONLY_DEPENDENCIES
        else "cms_billing.paywall.files.storage.MediaStorage"
    },
    "cms_billing_private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(FILES / "private"), "base_url": None},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "cms_billing_archive": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(FILES / "archive"), "base_url": None},
    },
}
STATIC_URL = "/static/"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
TIME_ZONE = "Europe/Berlin"
USE_I18N = True
USE_TZ = True
WAGTAIL_CONTENT_LANGUAGES = LANGUAGES
WAGTAIL_SITE_NAME = "Test site"
WAGTAILADMIN_BASE_URL = "http://testserver"
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
WAGTAILDOCS_SERVE_METHOD = "serve_view"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_SHOP_NAME = "Test site"
OSCAR_INITIAL_ORDER_STATUS = "Pending"
OSCAR_INITIAL_LINE_STATUS = "Pending"
OSCAR_ALLOW_ANON_CHECKOUT = True
OSCAR_OFFERS_INCL_TAX = True
if not ONLY_DEPENDENCIES:
    OSCAR_DYNAMIC_CLASS_LOADER = "cms_billing.shop.loading.load_classes"

Q_CLUSTER = {
    "name": "cms_billing_tests",
    "workers": 1,
    "timeout": 600,
    "retry": 1200,
    "poll": 0.1,
    "sync": False,
    "scheduler": False,
    "catch_up": False,
}
if redis_url := os.environ.get("CMS_BILLING_TEST_REDIS"):
    Q_CLUSTER["redis"] = redis_url
else:
    Q_CLUSTER["orm"] = "default"

CMS_BILLING = {
    "SITE_URL": "http://testserver",
    # Tests of the look of a PDF name WeasyPrint themselves.
    "PDF_RENDERER": "cms_billing.testing.renderers.PlainRenderer",
    "PROVIDERS": {
        "bank_transfer": "cms_billing.payments.providers.bank_transfer.BankTransfer",
        "fake": "cms_billing.testing.providers.FakeProvider",
    },
}
