"""Which pages are sold: a rule on a page covers everything below it, until a nearer rule says otherwise."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_billing.memberships.models import Plan

from ..rules import OpensTo, Rule, RulePlan


class AccessRuleQuerySet(models.QuerySet["AccessRule"]):
    def visible_to(self, user: Any) -> AccessRuleQuerySet:
        """Rules on pages that the user may publish: whoever puts a page online decides who reads it."""
        from wagtail.permission_policies.pages import PagePermissionPolicy

        pages = PagePermissionPolicy().instances_user_has_permission_for(user, "publish")
        return self.filter(page__in=pages.values("pk"))


class AccessRule(models.Model):
    """Who may read a page and everything below it. The nearest rule upwards wins."""

    class Opens(models.TextChoices):
        PLANS = OpensTo.PLANS.value, _("members with a plan")
        EVERYONE = OpensTo.EVERYONE.value, _("everyone")

    class Preview(models.TextChoices):
        PAGE = "page", _("the page's own teaser or introduction")
        TEXT = "text", _("the text below")
        TITLE = "title", _("only the title")

    page = models.OneToOneField(
        "wagtailcore.Page",
        verbose_name=_("page"),
        on_delete=models.CASCADE,
        related_name="paywall_rule",
    )
    opens_to = models.CharField(_("open to"), max_length=10, choices=Opens.choices, default=Opens.PLANS)
    plans = models.ManyToManyField(
        Plan,
        verbose_name=_("plans"),
        blank=True,
        related_name="access_rules",
        help_text=_("Any one of them opens the page."),
    )
    preview = models.CharField(
        _("what others see"), max_length=10, choices=Preview.choices, default=Preview.PAGE
    )
    teaser_text = models.TextField(_("teaser text"), blank=True)

    objects = AccessRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("paywall rule")
        verbose_name_plural = _("paywall rules")
        ordering = ["page__path"]

    def __str__(self) -> str:
        return str(self.page)

    def facts(self) -> Rule:
        """As the decision needs it; ``page`` and ``plans`` should be fetched already."""
        return Rule(
            page_id=self.page_id,
            page_title=self.page.title,
            opens_to=OpensTo(self.opens_to),
            plans=tuple(RulePlan(plan.pk, plan.name) for plan in self.plans.all()),
            preview=self.preview,
            teaser_text=self.teaser_text,
        )
