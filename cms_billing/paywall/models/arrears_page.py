"""The page that a locked member gets in place of a full text, written by editors: one for each issuer and language."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page

from cms_billing.faktura.models import Issuer
from cms_billing.faktura.models.parties import LANGUAGES

from ..blocks import TEXT_FEATURES, ArrearsBlock


class ArrearsPageForm(WagtailAdminPageForm):
    """Editors choose among the issuers they see, and publish one page for each of them and language."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "issuer" in self.fields and self.for_user is not None:
            mine = Issuer.objects.visible_to(self.for_user).values("pk")
            choices = Issuer.objects.filter(Q(pk__in=mine) | Q(pk=self.instance.issuer_id))
            self.fields["issuer"].queryset = choices

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        issuer = cleaned.get("issuer")
        if "action-publish" not in self.data or issuer is None:
            return cleaned
        language = cleaned.get("language") or self.instance.language
        others = ArrearsPage.objects.live().filter(issuer=issuer, language=language)
        if other := others.exclude(pk=self.instance.pk).first():
            raise ValidationError(
                _("“%(page)s” is the page of this issuer in this language already. Unpublish it first."),
                params={"page": other.title},
            )
        return cleaned


class ArrearsPage(Page):
    """What members read who are locked out because of unpaid invoices: the editors' words around the member's facts.

    It is shown where the locked page is, and never found: no menu, search, sitemap. Opened at its own address it shows
    the visitor what they owe themselves, and guests nothing of anybody.
    """

    # No rule on a section above it may lock the page that explains locks.
    paywall_always_open = True
    paywall_noindex = True

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="arrears_pages"
    )
    language = models.CharField(
        _("language"),
        max_length=8,
        choices=LANGUAGES,
        default="de",
        help_text=_("Members who read no language there is a page in get the one of the issuer's language."),
    )
    introduction = RichTextField(_("introduction"), features=TEXT_FEATURES, blank=True)
    body = StreamField(ArrearsBlock(), verbose_name=_("text"))

    base_form_class = ArrearsPageForm
    template = "cms_billing/paywall/arrears_page.html"
    content_panels = [
        *Page.content_panels,
        MultiFieldPanel([FieldPanel("issuer"), FieldPanel("language")], heading=_("For whom")),
        FieldPanel("introduction"),
        FieldPanel("body"),
    ]
    promote_panels = [MultiFieldPanel([FieldPanel("slug")], heading=_("Address"))]
    subpage_types: list[str] = []
    show_in_menus_default = False

    class Meta:
        verbose_name = _("arrears page")
        verbose_name_plural = _("arrears pages")

    def clean(self) -> None:
        """Where the site's pages have a language of their own, that one counts."""
        super().clean()
        code = self.locale.language_code.split("-")[0] if self.locale_id else ""
        if getattr(settings, "WAGTAIL_I18N_ENABLED", False) and code in dict(LANGUAGES):
            self.language = code

    @classmethod
    def get_indexed_objects(cls) -> Any:
        return super().get_indexed_objects().none()

    def get_sitemap_urls(self, request: HttpRequest | None = None) -> list[dict[str, Any]]:
        return []

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        from ..views import own_arrears

        return own_arrears(request, self)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        from ..views import example_arrears

        return example_arrears(request, self)
