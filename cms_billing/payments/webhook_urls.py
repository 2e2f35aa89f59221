"""Included by ``cms_billing.payments.urls`` at ``webhooks/``: one address an account, or a provider without any."""

from django.urls import path

from .views_webhooks import receive_webhook

urlpatterns = [
    path("<slug:provider>/", receive_webhook, name="webhook"),
    path("<slug:provider>/<slug:account>/", receive_webhook, name="account_webhook"),
]
