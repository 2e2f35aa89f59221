"""The pages of a small music academy: a magazine, courses with lessons, and the legal pages."""

from datetime import date

from django.db import models
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.images import get_image_model_string
from wagtail.models import Page
from wagtail.query import PageQuerySet
from wagtail.search import index

from cms_billing.paywall.lessons.pages import CourseMixin, LessonMixin
from cms_billing.paywall.previewing import ViewAsMixin

from .blocks import TEXT_FEATURES, BodyBlock

# Root, home page, magazine.
MAGAZINE_DEPTH = 3


def cover_field() -> models.ForeignKey:
    return models.ForeignKey(
        get_image_model_string(),
        verbose_name=_("cover image"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )


class SitePage(ViewAsMixin, Page):
    """What every page of the sandbox shares."""

    class Meta:
        abstract = True

    def get_context(self, request: HttpRequest, *args: object, **kwargs: object) -> dict:
        context = super().get_context(request, *args, **kwargs)
        context["crumbs"] = self.get_ancestors().filter(depth__gt=1).live().specific(defer=True)
        return context


class HomePage(SitePage):
    claim = models.CharField(_("claim"), max_length=200)
    intro = RichTextField(_("introduction"), features=TEXT_FEATURES)
    cover = cover_field()

    content_panels = [*Page.content_panels, "claim", "intro", "cover"]
    max_count = 1

    class Meta:
        verbose_name = _("home page")

    def get_context(self, request: HttpRequest, *args: object, **kwargs: object) -> dict:
        context = super().get_context(request, *args, **kwargs)
        context["articles"] = latest_articles()[:3]
        context["courses"] = CoursePage.objects.live().descendant_of(self)[:2]
        context["magazine"] = MagazineIndexPage.objects.live().descendant_of(self).first()
        return context


class MagazineIndexPage(SitePage):
    """The magazine, and a section in it such as the one for members. It lists the articles of its sections too."""

    intro = RichTextField(_("introduction"), features=TEXT_FEATURES, blank=True)

    content_panels = [*Page.content_panels, "intro"]
    parent_page_types = ["sandbox_site.HomePage", "sandbox_site.MagazineIndexPage"]
    subpage_types = ["sandbox_site.MagazineIndexPage", "sandbox_site.ArticlePage"]

    class Meta:
        verbose_name = _("magazine")

    def get_context(self, request: HttpRequest, *args: object, **kwargs: object) -> dict:
        context = super().get_context(request, *args, **kwargs)
        context["articles"] = self.articles()
        return context

    def articles(self) -> PageQuerySet:
        return latest_articles().descendant_of(self)

    def get_teaser(self) -> SafeString:
        """What everybody may see of a section for members: what there is to read in it."""
        return render_to_string("sandbox_site/teasers/magazine.html", {"page": self})


class ArticlePage(SitePage):
    """An article. ``intro`` is the teaser that everybody may read."""

    date = models.DateField(_("date"), default=date.today)
    author = models.CharField(_("author"), max_length=120)
    intro = RichTextField(_("teaser"), features=["bold", "italic", "link"])
    cover = cover_field()
    body = StreamField(BodyBlock(), verbose_name=_("text"))

    content_panels = [
        *Page.content_panels,
        MultiFieldPanel([FieldPanel("date"), FieldPanel("author")], heading=_("Published")),
        FieldPanel("cover"),
        FieldPanel("intro"),
        FieldPanel("body"),
    ]
    search_fields = [
        *Page.search_fields,
        index.SearchField("intro"),
        index.SearchField("author"),
        index.FilterField("date"),
    ]
    parent_page_types = ["sandbox_site.MagazineIndexPage"]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")

    @property
    def section(self) -> str:
        """The title of the section it stands in; empty directly below the magazine."""
        parent = self.get_parent()
        return parent.title if parent.depth > MAGAZINE_DEPTH else ""


class CourseIndexPage(SitePage):
    intro = RichTextField(_("introduction"), features=TEXT_FEATURES, blank=True)

    content_panels = [*Page.content_panels, "intro"]
    parent_page_types = ["sandbox_site.HomePage"]
    subpage_types = ["sandbox_site.CoursePage"]

    class Meta:
        verbose_name = _("courses")

    def get_context(self, request: HttpRequest, *args: object, **kwargs: object) -> dict:
        context = super().get_context(request, *args, **kwargs)
        context["courses"] = CoursePage.objects.live().child_of(self)
        return context


class CoursePage(CourseMixin, SitePage):
    """A course: everybody may read its introduction, who teaches it, and the titles of its lessons."""

    paywall_public_fields = ("teacher", "effort")

    intro = RichTextField(_("introduction"), features=TEXT_FEATURES)
    teacher = models.CharField(_("teacher"), max_length=120)
    effort = models.CharField(_("time needed"), max_length=120, blank=True)
    cover = cover_field()
    body = StreamField(BodyBlock(), verbose_name=_("text"), blank=True)

    content_panels = [
        *Page.content_panels,
        MultiFieldPanel([FieldPanel("teacher"), FieldPanel("effort")], heading=_("Facts")),
        FieldPanel("cover"),
        FieldPanel("intro"),
        FieldPanel("body"),
        *CourseMixin.certificate_panels,
    ]
    search_fields = [*Page.search_fields, index.SearchField("intro")]
    parent_page_types = ["sandbox_site.CourseIndexPage"]
    subpage_types = ["sandbox_site.LessonPage"]

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")

    paywall_template = "sandbox_site/teasers/course_page.html"

    def get_teaser(self) -> SafeString:
        """A course that is sold shows everybody what it teaches; its template adds the lessons."""
        return render_to_string("sandbox_site/teasers/course.html", {"page": self})


class LessonPage(LessonMixin, SitePage):
    intro = RichTextField(_("introduction"), features=["bold", "italic", "link"])
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=45)
    body = StreamField(BodyBlock(), verbose_name=_("text"))

    content_panels = [
        *Page.content_panels,
        FieldPanel("minutes"),
        FieldPanel("intro"),
        FieldPanel("body"),
    ]
    search_fields = [*Page.search_fields, index.SearchField("intro")]
    parent_page_types = ["sandbox_site.CoursePage"]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = _("lesson")
        verbose_name_plural = _("lessons")


class StandardPage(SitePage):
    """Imprint, terms, privacy, right of withdrawal, contact: always open to everybody."""

    paywall_always_open = True

    body = StreamField(BodyBlock(), verbose_name=_("text"))

    content_panels = [*Page.content_panels, "body"]
    parent_page_types = ["sandbox_site.HomePage"]

    class Meta:
        verbose_name = _("standard page")
        verbose_name_plural = _("standard pages")


def latest_articles() -> PageQuerySet:
    return ArticlePage.objects.live().select_related("cover").order_by("-date", "-pk")
