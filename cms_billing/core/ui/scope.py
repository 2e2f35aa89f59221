"""Which rows a user of the admin sees: those of the issuers of their groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet
from django.forms import BaseForm, ModelChoiceField
from django.shortcuts import get_object_or_404
from wagtail.permission_policies import ModelPermissionPolicy


def rows_visible_to(rows: type[Model] | QuerySet[Any], user: Any) -> QuerySet[Any]:
    """``rows.visible_to(user)``; a model without it is no billing model with an issuer and fails loudly."""
    queryset: Any = rows._default_manager.all() if isinstance(rows, type) else rows
    return queryset.visible_to(user)


class IssuerScopedPolicy(ModelPermissionPolicy):
    """Django's model permissions, for the rows of visible issuers only."""

    def user_has_permission_for_instance(self, user: Any, action: str, instance: Model) -> bool:
        return self.user_has_any_permission_for_instance(user, [action], instance)

    def user_has_any_permission_for_instance(
        self, user: Any, actions: Iterable[str], instance: Model
    ) -> bool:
        if not self.user_has_any_permission(user, actions):
            return False
        return rows_visible_to(type(instance), user).filter(pk=instance.pk).exists()

    def instances_user_has_any_permission_for(self, user: Any, actions: Iterable[str]) -> QuerySet[Any]:
        if not self.user_has_any_permission(user, actions):
            return self.model._default_manager.none()
        return rows_visible_to(self.model, user)


class ScopedView:
    """Mix in before Wagtail's generic views: lists, objects and choices end at the user's issuers.

    ``scoped = False`` only for rows that belong to no issuer (tax rates).
    """

    scoped = True
    request: Any
    kwargs: dict[str, Any]
    object: Any

    def rows(self) -> QuerySet[Any]:
        """What this view may show; subclasses add ``select_related`` here."""
        model = self.model  # type: ignore[attr-defined]
        return rows_visible_to(model, self.request.user) if self.scoped else model._default_manager.all()

    # The generic views ask for their rows in four different ways.
    def get_queryset(self) -> QuerySet[Any]:
        return self.rows()

    def get_base_queryset(self) -> QuerySet[Any]:
        return self.rows()

    def get_base_object_queryset(self) -> QuerySet[Any]:
        return self.rows()

    def get_object(self, queryset: Any = None) -> Any:
        if getattr(self, "object", None) is not None:
            return self.object
        return get_object_or_404(self.rows(), pk=unquote(str(self.kwargs["pk"])))

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)  # type: ignore[misc]
        limit_choices(form, self.request.user)
        return form


def limit_choices(form: BaseForm, user: Any) -> None:
    """Relations in a form offer, and accept, only rows the user may see."""
    for field in form.fields.values():
        queryset: Any = getattr(field, "queryset", None)
        if isinstance(field, ModelChoiceField) and hasattr(queryset, "visible_to"):
            field.queryset = queryset.visible_to(user)
