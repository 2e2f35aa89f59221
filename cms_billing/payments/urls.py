"""Included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import include, path

from . import views, views_methods

urlpatterns = [
    path("pay/<str:token>/", views.payment_page, name="payment_page"),
    path("account/pay/", views.pay_open, name="pay_open"),
    path("account/pay/<int:pk>/", views.pay_document, name="pay_document"),
    path("account/payment-methods/", views_methods.payment_methods, name="payment_methods"),
    path("account/payment-methods/add/", views_methods.add_method, name="add_payment_method"),
    path(
        "account/payment-methods/<int:pk>/replace/",
        views_methods.replace_method,
        name="replace_payment_method",
    ),
    path(
        "account/payment-methods/<int:pk>/default/",
        views_methods.set_default,
        name="default_payment_method",
    ),
    path(
        "account/payment-methods/<int:pk>/remove/",
        views_methods.confirm_removal,
        name="remove_payment_method",
    ),
    path("pay/back/<str:token>/", views.session_back, name="session_back"),
    path("webhooks/", include("cms_billing.payments.webhook_urls")),
]
