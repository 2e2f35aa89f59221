from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import PROTECT, RESTRICT, Model, ProtectedError, RestrictedError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from wagtail.admin import messages
from wagtail.admin.admin_url_finder import ModelAdminURLFinder
from wagtail.admin.ui.tables import BulkActionsCheckboxColumn
from wagtail.admin.views import generic
from wagtail.admin.views.generic.history import HistoryView
from wagtail.admin.views.generic.usage import UsageView
from wagtail.admin.viewsets.model import ModelViewSet
from wagtail.admin.widgets.button import ListingButton
from wagtail.permissions import policy_registry, register_permission_policy

from ..exceptions import BillingError
from .bulk import BillingBulkAction, register_bulk_actions
from .exporting import GuardedExportMixin
from .menu import BILLING_MENU_HOOK
from .paging import LongListPaginator
from .scope import IssuerScopedPolicy, ScopedView
from .sections import Fact, InspectView

_ANY = ["add", "change", "delete", "view"]


@dataclass(frozen=True)
class Summary:
    """What a list adds up to: how many rows, and facts to show above them."""

    count: int
    facts: Sequence[Fact]


@dataclass(frozen=True)
class WhatNext:
    """What an empty list tells people to do: a sentence, and where to."""

    text: Any
    url: str = ""
    label: Any = ""


class BillingIndexView(GuardedExportMixin, ScopedView, generic.IndexView):
    """Rows lead to their page (inspect) where there is one, else to the form.

    Pages are looked up by their keys first (``LongListPaginator``), so ``rows()`` may join and annotate what it likes.
    """

    # Search looks at the columns named in ``search_fields``: numbers and names must be found in full and at once.
    search_backend_name = None
    table_classname = "listing billing-list"
    template_name = "cms_billing/core/admin/index.html"
    results_template_name = "cms_billing/core/admin/index_results.html"
    bulk_actions: Sequence[type[BillingBulkAction]] = ()
    _summary: Summary | None = None

    def get_queryset(self) -> Any:
        return generic.IndexView.get_queryset(self)

    def summary(self, queryset: Any) -> Summary | None:
        """What all rows that the filters leave add up to, in one query; it counts them too."""
        return None

    def what_next(self) -> WhatNext | None:
        """Said where there are no rows at all."""
        return None

    def get_paginator(self, queryset: Any, per_page: int, **kwargs: Any) -> LongListPaginator:
        self._summary = self.summary(queryset)
        count = self._summary.count if self._summary else None
        fetch = self.rows_by_key
        return LongListPaginator(queryset, per_page, fetch=fetch, known_count=count, **kwargs)

    def rows_by_key(self, keys: Sequence[Any]) -> Any:
        return self.rows().filter(pk__in=keys)

    def get_list_more_buttons(self, instance: Any) -> list[Any]:
        """None where the menu of a row would only repeat its title's link: it takes a quarter of a page's time."""
        buttons = super().get_list_more_buttons(instance)
        title_url = self.get_inspect_url(instance) or self.get_edit_url(instance)
        return buttons if any(button.url != title_url for button in buttons) else []

    @cached_property
    def allowed_bulk_actions(self) -> list[type[BillingBulkAction]]:
        user = self.request.user
        allowed = [action for action in self.bulk_actions if user.has_perm(action.permission)]
        return sorted(allowed, key=lambda action: action.action_priority)

    @cached_property
    def columns(self) -> list[Any]:
        columns = generic.IndexView.columns.func(self)
        if self.allowed_bulk_actions:
            columns.insert(0, BulkActionsCheckboxColumn("bulk_actions", obj_type=self.model._meta.model_name))
        return columns

    def bulk_buttons(self) -> Iterable[ListingButton]:
        meta = self.model._meta
        for action in self.allowed_bulk_actions:
            yield ListingButton(
                action.display_name,
                reverse("wagtail_bulk_action", args=[meta.app_label, meta.model_name, action.action_type]),
                attrs={"aria-label": action.aria_label, "data-bulk-action-button": ""},
                classname=" ".join([*sorted(action.classes), "bulk-action-btn"]),
            )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        # Oscar's context processor puts a form of the same name into every page.
        context.setdefault("search_form", None)
        context["summary"] = self._summary.facts if self._summary else []
        context["bulk_buttons"] = list(self.bulk_buttons())
        if not context["object_list"] and not self.is_export:
            context["what_next"] = self.what_next()
        return context

    def _get_title_column(self, field_name: str, *args: Any, **kwargs: Any) -> Any:
        column = super()._get_title_column(field_name, *args, **kwargs)
        column._get_url_func = lambda row: self.get_inspect_url(row) or self.get_edit_url(row)
        if field_name == "__str__":
            column.accessor = lambda row: capfirst(str(row))
        return column


