"""Bases for a site's own page types. The order of the pages in the tree is the order of the lessons::

    class CoursePage(CourseMixin, Page):
        subpage_types = ["LessonPage"]

    class LessonPage(LessonMixin, Page):
        body = StreamField(...)

A site's models load before ours, so that whatever asks the database is imported when a page is served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import RichTextField

from cms_billing.core.conf import billing_settings

if TYPE_CHECKING:
    from .progress import Learning


class _LearningMixin(models.Model):
    """What courses and lessons share: who is logged in gets a page of their own, guests one that caches may keep."""

    class Meta:
        abstract = True

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        from .serving import keep_personal

        return keep_personal(request, super().serve(request, *args, **kwargs))  # type: ignore[misc]

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)  # type: ignore[misc]
        context.setdefault("base_template", billing_settings().base_template)
        return context


class CourseMixin(_LearningMixin):
    """A course: the lessons below it in the tree, at any depth. Its context has ``learning`` (a ``Learning``)."""

    gives_certificate = models.BooleanField(_("gives a certificate"), default=True)
    certificate_text = RichTextField(
        _("text of the certificate"),
        features=["bold", "italic", "ul", "ol"],
        blank=True,
        help_text=_("Below name, course and date: what was learned, who vouches for it."),
    )

    paywall_template = "cms_billing/paywall/lessons/course_teaser.html"
    certificate_panels = [
        MultiFieldPanel(
            [FieldPanel("gives_certificate"), FieldPanel("certificate_text")], heading=_("Certificate")
        )
    ]

    class Meta:
        abstract = True

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)
        context["learning"] = self.learning_for(request)
        return context

    def learning_for(self, request: HttpRequest) -> Learning:
        """The visitor's progress: three queries for who is logged in, one for guests."""
        from .serving import learning_for

        return learning_for(request, self)


class LessonMixin(_LearningMixin):
    """A lesson. Its context has ``course_page``, the ``learning`` of the course, ``lesson``, ``previous_lesson`` and
    ``next_lesson`` (``progress.Line``); none of them for a lesson outside any course.

    Opening it marks it as begun for who is logged in; HEAD, prefetching and previews do not.
    """

    class Meta:
        abstract = True

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        from .serving import lesson_context

        return {**super().get_context(request, *args, **kwargs), **lesson_context(request, self)}
