"""What the member owes, in the account; included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import path

from . import views_account

urlpatterns = [path("arrears/", views_account.account_arrears, name="account_arrears")]
