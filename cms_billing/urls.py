"""Everything members, guests with a payment link, and payment providers call. A site includes it once::

path("billing/", include("cms_billing.urls")),
"""

from django.apps import apps
from django.urls import include, path

app_name = "cms_billing"
urlpatterns = [
    path("", include("cms_billing.payments.urls")),
    path("account/", include("cms_billing.faktura.urls")),
    path("account/", include("cms_billing.memberships.urls")),
]
if apps.is_installed("cms_billing.paywall"):
    urlpatterns += [
        path("", include("cms_billing.paywall.urls")),
        path("files/", include("cms_billing.paywall.files.urls")),
    ]
if apps.is_installed("cms_billing.dunning"):
    urlpatterns.append(path("", include("cms_billing.dunning.urls")))
if apps.is_installed("cms_billing.shop"):
    urlpatterns.append(path("", include("cms_billing.shop.urls")))
if apps.is_installed("cms_billing.testing"):
    urlpatterns.append(path("", include("cms_billing.testing.urls")))
