"""Settings of the sandbox. For a look and for development: never for the internet."""

import os
from pathlib import Path

from oscar.defaults import *  # noqa: F403

from sandbox.databases import database_from

SANDBOX = Path(__file__).resolve().parent
REPOSITORY = SANDBOX.parent
VAR = Path(os.environ.get("SANDBOX_VAR", SANDBOX / "var"))

DEBUG = True
SECRET_KEY = "sandbox-only-never-used-anywhere-else"
ALLOWED_HOSTS = ["*"]
SITE_URL = os.environ.get("SANDBOX_URL", "http://localhost:8000")

INSTALLED_APPS = [
    "sandbox.site",
    "sandbox.mails",
    # Billing
    "cms_billing.core",
    "cms_billing.faktura",
    "cms_billing.payments",
    "cms_billing.memberships",
    "cms_billing.dunning",
    "cms_billing.paywall",
    "cms_billing.shop",
    "cms_billing.daily",
    "cms_billing.testing",
    # Wagtail
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.contrib.settings",
    "wagtail.contrib.sitemaps",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
    # Django
    "whitenoise.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.sitemaps",
    "django.contrib.flatpages",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    # Oscar
    "oscar.config.Shop",
    "oscar.apps.analytics.apps.AnalyticsConfig",
    "cms_billing.shop.checkout.apps.CheckoutConfig",
    "oscar.apps.address.apps.AddressConfig",
    "oscar.apps.shipping.apps.ShippingConfig",
    "oscar.apps.catalogue.apps.CatalogueConfig",
    "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    "oscar.apps.communication.apps.CommunicationConfig",
    "oscar.apps.partner.apps.PartnerConfig",
    "oscar.apps.basket.apps.BasketConfig",
    "oscar.apps.payment.apps.PaymentConfig",
    "oscar.apps.offer.apps.OfferConfig",
    "oscar.apps.order.apps.OrderConfig",
    "oscar.apps.customer.apps.CustomerConfig",
    "oscar.apps.search.apps.SearchConfig",
    "oscar.apps.voucher.apps.VoucherConfig",
    "oscar.apps.wishlists.apps.WishlistsConfig",
    "oscar.apps.dashboard.apps.DashboardConfig",
    "oscar.apps.dashboard.reports.apps.ReportsDashboardConfig",
    "oscar.apps.dashboard.users.apps.UsersDashboardConfig",
    "oscar.apps.dashboard.orders.apps.OrdersDashboardConfig",
    "oscar.apps.dashboard.catalogue.apps.CatalogueDashboardConfig",
    "oscar.apps.dashboard.offers.apps.OffersDashboardConfig",
    "oscar.apps.dashboard.partners.apps.PartnersDashboardConfig",
    "oscar.apps.dashboard.pages.apps.PagesDashboardConfig",
    "oscar.apps.dashboard.ranges.apps.RangesDashboardConfig",
    "oscar.apps.dashboard.reviews.apps.ReviewsDashboardConfig",
    "oscar.apps.dashboard.vouchers.apps.VouchersDashboardConfig",
    "oscar.apps.dashboard.communications.apps.CommunicationsDashboardConfig",
    "oscar.apps.dashboard.shipping.apps.ShippingDashboardConfig",
    "widget_tweaks",
    "haystack",
    "treebeard",
    "sorl.thumbnail",
    "django_tables2",
    # Workers
    "django_q",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "cms_billing.paywall.middleware.PaywallMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]

ROOT_URLCONF = "sandbox.urls"
WSGI_APPLICATION = "sandbox.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [REPOSITORY / "templates"],
        "APP_DIRS": True,
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
            ],
        },
    },
]

DATABASES = {"default": database_from(os.environ, folder=VAR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ID = 1

# Language and time
LANGUAGE_CODE = "de"
LANGUAGES = [("de", "Deutsch"), ("en", "English")]
LOCALE_PATHS = [SANDBOX / "locale"]
TIME_ZONE = "Europe/Berlin"
USE_I18N = True
USE_TZ = True

# One login for pages, shop and paywall: Oscar's. It returns to the page in ``next``.
AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "customer:login"
LOGIN_REDIRECT_URL = "customer:summary"
LOGOUT_REDIRECT_URL = "/"
WAGTAIL_FRONTEND_LOGIN_URL = "/shop/accounts/login/"

# Files
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR / "media"
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "cms_billing.paywall.files.storage.MediaStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "cms_billing_archive": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR / "archive", "base_url": None},
    },
    "cms_billing_private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR / "private", "base_url": None},
    },
}

