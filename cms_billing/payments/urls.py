"""Included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("pay/<str:token>/", views.payment_page, name="payment_page"),
    path("account/pay/<int:pk>/", views.pay_document, name="pay_document"),
    path("account/payment-methods/", views.payment_methods, name="payment_methods"),
    path("webhooks/", include("cms_billing.payments.webhook_urls")),
]
