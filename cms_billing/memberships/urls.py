"""The member's contracts; included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import path

from . import views

urlpatterns = [
    path("contracts/", views.account_contracts, name="account_contracts"),
    path("contracts/<int:pk>/", views.account_contract, name="account_contract"),
    path("contracts/<int:pk>/terminate/", views.terminate, name="terminate_contract"),
]
