"""Billing › Closed files."""

from __future__ import annotations

from typing import Any

from django.urls import path
from wagtail.admin.menu import MenuItem
from wagtail.admin.viewsets.base import ViewSet

from ..models import changeable_collections
from .admin_views import CollectionRuleView, CollectionsView


class FilesViewSet(ViewSet):
    name = "billing-paywall-files"
    icon = "folder-open-1"

    def get_urlpatterns(self) -> list[Any]:
        return [
            path("", CollectionsView.as_view(), name="index"),
            path("<int:collection_id>/", CollectionRuleView.as_view(), name="collection_rule"),
        ]


class FilesMenuItem(MenuItem):
    def is_shown(self, request: Any) -> bool:
        return changeable_collections(request.user).exists()
