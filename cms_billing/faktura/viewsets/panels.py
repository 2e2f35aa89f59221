"""Panels of the issuer's form that show what belongs to it and lives on its own pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from wagtail.admin.panels import Panel

_FOLDER = "cms_billing/faktura/admin"


class MissingPanel(Panel):
    """What the law asks for on an invoice and the form does not say yet, as saved."""

    def __init__(self, missing_of: Callable[[Any], list[str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.missing_of = missing_of

    def clone_kwargs(self) -> dict[str, Any]:
        return {**super().clone_kwargs(), "missing_of": self.missing_of}

    class BoundPanel(Panel.BoundPanel):
        template_name = f"{_FOLDER}/missing_panel.html"

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            context = super().get_context_data(parent_context)
            saved = self.instance.pk is not None
            return {
                **context,
                "saved": saved,
                "missing": self.panel.missing_of(self.instance) if saved else [],
            }


class _ListPanel(Panel):
    """A list of rows of the saved issuer with links to their forms."""

    class BoundPanel(Panel.BoundPanel):
        def rows(self) -> list[dict[str, Any]]:
            return []

        index_url_name = ""
        add_url_name = ""

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            context = super().get_context_data(parent_context)
            rows = self.rows() if self.instance.pk else []
            return {
                **context,
                "rows": rows,
                "saved": self.instance.pk is not None,
                "add_url": f"{reverse(self.add_url_name)}?issuer={self.instance.pk or ''}",
            }


class NumbersPanel(_ListPanel):
    class BoundPanel(_ListPanel.BoundPanel):
        template_name = f"{_FOLDER}/numbers_panel.html"
        add_url_name = "billing-numberseries:add"

        def rows(self) -> list[dict[str, Any]]:
            from .settings import preview_of

            return [
                {
                    "label": str(series),
                    "preview": preview_of(series),
                    "url": reverse("billing-numberseries:edit", args=[series.pk]),
                }
                for series in self.instance.series.all()
            ]


class MailTextsPanel(_ListPanel):
    class BoundPanel(_ListPanel.BoundPanel):
        template_name = f"{_FOLDER}/mail_texts_panel.html"
        add_url_name = "billing-mailtext:add"

        def rows(self) -> list[dict[str, Any]]:
            return [
                {
                    "label": str(text),
                    "preview": text.subject,
                    "url": reverse("billing-mailtext:edit", args=[text.pk]),
                }
                for text in self.instance.mail_texts.order_by("purpose", "language")
            ]
