"""Wagtail's preview panel on a billing form: what is being edited, rendered again while it is edited.

The model takes Wagtail's ``PreviewableMixin`` (for modes and sizes), the viewset ``PreviewedViewSet`` and a subclass of
``PreviewView`` that says what to show of an unsaved row.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin
from wagtail.admin.ui.components import MediaContainer
from wagtail.admin.ui.side_panels import PreviewSidePanel
from wagtail.admin.views.generic.preview import PreviewOnEdit

from .scope import ScopedView
from .viewsets import BillingCreateView, BillingEditView, BillingModelViewSet


class _PreviewedView:
    preview_url_name: str | None = None
    request: Any

    def get_preview_url(self) -> str:
        raise NotImplementedError

    def get_side_panels(self) -> MediaContainer:
        panels = list(super().get_side_panels())  # type: ignore[misc]
        row = self.form.instance  # type: ignore[attr-defined]
        panels.append(PreviewSidePanel(row, self.request, preview_url=self.get_preview_url()))
        return MediaContainer(panels)


class PreviewedCreateView(_PreviewedView, BillingCreateView):
    def get_preview_url(self) -> str:
        return reverse(self.preview_url_name)


class PreviewedEditView(_PreviewedView, BillingEditView):
    def get_preview_url(self) -> str:
        return reverse(self.preview_url_name, args=[self.object.pk])


@method_decorator(xframe_options_sameorigin, name="dispatch")
class PreviewView(ScopedView, PreviewOnEdit):
    """Without ``pk`` of a row that is being added. Subclasses give ``render(row, mode)``."""

    def render(self, row: Any, mode: str) -> HttpResponse:
        raise NotImplementedError

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.permission_required = "change" if "pk" in kwargs else "add"
        self.request, self.kwargs = request, kwargs
        super().setup(request, *args, **kwargs)

    def get_object(self, queryset: Any = None) -> Any:
        self.object = None
        return super().get_object() if "pk" in self.kwargs else self.model()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form(self._get_form_data(self._get_form_state()))
        if not self.validate_form(form):
            return self.error_response()
        row = form.save(commit=False)
        mode = request.GET.get("mode", "")
        modes = [name for name, _label in row.preview_modes]
        response = self.render(row, mode if mode in modes else modes[0])
        patch_cache_control(response, private=True, no_store=True)
        return response


class PreviewedViewSet(BillingModelViewSet):
    add_view_class = PreviewedCreateView
    edit_view_class = PreviewedEditView
    preview_view_class: type[PreviewView] = PreviewView

    def get_add_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        name = self.get_url_name("preview_on_add")
        return super().get_add_view_kwargs(preview_url_name=name, **kwargs)

    def get_edit_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        name = self.get_url_name("preview_on_edit")
        return super().get_edit_view_kwargs(preview_url_name=name, **kwargs)

    def preview_view(self, view_class: type[PreviewView]) -> Any:
        return self.construct_view(view_class, form_class=self.get_form_class(for_update=True))

    def get_urlpatterns(self) -> list[Any]:
        view = self.preview_view(self.preview_view_class)
        return [
            *super().get_urlpatterns(),
            path("preview/", view, name="preview_on_add"),
            path("preview/<int:pk>/", view, name="preview_on_edit"),
        ]
