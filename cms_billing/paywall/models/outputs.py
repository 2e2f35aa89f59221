"""What has to go out of caches in front of the site, and the addresses of members' own feeds."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork

SECRET_LENGTH = 32


class CachePurge(OutsideWork):
    """The page at ``path`` in the tree and all below it are shown differently from now on."""

    path = models.CharField(_("place in the page tree"), max_length=255, editable=False)
    title = models.CharField(_("page"), max_length=255, editable=False)
    # Where the pages were before they moved; empty: where they are.
    moved_from = models.CharField(_("address before"), max_length=2000, blank=True, editable=False)
    # How far it has come: a purge that breaks off goes on from here.
    reached = models.CharField(max_length=255, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    class Meta(OutsideWork.Meta):
        verbose_name = _("purge of caches")
        verbose_name_plural = _("purges of caches")
        default_permissions = ()

    def __str__(self) -> str:
        return str(_("Purge of caches: %(page)s") % {"page": self.title})


def new_secret() -> str:
    return get_random_string(SECRET_LENGTH)


class FeedAddress(models.Model):
    """A member's own address of the feeds: whoever has it reads as this member, until it is revoked."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="paywall_feed_addresses",
    )
    secret = models.CharField(max_length=SECRET_LENGTH, default=new_secret, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("feed address")
        verbose_name_plural = _("feed addresses")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(revoked_at=None), name="one_feed_address_a_user"
            )
        ]

    def __str__(self) -> str:
        return str(self.user)
