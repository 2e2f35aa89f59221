"""Retry policies with their preview, and what editors know better about refusal codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import (
    BillingFilterSet,
    BillingIndexView,
    BillingModelViewSet,
    DateColumn,
    Fact,
    InspectView,
    Section,
    TableSection,
    WhatNext,
    date_text,
)

from ..models import RefusalRule, RetryPolicy
from ..models.retries import STOP_LABELS
from ..providers import all_providers
from ..refusal_codes import RefusalClass
from ..refusals import CLASS_LABELS, refusal_of
from ..retries import RetryTerms, Stop, next_attempt


def _charging() -> list[tuple[str, str | Promise]]:
    return [
        (code, provider.label) for code, provider in all_providers().items() if provider.capabilities.charges
    ]


class _ChoosesProvider(WagtailAdminModelForm):
    """Offers the providers of the settings that collect by themselves."""

    empty_label: Any = "---------"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = _charging()
        if self.instance.provider and self.instance.provider not in dict(known):
            known = [*known, (self.instance.provider, self.instance.provider)]
        field = self.fields["provider"]
        self.fields["provider"] = forms.ChoiceField(
            label=field.label,
            required=field.required,
            help_text=field.help_text,
            choices=[("", self.empty_label), *known],
        )


class RefusalRuleForm(_ChoosesProvider):
    def clean_code(self) -> str:
        return self.cleaned_data["code"].strip()


class RetryPolicyForm(_ChoosesProvider):
    empty_label = gettext_lazy("all providers")

    def clean_issuer(self) -> Any:
        issuer = self.cleaned_data.get("issuer")
        if issuer is None and self.for_user is not None and not self.for_user.is_superuser:
            raise ValidationError(_("Only administrators make policies for all issuers: choose yours."))
        return issuer


class RefusalRuleFilterSet(BillingFilterSet):
    issuer_path = None

    class Meta:
        model = RefusalRule
        fields = ["provider", "refusal_class"]


class RefusalRuleIndexView(BillingIndexView):
    def what_next(self) -> WhatNext:
        return WhatNext(
            _(
                "Every code is read as the package knows it. Add a rule where you know better about one of them."
            )
        )


def _meaning(rule: RefusalRule) -> str:
    return refusal_of(rule.provider, rule.code).editor_text


def _shipped(rule: RefusalRule) -> Any:
    return CLASS_LABELS[refusal_of(rule.provider, rule.code).kind]


class RefusalRuleViewSet(BillingModelViewSet):
    model = RefusalRule
    scoped = False
    icon = "warning"
    menu_order = 742
    inspect_view_enabled = False
    list_display = [
        "__str__",
        Column("means", label=gettext_lazy("Meaning"), accessor=_meaning),
        Column(
            "refusal_class",
            label=gettext_lazy("What may be done"),
            accessor="get_refusal_class_display",
        ),
        Column("shipped", label=gettext_lazy("Without the rule"), accessor=_shipped),
        DateColumn("valid_from", label=gettext_lazy("Valid from"), sort_key="valid_from"),
    ]
    search_fields = ["code", "note"]
    filterset_class = RefusalRuleFilterSet
    index_view_class = RefusalRuleIndexView
    edit_handler = ObjectList(
        [
            HelpPanel(
                gettext_lazy(
                    "What a code of a provider means for further attempts, from a day on. A card network's advice "
                    "never to try again stays above it."
                )
            ),
            FieldRowPanel([FieldPanel("provider"), FieldPanel("code")]),
            FieldRowPanel([FieldPanel("refusal_class"), FieldPanel("valid_from", widget=AdminDateInput)]),
            FieldPanel("note"),
        ],
        base_form_class=RefusalRuleForm,
    )


@dataclass(frozen=True)
class PreviewRow:
    """What follows one refusal."""

    what: Any
    then: str


def preview_rows(terms: RetryTerms, *, now: datetime) -> Iterable[PreviewRow]:
    """What would become of a charge refused ``now`` (local time): attempt by attempt, then the other classes."""
    attempts, today, number = [now], now.date(), 1
    while True:
        decision = next_attempt(terms, RefusalClass.SOFT, attempts, today=today)
        what = _("Attempt %(number)s on %(day)s is refused and may work later") % {
            "number": number,
            "day": date_text(today),
        }
        yield PreviewRow(what, _then(decision.on, decision.stop))
        if decision.on is None:
            break
        today, number = decision.on, number + 1
        attempts.append(datetime.combine(today, time(4), tzinfo=now.tzinfo))
    for kind in (RefusalClass.UNKNOWN, RefusalClass.NEEDS_MEMBER, RefusalClass.HARD):
        decision = next_attempt(terms, kind, [now], today=now.date())
        what = _("Refused today: %(kind)s") % {"kind": CLASS_LABELS[kind]}
        yield PreviewRow(what, _then(decision.on, decision.stop))


def _then(on: date | None, stop: Stop | None) -> str:
    if on is not None:
        return _("next attempt on %(day)s") % {"day": date_text(on)}
    return _("no further attempt: %(reason)s") % {"reason": STOP_LABELS[stop] if stop else ""}


class RetryPolicyInspectView(InspectView):
    extension = "billing_retry_policy"

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def facts(self) -> Iterable[Fact]:
        policy = self.object
        yield Fact(_("Issuer"), policy.issuer or _("all issuers"))
        yield Fact(_("Provider"), dict(_charging()).get(policy.provider, policy.provider) or _("all"))
        yield Fact(_("Kind of method"), policy.get_kind_display() or _("all"))
        yield Fact(_("Valid from"), date_text(policy.valid_from))
        yield Fact(_("Days until each further attempt"), policy.waits)
        yield Fact(_("Attempts in all"), policy.attempts)
        yield Fact(
            _("Refusals of one card or account, at most"),
            _("%(count)s in %(days)s days") % {"count": policy.cap, "days": policy.cap_days},
        )

    def own_sections(self) -> Iterable[Section]:
        zone = self.object.issuer.time_zone if self.object.issuer else None
        now = clock.now().astimezone(ZoneInfo(zone) if zone else None)
        yield TableSection(
            _("What would happen to a charge refused today"),
            [
                Column("what", label=_("Refusal")),
                Column("then", label=_("Then")),
            ],
            preview_rows(self.object.terms(), now=now),
        )


class RetryPolicyFilterSet(BillingFilterSet):
    class Meta:
        model = RetryPolicy
        fields = ["provider", "kind"]


class RetryPolicyIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def what_next(self) -> WhatNext:
        return WhatNext(
            _(
                "Without a policy, cards are tried up to 4 times in 21 days and direct debits up to 3 times in 35 "
                "days, where another attempt may help."
            )
        )


class RetryPolicyViewSet(BillingModelViewSet):
    model = RetryPolicy
    icon = "rotate"
    menu_order = 741
    list_display = [
        "__str__",
        Column("issuer", label=gettext_lazy("Issuer"), accessor=lambda row: row.issuer or _("all issuers")),
        Column("waits", label=gettext_lazy("Days until each further attempt")),
        Column("attempts", label=gettext_lazy("Attempts in all")),
        DateColumn("valid_from", label=gettext_lazy("Valid from"), sort_key="valid_from"),
    ]
    filterset_class = RetryPolicyFilterSet
    index_view_class = RetryPolicyIndexView
    inspect_view_class = RetryPolicyInspectView
    edit_handler = ObjectList(
        [
            HelpPanel(
                gettext_lazy(
                    "When a refused charge is tried again. Policies are dated: to change one, add a new one with its "
                    "first day. The most particular one counts: of the issuer, then of the kind of method, then of "
                    "the provider."
                )
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("issuer"), FieldPanel("provider")]),
                    FieldRowPanel([FieldPanel("kind"), FieldPanel("valid_from", widget=AdminDateInput)]),
                ],
                heading=gettext_lazy("For"),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("waits"), FieldPanel("attempts")]),
                    FieldRowPanel([FieldPanel("window_days"), FieldPanel("gap_hours")]),
                    FieldRowPanel([FieldPanel("clearing_days"), FieldPanel("avoids_weekends")]),
                ],
                heading=gettext_lazy("Attempts"),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("cap"), FieldPanel("cap_days")]),
                    FieldRowPanel([FieldPanel("retries_unknown"), FieldPanel("after_chargeback")]),
                ],
                heading=gettext_lazy("Limits"),
            ),
        ],
        base_form_class=RetryPolicyForm,
    )