class _ToldByServices:
    """A BillingError of a service that saves shows on the form; nothing was changed."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)  # type: ignore[misc]
        except BillingError as error:
            form.add_error(None, str(error))
            self.produced_error_message = str(error)
            return self.form_invalid(form)  # type: ignore[attr-defined]


class BillingCreateView(_ToldByServices, ScopedView, generic.CreateView):
    def get_object(self, queryset: Any = None) -> None:
        return None


class BillingEditView(_ToldByServices, ScopedView, generic.EditView):
    pass


class BillingDeleteView(ScopedView, generic.DeleteView):
    """Says what stands in the way instead of failing on it."""

    template_name = "cms_billing/core/admin/confirm_delete.html"
    #: What to do instead, said where the row cannot be deleted.
    delete_instead: Any = ""

    @cached_property
    def obstacle(self) -> str:
        """Why the row cannot be deleted; empty: it can (or only the database knows better)."""
        users = users_of(self.object)
        return in_use(self.object, users) if users else ""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            if not self.obstacle:
                with transaction.atomic():
                    return super().form_valid(form)
            reason = self.obstacle
        except (ProtectedError, RestrictedError):
            reason = _("%(object)s is in use by now and cannot be deleted.") % {"object": self.object}
        except BillingError as error:
            reason = str(error)
        messages.error(self.request, f"{reason} {self.delete_instead}".strip())
        return redirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["obstacle"] = self.obstacle
        return context


class BillingHistoryView(ScopedView, HistoryView):
    any_permission_required = _ANY
    inspect_url_name: str | None = None

    def get_queryset(self) -> Any:
        return HistoryView.get_queryset(self)

    def get_base_queryset(self) -> Any:
        return HistoryView.get_base_queryset(self)

    def get_edit_url(self, instance: Any) -> str | None:
        name = self.inspect_url_name or self.edit_url_name
        return reverse(name, args=[quote(instance.pk)]) if name else None

    header_buttons: list[Any] = []


class BillingUsageView(ScopedView, UsageView):
    def get_queryset(self) -> Any:
        return UsageView.get_queryset(self)


class BillingModelViewSet(ModelViewSet):
    """``ModelViewSet`` in the Billing menu, every view of it scoped by ``visible_to(request.user)``.

    ``name`` (the address below /admin/ and the URL namespace) defaults to ``billing-<model>``. Copying is off, and no
    usage pages: billing rows are referred to by foreign keys that protect them.
    """

    #: False only for rows that belong to no issuer.
    scoped = True
    add_to_reference_index = False
    copy_view_enabled = False
    inspect_view_enabled = True
    list_per_page = 50
    menu_hook = BILLING_MENU_HOOK
    icon = "doc-full"
    #: What to do instead of deleting a row that is in use; a sentence.
    delete_instead: Any = ""
    search_backend_name = None
    #: Actions for many rows at once, in the order of their ``action_priority``.
    bulk_actions: Sequence[type[BillingBulkAction]] = ()

    index_view_class = BillingIndexView
    add_view_class = BillingCreateView
    edit_view_class = BillingEditView
    delete_view_class = BillingDeleteView
    history_view_class = BillingHistoryView
    usage_view_class = BillingUsageView
    inspect_view_class = InspectView

    @cached_property
    def name(self) -> str:
        return f"billing-{self.model_name.replace('_', '-')}"

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        kwargs = {
            "scoped": self.scoped,
            "usage_url_name": None,
            "delete_instead": self.delete_instead,
            **kwargs,
        }
        return super().get_common_view_kwargs(**kwargs)

    def get_index_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_index_view_kwargs(**{"bulk_actions": self.bound_bulk_actions, **kwargs})

    @cached_property
    def bound_bulk_actions(self) -> list[type[BillingBulkAction]]:
        return register_bulk_actions(self, self.bulk_actions)

    def list_view(self, request: Any) -> Any:
        """The list as an object, asked by ``request``: for what works on the rows that its filters leave."""
        view = self.index_view
        made = view.view_class(**view.view_initkwargs)
        made.setup(request)
        return made

    def listed(self, request: Any) -> Any:
        """The rows that the filters and the search of ``request`` leave, in the list's order."""
        return self.list_view(request).get_queryset()

    def get_urlpatterns(self) -> list[Any]:
        return [pattern for pattern in super().get_urlpatterns() if pattern.name != "usage"]

    def get_permissions_to_register(self) -> Any:
        """All of the model's in Wagtail's group settings, "view" too: auditors read lists that have no page a row."""
        return permissions_for(self.model)

    def on_register(self) -> None:
        self._check_scope()
        if self.scoped and not policy_registry.get_by_type(self.model, fallback=False):
            register_permission_policy(self.model, IssuerScopedPolicy(self.model), exact_class=True)
        super().on_register()

    def _check_scope(self) -> None:
        """Integrators who swap a view class must not lose the scope with it."""
        for attribute in ("index", "add", "edit", "delete", "history", "inspect"):
            view = getattr(self, f"{attribute}_view_class")
            if not issubclass(view, ScopedView):
                raise ImproperlyConfigured(
                    f"{type(self).__name__}.{attribute}_view_class must derive from cms_billing.core.admin.ScopedView, "
                    "or editors would see the rows of other issuers."
                )


