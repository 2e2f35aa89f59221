"""Included by ``cms_billing.urls`` where ``cms_billing.testing`` is installed."""

from django.urls import path

from . import views
from .vendors.hosted import show_page

urlpatterns = [
    path("time-machine/", views.time_machine, name="time_machine"),
    path("time-machine/move/", views.move, name="time_machine_move"),
    path("stand-ins/<slug:vendor>/<str:page_id>/", show_page, name="stand_in"),
]
