"""Included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import path

from . import views, views_downloads
from .checkout import returning

urlpatterns = [
    path("plans/<int:pk>/", views.plan_offer, name="plan_offer"),
    path("account/downloads/", views_downloads.account_downloads, name="account_downloads"),
    path("downloads/<str:token>/<str:filename>", views_downloads.download, name="product_download"),
    path("checkout/back/<str:token>/", returning.checkout_result, name="checkout_result"),
    path("checkout/give-up/<str:token>/", returning.give_up, name="checkout_give_up"),
]