class ReadOnlyViewSet(BillingModelViewSet):
    """For frozen and derived rows: a list, a page each, and their history. Nothing to add, edit or delete."""

    _writing = ("add", "edit", "delete")
    form_fields: list[str] = []

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        none = {f"{name}_url_name": None for name in self._writing}
        return super().get_common_view_kwargs(**{**none, **kwargs})

    def get_urlpatterns(self) -> list[Any]:
        return [pattern for pattern in super().get_urlpatterns() if pattern.name not in self._writing]

    @property
    def url_finder_class(self) -> type[ModelAdminURLFinder]:
        viewset = self

        class Finder(ModelAdminURLFinder):
            edit_url_name = viewset.get_url_name("inspect")

            def get_edit_url(self, instance: Any) -> str | None:
                policy = policy_registry.get(instance)
                visible = not self.user or policy.user_has_permission_for_instance(
                    self.user, "view", instance
                )
                return self.construct_edit_url(instance) if visible else None

        return Finder


def permissions_for(*models: type[Model]) -> Any:
    """The permissions of models, for the hook ``register_permissions``."""
    types = ContentType.objects.get_for_models(*models, for_concrete_models=False)
    return Permission.objects.filter(content_type__in=types.values())


def users_of(row: Any) -> list[tuple[Any, int]]:
    """What keeps a row from being deleted: ``[(options of the model, how many)]``. Counts, and loads nothing."""
    found = []
    for relation in row._meta.related_objects:
        if getattr(relation, "on_delete", None) in (PROTECT, RESTRICT):
            rows = relation.related_model._base_manager.filter(**{relation.field.name: row.pk})
            if count := rows.count():
                found.append((relation.related_model._meta, count))
    return found


def in_use(row: Any, users: list[tuple[Any, int]]) -> str:
    """``“Gold” cannot be deleted, because it is used by 12 contracts.``"""
    parts = [f"{n} {meta.verbose_name if n == 1 else meta.verbose_name_plural}" for meta, n in users]
    return _("“%(object)s” cannot be deleted, because it is used by %(users)s.") % {
        "object": row,
        "users": ", ".join(parts),
    }
