"""Which pages are sold: a rule on a page covers everything below it, until a nearer rule says otherwise."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalKey, ParentalManyToManyField
from modelcluster.models import ClusterableModel

from cms_billing.memberships.models import Plan

from ..rules import Rule, RulePlan
from ..terms import OpensTo, Preview, RuleTerms

LEVELS = 3


class AccessRuleQuerySet(models.QuerySet["AccessRule"]):
    def visible_to(self, user: Any) -> AccessRuleQuerySet:
        """Rules on pages that the user may publish: whoever puts a page online decides who reads it."""
        from wagtail.permission_policies.pages import PagePermissionPolicy

        pages = PagePermissionPolicy().instances_user_has_permission_for(user, "publish")
        return self.filter(page__in=pages.values("pk"))


class AccessRule(ClusterableModel):
    """Who may read a page and everything below it. The nearest rule upwards wins.

    A child of the page in Wagtail's sense, at most one a page: so it is part of the page's revisions and goes with
    copies. ``services.set_rule`` is how it changes.
    """

    class Opens(models.TextChoices):
        PLANS = OpensTo.PLANS.value, _("members with a plan")
        EVERYONE = OpensTo.EVERYONE.value, _("everyone")
        SECTION = OpensTo.SECTION.value, _("as the section above, with terms of its own")

    class Shows(models.TextChoices):
        PAGE = Preview.PAGE.value, _("the page's own teaser or introduction")
        DIVIDER = Preview.DIVIDER.value, _("everything above the preview divider")
        BLOCKS = Preview.BLOCKS.value, _("the first blocks")
        PERCENT = Preview.PERCENT.value, _("the first part of the text, in percent")
        TEXT = Preview.TEXT.value, _("the text below")
        TITLE = Preview.TITLE.value, _("only the title")
        SECTION = Preview.SECTION.value, _("as the section above says")

    page = ParentalKey(
        "wagtailcore.Page",
        verbose_name=_("page"),
        on_delete=models.CASCADE,
        related_name="paywall_rules",
    )
    opens_to = models.CharField(_("open to"), max_length=10, choices=Opens.choices, default=Opens.PLANS)
    plans = ParentalManyToManyField(
        Plan,
        verbose_name=_("plans"),
        blank=True,
        related_name="access_rules",
        help_text=_("Any one of them opens the page."),
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
    preview = models.CharField(_("what others see"), max_length=10, choices=Shows.choices, default=Shows.PAGE)
    preview_amount = models.PositiveSmallIntegerField(_("how much of it"), null=True, blank=True)
    teaser_text = models.TextField(_("teaser text"), blank=True)
    free_until = models.DateField(
        _("free until"), null=True, blank=True, help_text=_("Everybody may read up to and with this day.")
    )
    free_from = models.DateField(
        _("free from"), null=True, blank=True, help_text=_("Everybody may read from this day on.")
    )
    quota = models.PositiveSmallIntegerField(
        _("free pages a month"),
        null=True,
        blank=True,
        help_text=_("So many closed pages of this section each visitor may read free in a month."),
    )
    gifts = models.PositiveSmallIntegerField(
        _("gift links a month"),
        null=True,
        blank=True,
        help_text=_("So many pages of this section a member may give away in a month."),
    )
    opens_on = models.DateField(
        _("for members from"), null=True, blank=True, help_text=_("Members may read from this day on.")
    )
    opens_after_days = models.PositiveSmallIntegerField(
        _("days after the contract's start"),
        null=True,
        blank=True,
        help_text=_("Members may read so many days after their contract began."),
    )

    objects = AccessRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("paywall rule")
        verbose_name_plural = _("paywall rules")
        ordering = ["page__path"]
        constraints = [models.UniqueConstraint(fields=["page"], name="one_paywall_rule_a_page")]

    def __str__(self) -> str:
        return str(self.page)

    def terms(self) -> dict[str, Any]:
        """The fields of ``RuleTerms``."""
        return {
            "opens_to": OpensTo(self.opens_to),
            "preview": Preview(self.preview),
            "preview_amount": self.preview_amount,
            "teaser_text": self.teaser_text,
            "closes_at": self.closes_at,
            "free_until": self.free_until,
            "free_from": self.free_from,
            "quota": self.quota,
            "gifts": self.gifts,
            "opens_on": self.opens_on,
            "opens_after_days": self.opens_after_days,
        }

    def facts(self) -> Rule:
        """As decisions need it, before what refines another rule is resolved; ``page`` and ``plans`` should be
        fetched already."""
        return Rule(
            page_id=self.page_id,
            page_title=self.page.title,
            quota_page_id=self.page_id,
            gifts_page_id=self.page_id,
            plans=tuple(RulePlan(plan.pk, plan.name) for plan in self.plans.all()),
            **self.terms(),
        )

    @property
    def rule_terms(self) -> RuleTerms:
        return RuleTerms(**self.terms())
