"""Previews of the admin that ask nobody who they are."""

from django.urls import path

from tests.urls import urlpatterns as clean

from .leaky_doors import printed, shared

urlpatterns = [
    path("admin/pages/<int:pk>/view_draft/", printed),
    path("admin/pages/<int:page_id>/revisions/<int:revision_id>/view/", shared),
    *clean,
]