# Mail is kept in the site and read at /mails/
EMAIL_BACKEND = "sandbox.mails.backend.EmailBackend"
DEFAULT_FROM_EMAIL = "Saitenweg Akademie <post@saitenweg.example>"
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Wagtail
WAGTAIL_SITE_NAME = "Saitenweg Akademie"
WAGTAILADMIN_BASE_URL = SITE_URL
WAGTAIL_CONTENT_LANGUAGES = [("de", "Deutsch")]
WAGTAILADMIN_PERMITTED_LANGUAGES = [("de", "Deutsch"), ("en", "English")]
WAGTAILSEARCH_BACKENDS = {
    "default": {
        "BACKEND": "wagtail.search.backends.database",
        "SEARCH_CONFIG": "german",
    },
}
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

# Oscar
OSCAR_SHOP_NAME = "Saitenweg Akademie"
OSCAR_SHOP_TAGLINE = ""
OSCAR_DYNAMIC_CLASS_LOADER = "cms_billing.shop.loading.load_classes"
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_FROM_EMAIL = DEFAULT_FROM_EMAIL
OSCAR_HIDDEN_FEATURES = ["reviews", "wishlists"]
OSCAR_HOMEPAGE = "/shop/catalogue/"
OSCAR_GOOGLE_ANALYTICS_ID = None
OSCAR_ALLOW_ANON_CHECKOUT = True
OSCAR_OFFERS_INCL_TAX = True
OSCAR_INITIAL_ORDER_STATUS = "Offen"
OSCAR_INITIAL_LINE_STATUS = "Offen"
OSCAR_ORDER_STATUS_PIPELINE = {
    "Offen": ("In Bearbeitung", "Storniert"),
    "In Bearbeitung": ("Versendet", "Storniert"),
    "Versendet": ("Storniert",),
    "Storniert": (),
}
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}

# Billing
STAND_IN = {"SESSION": "cms_billing.testing.vendors.new_session"}
CMS_BILLING = {
    "SITE_URL": SITE_URL,
    # On every machine: a laptop is called something else in each network.
    "INSTALLATION": "sandbox",
    "TIME_MACHINE": True,
    "MEMBER_FEED": "member_feed",
    "SHIPPED_ORDER_STATUS": "Versendet",
    "CANCELLED_ORDER_STATUS": "Storniert",
    "PROVIDERS": {
        "bank_transfer": "cms_billing.payments.providers.bank_transfer.BankTransfer",
        "stripe": "cms_billing.payments.providers.stripe.StripeProvider",
        "mollie": "cms_billing.payments.providers.mollie.MollieProvider",
        "adyen": "cms_billing.payments.providers.adyen.AdyenProvider",
    },
    # Nobody answers but the stand-ins in this very site (docs, "testing"); the secrets are made up.
    "PROVIDER_ACCOUNTS": {
        "stripe/akademie": {**STAND_IN, "SECRET_KEY": "sk_test_sandbox1", "WEBHOOK_SECRET": "whsec_sandbox1"},
        "mollie/akademie": {
            **STAND_IN,
            "API_KEY": "test_sandbox1",
            "ACCESS_TOKEN": "access_sandbox1",
            "WEBHOOK_SECRET": "whs_sandbox1",
        },
        "adyen/akademie": {
            **STAND_IN,
            "API_KEY": "AQEsandbox1",
            "WEBHOOK_HMAC_KEY": "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
            "REPORT_USER": "report@Company.Saitenweg",
            "REPORT_PASSWORD": "sandbox",
        },
    },
}

# Workers
Q_CLUSTER = {
    "name": "sandbox",
    "orm": "default",
    "workers": 1,
    "timeout": 600,
    "retry": 900,
    "max_attempts": 3,
    "catch_up": False,
    "poll": 2,
}

MESSAGE_TAGS = {40: "danger"}
SILENCED_SYSTEM_CHECKS: list[str] = []

SANDBOX_PASSWORD = "saitenweg"
