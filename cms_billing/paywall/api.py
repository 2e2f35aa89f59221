"""Wagtail's API v2 behind the same decision. API v3 is guarded by itself (``api_v3``).

from cms_billing.paywall.api import PagesAPIViewSet

api_router.register_endpoint("pages", PagesAPIViewSet)

Likewise ``DocumentsAPIViewSet`` and ``ImagesAPIViewSet``.

Pages that the caller may not read are not there, unless ``CMS_BILLING["API_CLOSED_PAGES"]`` is ``"teaser"``: then they
are listed with their title, addresses and teaser. Fields of their own are never handed out, not as a field of another
page either.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Set
from typing import Any

from django.utils.cache import patch_vary_headers
from rest_framework.fields import SkipField
from rest_framework.response import Response
from wagtail.api.v2.serializers import PageSerializer
from wagtail.api.v2.views import PagesAPIViewSet as OpenPagesAPIViewSet
from wagtail.documents.api.v2.views import DocumentsAPIViewSet as OpenDocumentsAPIViewSet
from wagtail.images.api.v2.views import ImagesAPIViewSet as OpenImagesAPIViewSet
from wagtail.models import PAGE_TEMPLATE_VAR

from cms_billing.core import clock

from . import api_teasers, listings, views
from .files.selectors import files_visible_to
from .rule_map import RulesUnreadable, current_rules
from .selectors import visible_to


class PublicPart:
    """Before a serializer of Wagtail's, which may have to leave most fields out."""

    fields: dict[str, Any]
    meta_fields: list[str]

    def _public_part(self, instance: Any, names: Set[str]) -> dict[str, Any]:
        data: dict[str, Any] = OrderedDict()
        for name, field in self.fields.items():
            if name not in names:
                continue
            try:
                attribute = field.get_attribute(instance)
            except SkipField:
                continue
            value = None if attribute is None else field.to_representation(attribute)
            if name in self.meta_fields:
                data.setdefault("meta", OrderedDict())[name] = value
            else:
                data[name] = value
        return data


class PaywallPageSerializer(PublicPart, PageSerializer):
    """Of a closed page only what its teaser shows, wherever in the answer it stands."""

    def to_representation(self, instance: Any) -> Any:
        decision = listings.glance(self.context["request"], instance)
        if decision.granted:
            return self._whole(instance)
        public = self._public_part(instance, api_teasers.PUBLIC_FIELDS)
        return {**public, **api_teasers.closed_part(instance, decision)}

    def _whole(self, instance: Any) -> Any:
        """Blocks that are not for everybody ask which page they stand in."""
        around = self.context.get(PAGE_TEMPLATE_VAR)
        self.context[PAGE_TEMPLATE_VAR] = instance
        try:
            return super().to_representation(instance)
        finally:
            self.context[PAGE_TEMPLATE_VAR] = around


class NestedFileSerializer(PublicPart):
    """A document or image in a field of a page: a closed one says only that it is there."""

    context: dict[str, Any]

    def to_representation(self, instance: Any) -> Any:
        decision = listings.file_glance(self.context["request"], instance)
        if decision.granted:
            return super().to_representation(instance)  # type: ignore[misc]
        public = self._public_part(instance, api_teasers.PUBLIC_FILE_FIELDS)
        return {**public, "paywall": api_teasers.paywall_part(decision)}


class PrivateAnswers:
    """Answers depend on who asks, so no shared cache may keep those of a member. While the rules cannot be read,
    there are none."""

    request: Any

    def handle_exception(self, exc: Exception) -> Any:
        if not isinstance(exc, RulesUnreadable):
            return super().handle_exception(exc)  # type: ignore[misc]
        views.log_unreadable(self.request, exc)
        # As Wagtail's own errors look.
        return Response({"message": views.try_again()}, status=503, headers=views.UNREADABLE_HEADERS)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        patch_vary_headers(response, ["Cookie", "Authorization"])
        if request.user.is_authenticated:
            response["Cache-Control"] = "private, no-store"
        return response


class PaywallMixin(PrivateAnswers):
    """Before a viewset of pages."""

    base_serializer_class = PaywallPageSerializer

    def get_base_queryset(self) -> Any:
        current_rules()
        pages = super().get_base_queryset()  # type: ignore[misc]
        if api_teasers.are_listed(self.request.GET):
            return pages
        return visible_to(pages, listings.reader_of(self.request), today=clock.today())


class FilesMixin(PrivateAnswers):
    """Before a viewset of documents or images: those of closed collections are not there, and in a field of a page
    they show neither title nor address."""

    @classmethod
    def _get_serializer_class(cls, *args: Any, nested: bool = False, **kwargs: Any) -> Any:
        made = super()._get_serializer_class(*args, nested=nested, **kwargs)  # type: ignore[misc]
        return type(made.__name__, (NestedFileSerializer, made), {}) if nested else made

    def get_queryset(self) -> Any:
        files = super().get_queryset()  # type: ignore[misc]
        return files_visible_to(files, listings.reader_of(self.request), today=clock.today())


class PagesAPIViewSet(PaywallMixin, OpenPagesAPIViewSet):
    """Wagtail's endpoint for pages, guarded."""


class DocumentsAPIViewSet(FilesMixin, OpenDocumentsAPIViewSet):
    """Wagtail's endpoint for documents, guarded."""


class ImagesAPIViewSet(FilesMixin, OpenImagesAPIViewSet):
    """Wagtail's endpoint for images, guarded."""
