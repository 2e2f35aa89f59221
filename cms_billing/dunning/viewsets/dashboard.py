"""The dashboard of dunning: what is at stake, what comes back, and which letters work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from wagtail.admin.menu import MenuItem
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core import clock
from cms_billing.core.admin import Fact, Section, money_text, rows_visible_to
from cms_billing.core.money import Money
from cms_billing.faktura.models import Issuer

from .. import dashboard
from ..models import Case, Procedure
from .dashboard_sections import cases_charts, success_sections

VIEW = "cms_billing_dunning.view_case"
PERIODS = (
    ("month", gettext_lazy("this month")),
    ("quarter", gettext_lazy("this quarter")),
    ("year", gettext_lazy("this year")),
    ("12", gettext_lazy("the last 12 months")),
)


def begin_of(period: str, *, today: date) -> date:
    """The first day of a period that ends today."""
    match period:
        case "month":
            return today.replace(day=1)
        case "quarter":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return today.replace(month=1, day=1)
    return today - timedelta(days=365)


class DashboardForm(forms.Form):
    """The issuer is only asked for where the reader sees more than one."""

    issuer = forms.ModelChoiceField(
        label=gettext_lazy("Issuer"),
        queryset=Issuer.objects.none(),
        required=False,
        empty_label=gettext_lazy("all issuers"),
    )
    period = forms.ChoiceField(label=gettext_lazy("Period"), choices=PERIODS, required=False)

    def __init__(self, *args: Any, issuers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(issuers) > 1:
            self.fields["issuer"].queryset = issuers  # type: ignore[attr-defined]
        else:
            del self.fields["issuer"]


class DashboardView(WagtailAdminTemplateMixin, TemplateView):
    template_name = "cms_billing/dunning/admin/dashboard.html"
    page_title = gettext_lazy("Dunning")
    header_icon = "warning"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(VIEW):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def header_buttons(self) -> list[Any]:
        return [
            HeaderButton(_("Dunning cases"), url=reverse("billing-dunning:index"), icon_name="list-ul"),
            HeaderButton(
                _("Preview of the next run"), url=reverse("billing-dunning:preview"), icon_name="view"
            ),
        ]

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.get_page_title()}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        visible = rows_visible_to(Issuer, self.request.user)
        form = DashboardForm(self.request.GET, issuers=visible)
        chosen = form.cleaned_data.get("issuer") if form.is_valid() else None
        issuers = [chosen.pk] if chosen else [issuer.pk for issuer in visible]
        period = (form.cleaned_data.get("period") if form.is_valid() else "") or "12"
        if not form.data.get("period"):
            form = DashboardForm({**self.request.GET.dict(), "period": period}, issuers=visible)
        return {
            **super().get_context_data(**kwargs),
            "form": form,
            "media": form.media,
            **self.shown(issuers, since=begin_of(period, today=clock.today()), today=clock.today()),
        }

    def shown(self, issuers: list[int], *, since: date, today: date) -> dict[str, Any]:
        groups = dashboard.standing_cases(issuers, today=today)
        return {
            "facts": [*self.facts(groups, issuers), *self.recovered(issuers, since=since, today=today)],
            "hints": list(self.hints(groups, issuers)),
            "charts": list(cases_charts(groups)),
            "sections": list(self.sections(issuers, since=since, today=today)),
        }

    def facts(self, groups: list[dashboard.Group], issuers: list[int]) -> Iterator[Fact]:
        cases = reverse("billing-dunning:index")
        yield Fact(_("Open cases"), _number(sum(group.count for group in groups)), url=cases)
        for currency in sorted({group.currency for group in groups}):
            owed = sum(group.open_minor for group in groups if group.currency == currency)
            yield Fact(_("At stake"), money_text(Money(owed, currency)), tone="critical")
        locked = dashboard.locked_customers(issuers)
        yield Fact(
            _("Locked members"),
            _number(locked),
            url=f"{cases}?lock_scope=contract&lock_scope=customer",
            tone="warning" if locked else "good",
        )
        for state, tone in ((Case.State.READY_FOR_COLLECTION, "warning"), (Case.State.HANDED_OVER, "")):
            own = [group for group in groups if group.state == state]
            label = _("At the agency") if state == Case.State.HANDED_OVER else _("Ready for collection")
            value = " · ".join([_number(sum(group.count for group in own)), *_amounts(own)])
            yield Fact(label, value, url=f"{cases}?state={state}", tone=tone if own else "")

    def recovered(self, issuers: list[int], *, since: date, today: date) -> Iterator[Fact]:
        for label, first in (
            (_("Recovered this month"), begin_of("month", today=today)),
            (_("Recovered this quarter"), begin_of("quarter", today=today)),
        ):
            came = dashboard.recovered(issuers, since=first, until=today)
            amounts = [money_text(Money(minor, currency)) for currency, minor in came.items()]
            yield Fact(label, "\n".join(amounts) or _("nothing yet"), tone="good" if came else "")

    def sections(self, issuers: list[int], *, since: date, today: date) -> Iterator[Section]:
        together = dashboard.success(issuers, since=since, until=today)
        versions = dashboard.success(issuers, since=since, until=today, by_version=True)
        yield from success_sections(together, versions)

    def hints(self, groups: list[dashboard.Group], issuers: list[int]) -> Iterator[dict[str, Any]]:
        """What to do next, where there is nothing to see or nobody is reminded."""
        reminding = Procedure.objects.filter(issuer__in=issuers, is_active=True).values("issuer")
        for issuer in Issuer.objects.filter(pk__in=issuers).exclude(pk__in=reminding):
            yield {
                "status": "warning",
                "text": _("%(issuer)s reminds nobody: it has no dunning procedure in use.")
                % {"issuer": issuer},
                "url": reverse("billing-issuer:inspect", args=[issuer.pk]),
                "label": _("Set up reminders"),
            }
        if not groups:
            yield {
                "status": "info",
                "text": _(
                    "No claim is in dunning. The daily run takes up what stays unpaid: see what it will do."
                ),
                "url": reverse("billing-dunning:preview"),
                "label": _("Preview of the next run"),
            }


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)


def _amounts(groups: list[dashboard.Group]) -> list[str]:
    sums: dict[str, int] = {}
    for group in groups:
        sums[group.currency] = sums.get(group.currency, 0) + group.open_minor
    return [money_text(Money(minor, currency)) for currency, minor in sorted(sums.items())]


class DashboardMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VIEW)
