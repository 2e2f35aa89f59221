from __future__ import annotations

from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.filters import WagtailFilterSet

from .scope import rows_visible_to


class VisibleChoiceFilter(django_filters.ModelChoiceFilter):
    """A choice of related rows (plans, issuers) the user may see. ``model`` is theirs."""

    def __init__(self, *args: Any, model: Any, **kwargs: Any) -> None:
        kwargs["queryset"] = lambda request: rows_visible_to(model, request.user)
        super().__init__(*args, **kwargs)


class BillingFilterSet(WagtailFilterSet):
    """Filters of a billing list: an issuer filter comes by itself where the user sees more than one.

    ``issuer_path`` leads from the model to its issuer; None: the model has none. With an ``extension`` the hooks
    ``<extension>_filters`` add theirs: ``hook(request)`` returns filters by name.
    """

    issuer_path: str | None = "issuer"
    extension: str = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.issuer_path and self.request is not None:
            self._add_issuer_filter(self.issuer_path)
        for filters_for in hooks.get_hooks(f"{self.extension}_filters") if self.extension else []:
            for name, added in filters_for(self.request).items():
                self._add(name, added)

    def _add(self, name: str, added: django_filters.Filter) -> None:
        added.parent, added.model = self, self._meta.model
        self.filters[name] = added

    def _add_issuer_filter(self, path: str) -> None:
        model = self._meta.model
        for step in path.split("__"):
            model = model._meta.get_field(step).related_model
        if rows_visible_to(model, self.request.user)[:2].count() < 2:
            return
        self._add("issuer", VisibleChoiceFilter(field_name=path, label=_("Issuer"), model=model))
