"""Included by ``cms_billing.payments.urls`` at ``webhooks/``: one address a provider."""

from django.urls import path

from .views_webhooks import receive_webhook

urlpatterns = [path("<slug:provider>/", receive_webhook, name="webhook")]
