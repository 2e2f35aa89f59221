"""Which collections of documents and images are sold, and the work that keeps their files out of reach."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail.models import Collection

from cms_billing.core.models import OutsideWork
from cms_billing.memberships.models import Plan

from ..rules import Rule, RulePlan
from ..terms import OpensTo
from .access_rules import LEVELS


class CollectionRuleQuerySet(models.QuerySet["CollectionRule"]):
    def visible_to(self, user: Any) -> CollectionRuleQuerySet:
        """Rules of collections that the user may change."""
        return self.filter(collection__in=changeable_collections(user).values("pk"))


def changeable_collections(user: Any) -> models.QuerySet[Collection]:
    """Without the root: a rule there would close the pictures of every page."""
    from wagtail.permissions import policy_registry

    policy = policy_registry.get_by_type(Collection)
    return policy.instances_user_has_permission_for(user, "change").exclude(depth=1)


class CollectionRule(models.Model):
    """Who may have the documents and images of a collection and those below it. The nearest rule upwards wins."""

    class Opens(models.TextChoices):
        PLANS = OpensTo.PLANS.value, _("members with a plan")
        EVERYONE = OpensTo.EVERYONE.value, _("everyone")

    collection = models.OneToOneField(
        Collection, verbose_name=_("collection"), on_delete=models.CASCADE, related_name="paywall_rule"
    )
    opens_to = models.CharField(_("open to"), max_length=10, choices=Opens.choices, default=Opens.PLANS)
    plans = models.ManyToManyField(
        Plan,
        verbose_name=_("plans"),
        blank=True,
        related_name="collection_rules",
        help_text=_("Any one of them opens the files."),
    )
    closes_at = models.PositiveSmallIntegerField(
        _("closes in arrears"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(LEVELS)],
        help_text=_(
            "Empty: as the dunning procedure locks. 0: never because of arrears. Else from the reminder of this level "
            "on. What is paid stays open."
        ),
    )

    objects = CollectionRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("paywall rule of a collection")
        verbose_name_plural = _("paywall rules of collections")
        ordering = ["collection__path"]

    def __str__(self) -> str:
        return str(self.collection)

    def facts(self) -> Rule:
        """As the decision needs it; ``collection`` and ``plans`` should be fetched already. It belongs to no page."""
        return Rule(
            page_id=0,
            page_title=self.collection.name,
            opens_to=OpensTo(self.opens_to),
            plans=tuple(RulePlan(plan.pk, plan.name) for plan in self.plans.all()),
            closes_at=self.closes_at,
        )


class FileMove(OutsideWork):
    """A document or image whose file has to go to the other side: private or public. One row a file, used again."""

    class Kind(models.TextChoices):
        DOCUMENT = "document", pgettext_lazy("file", "document")
        IMAGE = "image", _("image")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    object_id = models.BigIntegerField()

    class Meta(OutsideWork.Meta):
        verbose_name = _("move of a file")
        verbose_name_plural = _("moves of files")
        constraints = [models.UniqueConstraint(fields=["kind", "object_id"], name="one_move_a_file")]

    def __str__(self) -> str:
        return str(_("file of %(kind)s %(id)s") % {"kind": self.get_kind_display(), "id": self.object_id})


class FileRemoval(OutsideWork):
    """A file that nothing points at any more since its move: as long as it is there, its old address works."""

    class Place(models.TextChoices):
        MEDIA = "media", _("media")
        RENDITIONS = "renditions", _("renditions")

    place = models.CharField(_("storage"), max_length=10, choices=Place.choices, default=Place.MEDIA)
    name = models.CharField(_("name"), max_length=255)

    class Meta(OutsideWork.Meta):
        verbose_name = _("removal of a file")
        verbose_name_plural = _("removals of files")

    def __str__(self) -> str:
        return self.name
