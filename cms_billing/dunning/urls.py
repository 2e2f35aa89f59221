"""Included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import path

from . import views

urlpatterns = [
    path("pay/<str:token>/agree/", views.agree, name="agree"),
    path("account/agree/", views.agree_account, name="agree_account"),
]
