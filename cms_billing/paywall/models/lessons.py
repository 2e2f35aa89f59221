"""How far somebody is in a course, and the certificate at its end. Neither says anything about access."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from wagtail.permission_policies.pages import PagePermissionPolicy


class LessonProgress(models.Model):
    """A lesson somebody has opened, and finished. ``lesson`` is the page's translation key: it counts in every language
    and under every alias, and outlives the page."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="lesson_progress",
    )
    lesson = models.UUIDField(_("lesson"))
    page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("page"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("The page that was opened."),
    )
    started_at = models.DateTimeField(_("started at"))
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("progress in a lesson")
        verbose_name_plural = _("progress in lessons")
        constraints = [
            models.UniqueConstraint(fields=["user", "lesson"], name="one_progress_a_user_and_lesson"),
            models.CheckConstraint(
                condition=Q(completed_at=None) | Q(completed_at__gte=models.F("started_at")),
                name="a_lesson_is_completed_after_its_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.lesson}"


class CertificateQuerySet(models.QuerySet["Certificate"]):
    def visible_to(self, user: Any) -> CertificateQuerySet:
        """Certificates of courses that the user may publish; of pages that are gone, superusers only."""
        if user.is_superuser:
            return self
        pages = PagePermissionPolicy().instances_user_has_permission_for(user, "publish")
        return self.filter(page__in=pages.values("pk"))


class Certificate(models.Model):
    """Given once, when all lessons of a course are done. What it says is kept as it was that day."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="course_certificates",
    )
    course = models.UUIDField(_("course"))
    page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("page"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
    )
    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=200)
    course_title = models.CharField(_("course title"), max_length=255)
    text = models.TextField(_("text"), blank=True)
    language = models.CharField(_("language"), max_length=8)
    issued_on = models.DateField(_("issued on"))

    objects = CertificateQuerySet.as_manager()

    class Meta:
        verbose_name = _("course certificate")
        verbose_name_plural = _("course certificates")
        ordering = ["-issued_on", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "course"], name="one_certificate_a_user_and_course")
        ]

    def __str__(self) -> str:
        return f"{self.course_title}: {self.name}"
