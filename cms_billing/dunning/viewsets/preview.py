"""What the run of a day will do, and why it leaves out the rest: the dry run of dunning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.mixins import SpreadsheetExportMixin
from wagtail.admin.widgets import AdminDateInput
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core import clock
from cms_billing.core.admin import Fact, ScopedView, money_text, rows_visible_to
from cms_billing.core.money import Money
from cms_billing.core.ui.exporting import GuardedExportMixin
from cms_billing.faktura.models import Issuer

from ..models import Case
from ..rules import Reason, Step
from ..services import PlannedStep, planned_steps, preview
from .preview_sections import EXPORTED, REASONS, outcome_of, sections_of

# Customers on one page: the rule is asked for each of their claims.
PER_PAGE = 200
FORMATS = ("csv", "xlsx")


class PreviewForm(forms.Form):
    issuer = forms.ModelChoiceField(
        label=gettext_lazy("Issuer"), queryset=Issuer.objects.none(), empty_label=None, required=False
    )
    day = forms.DateField(label=gettext_lazy("Day"), widget=AdminDateInput, required=False)
    step = forms.ChoiceField(
        label=gettext_lazy("Show only"),
        required=False,
        choices=[
            ("", gettext_lazy("everything")),
            (Step.LETTER.value, gettext_lazy("letters")),
            (Step.READY_FOR_COLLECTION.value, gettext_lazy("ready for collection")),
            (Step.NONE.value, gettext_lazy("what is left out")),
        ],
    )
    reason = forms.ChoiceField(
        label=gettext_lazy("Left out because"),
        required=False,
        choices=[("", gettext_lazy("any reason")), *REASONS],
    )

    def __init__(self, *args: Any, issuers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["issuer"].queryset = issuers  # type: ignore[attr-defined]
        if len(issuers) < 2:
            self.fields["issuer"].widget = forms.HiddenInput()


class _Rows:
    """What the export reads like a queryset: the steps, a chunk in memory at a time."""

    model = Case

    def __init__(self, steps: Iterator[PlannedStep]) -> None:
        self.steps = steps

    def iterator(self, chunk_size: int) -> Iterator[PlannedStep]:
        return self.steps


class PreviewView(
    ScopedView, GuardedExportMixin, SpreadsheetExportMixin, WagtailAdminTemplateMixin, TemplateView
):
    """The run of one issuer on one day, as if it started in the morning. Reads only."""

    model = Case
    template_name = "cms_billing/dunning/admin/preview.html"
    page_title = gettext_lazy("Preview of the next run")
    header_icon = "view"
    index_url_name = "billing-dunning:index"
    export_columns = EXPORTED

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm("cms_billing_dunning.view_case"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        wanted = request.GET.get("export")
        if wanted in FORMATS and self.issuer is not None:
            steps = planned_steps(issuer=self.issuer, today=self.day)
            return self.as_spreadsheet(_Rows(filter(self.is_wanted, steps)), wanted)
        return super().get(request, *args, **kwargs)

    # What was asked for

    @cached_property
    def issuers(self) -> Any:
        return rows_visible_to(Issuer, self.request.user).filter(is_active=True).order_by("name")

    @cached_property
    def form(self) -> PreviewForm:
        first = self.issuers.first()
        given = {"issuer": first.pk if first else "", "day": clock.today(first)}
        given |= {name: value for name, value in self.request.GET.items() if value}
        form = PreviewForm(given, issuers=self.issuers)
        if form.is_valid() and form.cleaned_data["issuer"]:
            today = clock.today(form.cleaned_data["issuer"])
            if form.cleaned_data["day"] < today:
                form.add_error("day", _("That day has passed."))
        return form

    def chosen(self, name: str) -> Any:
        return self.form.cleaned_data.get(name) if self.form.is_valid() else None

    @cached_property
    def issuer(self) -> Issuer | None:
        return self.chosen("issuer")

    @cached_property
    def day(self) -> date:
        return self.chosen("day") or clock.today(self.issuer)

    def is_wanted(self, step: PlannedStep) -> bool:
        kind, reason = self.chosen("step"), self.chosen("reason")
        if reason:
            return step.step is Step.NONE and step.reason is Reason(reason)
        return not kind or step.step is Step(kind)

    @property
    def after(self) -> int:
        given = self.request.GET.get("after", "")
        return int(given) if given.isascii() and given.isdecimal() and len(given) < 18 else 0

    # What is shown

    def get_page_subtitle(self) -> str:
        return str(self.issuer) if self.issuer else ""

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": _("Dunning cases")},
            {"url": "", "label": self.get_page_title()},
        ]

    def address(self, **changes: Any) -> str:
        query = self.request.GET.copy()
        for name, value in changes.items():
            query[name] = value
        return f"?{query.urlencode()}"

    @cached_property
    def header_buttons(self) -> list[Any]:
        if self.issuer is None:
            return []
        return [
            HeaderButton(
                _("Download as %(format)s") % {"format": name.upper()},
                url=self.address(export=name, day=f"{self.day:%Y-%m-%d}", issuer=self.issuer.pk),
                icon_name="download",
            )
            for name in FORMATS
        ]

    def get_filename(self) -> str:
        return f"dunning-{self.day:%Y-%m-%d}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {**super().get_context_data(**kwargs), "form": self.form, "media": self.form.media}
        if self.issuer is None:
            return context
        planned = preview(issuer=self.issuer, today=self.day, after_customer=self.after, limit=PER_PAGE)
        customers = {step.customer_id for step in planned}
        is_more = len(customers) >= PER_PAGE
        shown = [step for step in planned if self.is_wanted(step)]
        context |= {
            "day": self.day,
            "facts": list(self.facts(shown, is_part=is_more or self.after > 0)),
            "sections": sections_of(shown, is_filtered=len(shown) < len(planned)),
            "more_url": self.address(after=max(customers)) if is_more else "",
            "first_url": self.address(after=0) if self.after else "",
            "outcomes": outcome_of(planned, self.address),
        }
        return context

    def facts(self, steps: list[PlannedStep], *, is_part: bool) -> Iterator[Fact]:
        if is_part:
            yield Fact(_("Counted"), _("this page"))
        for label, kind in (
            (_("Letters"), Step.LETTER),
            (_("Ready for collection"), Step.READY_FOR_COLLECTION),
            (_("Left out"), Step.NONE),
        ):
            own = [step for step in steps if step.step is kind]
            sums: dict[str, int] = {}
            for step in own:
                sums[step.amount.currency] = sums.get(step.amount.currency, 0) + step.amount.minor
            amounts = [money_text(Money(minor, currency)) for currency, minor in sorted(sums.items())]
            yield Fact(label, " · ".join([str(len(own)), *amounts]))
        locked = sum(len(step.locks) for step in steps)
        yield Fact(_("Documents that get locked"), str(locked), tone="warning" if locked else "")
