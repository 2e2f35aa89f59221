"""Included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import path

from . import views

urlpatterns = [path("plans/<int:pk>/", views.plan_offer, name="plan_offer")]
