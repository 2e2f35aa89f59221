"""Letterheads: how the letters look, edited beside a preview of their pages."""

from __future__ import annotations

import base64
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.generic import View
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import Column
from wagtail.permissions import policy_registry

from cms_billing.core.admin import BillingFilterSet, BillingIndexView
from cms_billing.core.exceptions import BillingError
from cms_billing.core.ui.preview import PreviewedCreateView, PreviewedEditView, PreviewedViewSet, PreviewView

from ..letterhead_previews import preview_pdf
from ..models import Issuer, Letterhead
from ..rendering.designs import designs
from ..rendering.footers import MEANINGS
from ..rendering.page_images import page_count, page_images
from ..services.letterheads import keep_background
from ..uploads.exceptions import UploadRefused
from ..uploads.sandbox import LARGEST_BACKGROUND, MEGABYTE
from .letterhead_form import BackgroundInput, ColorInput, InheritedOr, LetterheadForm, thumbnail

SHOWN_PAGES = 4
IN_THE_FOOTER = gettext_lazy("In the footer. How to pay stands below the total of each invoice.")
PIXELS = 1100


class LetterheadCreateView(PreviewedCreateView):
    """``?issuer=7`` fills in the issuer the link came from; where there is only one, it is that."""

    template_name = "cms_billing/faktura/admin/letterhead_form.html"

    def get_initial(self) -> dict[str, Any]:
        initial = super().get_initial()
        issuer = self.request.GET.get("issuer", "")
        if issuer.isdecimal():
            return {**initial, "issuer": issuer}
        seen = list(Issuer.objects.visible_to(self.request.user).values_list("pk", flat=True)[:2])
        return {**initial, "issuer": seen[0]} if len(seen) == 1 else initial


class LetterheadPreview(PreviewView):
    def render(self, row: Letterhead, mode: str) -> HttpResponse:
        context: dict[str, Any] = {"pages": [], "more": 0, "message": ""}
        try:
            context |= shown_pages(preview_pdf(row, mode, self.request.user))
        except BillingError as error:
            context["message"] = str(error)
        return render(self.request, "cms_billing/faktura/admin/letterhead_preview.html", context)


def shown_pages(pdf: bytes) -> dict[str, Any]:
    """Pictures of a PDF's first pages, for the template of previews."""
    pictures = page_images(pdf, width=PIXELS, max_pages=SHOWN_PAGES)
    count = page_count(pdf)
    return {
        "pages": [base64.b64encode(picture).decode() for picture in pictures],
        "count": count,
        "more": count - len(pictures),
    }


class UploadBackgroundView(View):
    """POST a file: ``{"sha256", "thumbnail"}`` of what was kept of it, or ``{"error"}`` that says why it was not."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> JsonResponse:
        policy = policy_registry.get_by_type(Letterhead)
        if not policy.user_has_any_permission(request.user, ["add", "change"]):
            raise PermissionDenied
        upload = request.FILES.get("file")
        if upload is None:
            return JsonResponse({"error": _("Choose a file.")}, status=400)
        try:
            if (upload.size or 0) > LARGEST_BACKGROUND:
                raise UploadRefused(
                    "too_large", name=upload.name or "", facts={"limit": LARGEST_BACKGROUND // MEGABYTE}
                )
            sha256 = keep_background(upload.read(), name=upload.name or "")
        except BillingError as error:
            return JsonResponse({"error": str(error)}, status=422)
        return JsonResponse({"sha256": sha256, "thumbnail": thumbnail(sha256)})


class LetterheadIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")


class LetterheadFilterSet(BillingFilterSet):
    class Meta:
        model = Letterhead
        fields = ["kind", "template"]


class FooterPlaceholdersPanel(HelpPanel):
    class BoundPanel(HelpPanel.BoundPanel):
        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            rows = [(f"{{{name}}}", meaning) for name, meaning in MEANINGS.items()]
            return {**super().get_context_data(parent_context), "placeholders": rows}


def design_of(letterhead: Letterhead) -> str:
    return str(designs().get(letterhead.template, _("inherited")))


def _switch(name: str, **options: Any) -> FieldPanel:
    return FieldPanel(name, widget=InheritedOr, **options)


def _select(name: str) -> FieldPanel:
    return FieldPanel(name, widget=forms.Select)


def _column(name: str) -> FieldPanel:
    return FieldPanel(name, widget=forms.Textarea(attrs={"rows": 4}))


class LetterheadViewSet(PreviewedViewSet):
    model = Letterhead
    icon = "doc-full-inverse"
    menu_label = gettext_lazy("Letterheads")
    menu_order = 705
    inspect_view_enabled = False
    edit_template_name = "cms_billing/faktura/admin/letterhead_form.html"
    list_display = [
        "__str__",
        Column("documents", label=pgettext_lazy("billing", "Documents"), accessor="documents"),
        Column("design", label=gettext_lazy("Design"), accessor=design_of),
        Column("issuer", label=gettext_lazy("Issuer"), sort_key="issuer__name"),
    ]
    filterset_class = LetterheadFilterSet
    search_fields = ["name", "issuer__name"]
    edit_handler = ObjectList(
        [
            MultiFieldPanel(
                [FieldRowPanel([FieldPanel("issuer"), FieldPanel("kind")]), FieldPanel("name")],
                heading=gettext_lazy("For which letters"),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([_select("template"), _select("font"), FieldPanel("font_size")]),
                    FieldRowPanel(
                        [
                            FieldPanel("accent_color", widget=ColorInput),
                            FieldPanel("text_color", widget=ColorInput),
                        ]
                    ),
                ],
                heading=gettext_lazy("Design"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel("logo"),
                    FieldRowPanel([_select("logo_position"), FieldPanel("logo_width")]),
                    _switch("show_header"),
                ],
                heading=gettext_lazy("Logo and sender"),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel(
                        [
                            FieldPanel("first_background", widget=BackgroundInput),
                            FieldPanel("next_background", widget=BackgroundInput),
                        ]
                    ),
                    _switch("show_background"),
                ],
                heading=gettext_lazy("Letter paper"),
            ),
            MultiFieldPanel(
                [
                    FooterPlaceholdersPanel(template="cms_billing/faktura/admin/footer_placeholders.html"),
                    FieldRowPanel([_column("footer_1"), _column("footer_2")]),
                    FieldRowPanel([_column("footer_3"), _column("footer_4")]),
                    FieldPanel("footer_line", widget=forms.Textarea(attrs={"rows": 2})),
                    _switch("show_footer"),
                ],
                heading=gettext_lazy("Footer"),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([_switch("show_bank", help_text=IN_THE_FOOTER), _switch("show_qr")]),
                    _select("line_details"),
                ],
                heading=gettext_lazy("What is printed"),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("margin_left"), FieldPanel("margin_right")]),
                    FieldRowPanel([FieldPanel("margin_top"), FieldPanel("margin_bottom")]),
                ],
                heading=gettext_lazy("Margins"),
                help_text=gettext_lazy(
                    "The address stays where window envelopes want it (DIN 5008, form B), whatever the margins are."
                ),
            ),
        ],
        base_form_class=LetterheadForm,
    )
    index_view_class = LetterheadIndexView
    add_view_class = LetterheadCreateView
    edit_view_class = PreviewedEditView
    preview_view_class = LetterheadPreview

    def get_urlpatterns(self) -> list[Any]:
        return [*super().get_urlpatterns(), path("upload/", UploadBackgroundView.as_view(), name="upload")]
