"""What is read without a contract: a few pages free each month, and pages that members give away."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from wagtail.permission_policies.pages import PagePermissionPolicy


class FreeRead(models.Model):
    """One page that somebody reads free in a month: a user, or a guest by the random id in their cookie.

    ``number`` counts from 1 in the section and month. That two tabs cannot take the same number is what keeps the
    quota, whatever happens at once.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        null=True,
        related_name="free_reads",
    )
    visitor = models.CharField(_("visitor"), max_length=32, blank=True)
    section = models.ForeignKey(
        "wagtailcore.Page", verbose_name=_("section"), on_delete=models.CASCADE, related_name="+"
    )
    page = models.ForeignKey(
        "wagtailcore.Page", verbose_name=_("page"), on_delete=models.CASCADE, related_name="+"
    )
    month = models.DateField(_("month"), help_text=_("Its first day."))
    number = models.PositiveSmallIntegerField(_("number"))
    read_at = models.DateTimeField(_("read at"))

    class Meta:
        verbose_name = _("free read")
        verbose_name_plural = _("free reads")
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None) & ~Q(visitor="") | Q(user__isnull=False, visitor=""),
                name="a_free_read_is_of_a_user_or_a_guest",
            ),
            models.UniqueConstraint(
                fields=["user", "section", "month", "number"],
                condition=Q(user__isnull=False),
                name="each_free_read_of_a_user_counts_once",
            ),
            models.UniqueConstraint(
                fields=["visitor", "section", "month", "number"],
                condition=Q(user=None),
                name="each_free_read_of_a_guest_counts_once",
            ),
            models.UniqueConstraint(
                fields=["user", "section", "month", "page"],
                condition=Q(user__isnull=False),
                name="reading_again_costs_a_user_nothing",
            ),
            models.UniqueConstraint(
                fields=["visitor", "section", "month", "page"],
                condition=Q(user=None),
                name="reading_again_costs_a_guest_nothing",
            ),
        ]
        indexes = [models.Index(fields=["month"], name="free_read_month")]

    def __str__(self) -> str:
        return f"{self.page} · {self.month:%Y-%m} · {self.number}"


class GiftLinkQuerySet(models.QuerySet["GiftLink"]):
    def visible_to(self, user: Any) -> GiftLinkQuerySet:
        """Links to pages that the user may publish: whoever puts a page online decides who reads it."""
        pages = PagePermissionPolicy().instances_user_has_permission_for(user, "publish")
        return self.filter(page__in=pages.values("pk"))


class GiftLink(models.Model):
    """A closed page that a member gives away. The token of the link is not here, only its digest.

    ``number`` counts the links of a member in a section and month from 1; as with free reads, the constraint on it is
    what keeps the limit. Taking a link back frees no number.
    """

    giver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("given by"),
        on_delete=models.CASCADE,
        related_name="gift_links",
    )
    page = models.ForeignKey(
        "wagtailcore.Page", verbose_name=_("page"), on_delete=models.CASCADE, related_name="gift_links"
    )
    section = models.ForeignKey(
        "wagtailcore.Page", verbose_name=_("section"), on_delete=models.CASCADE, related_name="+"
    )
    month = models.DateField(_("month"), help_text=_("Its first day."))
    number = models.PositiveSmallIntegerField(_("number"))
    nonce = models.CharField(max_length=32, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    expires_on = models.DateField(_("works until"))
    max_openings = models.PositiveSmallIntegerField(_("may be opened"))
    openings = models.PositiveSmallIntegerField(_("opened"), default=0)
    last_opened_at = models.DateTimeField(_("last opened at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("taken back by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    objects = GiftLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("gift link")
        verbose_name_plural = _("gift links")
        ordering = ["-created_at", "-pk"]
        permissions = [("revoke_giftlink", "Can take back gift links")]
        constraints = [
            models.UniqueConstraint(
                fields=["giver", "section", "month", "number"], name="each_gift_of_a_month_counts_once"
            ),
            models.CheckConstraint(
                condition=Q(openings__lte=F("max_openings")), name="a_gift_is_not_opened_too_often"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.page} · {self.giver}"

    def works_on(self, day: date) -> bool:
        """As far as the link itself says; whether its giver may still read the page is asked besides."""
        return self.revoked_at is None and day <= self.expires_on

    @property
    def is_used_up(self) -> bool:
        return self.openings >= self.max_openings
