"""Included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import path

from . import views

urlpatterns = [
    path("signed/<str:token>/<str:file>", views.signed_file, name="signed_file"),
    path("<str:folder>/<str:file>", views.private_file, name="private_file"),
]
