"""The page of one row: facts at the top, then sections with tables, texts and whatever a template shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from wagtail import hooks
from wagtail.admin.ui.components import Component
from wagtail.admin.ui.tables import BaseColumn, Table
from wagtail.admin.views import generic
from wagtail.admin.widgets.button import Button, HeaderButton

from .scope import ScopedView


@dataclass(frozen=True)
class Fact:
    """One labelled value; ``tone`` is "", "good", "warning" or "critical"."""

    label: Any
    value: Any
    url: str | None = None
    tone: str = ""


class Section(Component):
    """A titled part of a page. ``note`` stands below the title; ``url``/``url_label`` link to the whole list."""

    template_name = "cms_billing/core/admin/section.html"

    def __init__(self, title: Any, *, note: Any = "", url: str | None = None, url_label: Any = "") -> None:
        self.title, self.note, self.url, self.url_label = title, note, url, url_label

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        return {"section": self, "request": parent_context.get("request"), "body": ""}


class Facts(Section):
    template_name = "cms_billing/core/admin/facts_section.html"

    def __init__(self, title: Any, facts: Iterable[Fact], **kwargs: Any) -> None:
        super().__init__(title, **kwargs)
        self.facts = [fact for fact in facts if fact.value not in (None, "")]


class TextSection(Section):
    """Plain text, line breaks kept; ``tone`` makes it a message."""

    template_name = "cms_billing/core/admin/text_section.html"

    def __init__(self, title: Any, text: Any, *, tone: str = "", **kwargs: Any) -> None:
        super().__init__(title, **kwargs)
        self.text, self.tone = text, tone


class TableSection(Section):
    """Rows in Wagtail's own table; ``empty`` is what is said when there are none."""

    template_name = "cms_billing/core/admin/table_section.html"

    def __init__(
        self,
        title: Any,
        columns: Sequence[BaseColumn],
        rows: Iterable[Any],
        *,
        empty: Any = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(title, **kwargs)
        self.rows = list(rows)
        self.empty = empty or _("None.")
        self.table = Table(columns, self.rows, classname="listing billing-table", caption=str(title))


@dataclass(frozen=True)
class Action:
    """A button in the header: where it leads, who sees it, and whether it makes sense for this row now."""

    label: Any
    url_name: str
    icon: str
    permission: str
    when: Callable[[Any], bool] = lambda row: True
    # Lower comes first; the first one is drawn as the main thing to do.
    priority: int = 0


class InspectView(ScopedView, generic.InspectView):
    """Subclasses give ``facts()``, ``own_sections()`` and ``actions``.

    Other apps add theirs by the hooks ``<extension>_sections`` and ``<extension>_facts`` (called with request and row,
    yield sections or facts) and ``<extension>_actions`` (called without arguments, returns ``Action``s).
    """

    template_name = "cms_billing/core/admin/inspect.html"
    extension = ""
    actions: Sequence[Action] = ()
    history_url_name: str | None = None

    def facts(self) -> Iterable[Fact]:
        return ()

    def aside(self) -> Component | None:
        """What stands beside the sections on wide screens, and before them on narrow ones."""
        return None

    def own_sections(self) -> Iterable[Section]:
        return ()

    def sections(self) -> Iterable[Section]:
        yield from self.own_sections()
        for add in self._hooks("sections"):
            yield from add(self.request, self.object)

    def all_facts(self) -> Iterable[Fact]:
        yield from self.facts()
        for add in self._hooks("facts"):
            yield from add(self.request, self.object)

    def all_actions(self) -> list[dict[str, Any]]:
        """The actions this user may take with this row now, with their addresses."""
        actions = [*(action for add in self._hooks("actions") for action in add()), *self.actions]
        actions.sort(key=lambda action: action.priority)
        return [
            {
                "label": action.label,
                "icon": action.icon,
                "url": reverse(action.url_name, args=[quote(self.object.pk)]),
            }
            for action in actions
            if self.request.user.has_perm(action.permission) and action.when(self.object)
        ]

    def _hooks(self, name: str) -> list[Callable[..., Any]]:
        return hooks.get_hooks(f"{self.extension}_{name}") if self.extension else []

    def get_fields_context(self) -> list[Any]:
        return []

    def get_page_title(self) -> str:
        return capfirst(self.model._meta.verbose_name)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        items = [*self.breadcrumbs_items]
        if self.index_url_name:
            label = capfirst(self.model._meta.verbose_name_plural)
            items.append({"url": reverse(self.index_url_name), "label": label})
        return [*items, {"url": "", "label": capfirst(str(self.object))}]

    @cached_property
    def header_buttons(self) -> list[Any]:
        edit_url = self.get_edit_url()
        return [HeaderButton(_("Edit"), url=edit_url, icon_name="edit")] if edit_url else []

    @cached_property
    def header_more_buttons(self) -> list[Any]:
        buttons = []
        if delete_url := self.get_delete_url():
            buttons.append(Button(_("Delete"), url=delete_url, icon_name="bin", priority=20))
        if self.history_url_name:
            url = reverse(self.history_url_name, args=[quote(self.object.pk)])
            buttons.append(Button(_("History"), url=url, icon_name="history", priority=40))
        return buttons

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["facts"] = [fact for fact in self.all_facts() if fact.value not in (None, "")]
        context["actions"] = self.all_actions()
        context["aside"] = self.aside()
        context["sections"] = list(self.sections())
        return context
