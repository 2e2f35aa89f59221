"""What the next run will do, and why it leaves out the rest."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.generic import TemplateView
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from cms_billing.core import clock
from cms_billing.core.admin import LinkColumn, MoneyColumn, ScopedView, Section, TableSection, rows_visible_to
from cms_billing.faktura.models import Issuer

from ..models import Case
from ..rules import Step
from ..services import PlannedStep, preview

# Customers on one page: the rule is asked for each of their claims.
PER_PAGE = 200


class PreviewView(ScopedView, WagtailAdminTemplateMixin, TemplateView):
    """One section an issuer; the run of today, as if it started now. Reads only."""

    model = Case
    template_name = "cms_billing/dunning/admin/preview.html"
    page_title = gettext_lazy("Preview of the next run")
    header_icon = "view"
    index_url_name = "billing-dunning:index"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm("cms_billing_dunning.view_case"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": _("Dunning cases")},
            {"url": "", "label": self.get_page_title()},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        issuers = rows_visible_to(Issuer, self.request.user)
        sections = [section for issuer in issuers for section in self._sections(issuer)]
        return {**super().get_context_data(**kwargs), "sections": sections}

    def _sections(self, issuer: Issuer) -> list[Section]:
        today = clock.today(issuer)
        after = self._after(issuer)
        planned = preview(issuer=issuer, today=today, after_customer=after, limit=PER_PAGE)
        steps = [step for step in planned if step.step is not Step.NONE]
        skipped = [step for step in planned if step.step is Step.NONE]
        customers = {step.customer_id for step in planned}
        more = {}
        if len(customers) >= PER_PAGE:
            more = {"url": f"?after_{issuer.pk}={max(customers)}", "url_label": _("More customers")}
        return [
            self._table(_("%(issuer)s: due today") % {"issuer": issuer}, steps, **more),
            self._table(_("%(issuer)s: left out, and why") % {"issuer": issuer}, skipped),
        ]

    def _after(self, issuer: Issuer) -> int:
        given = self.request.GET.get(f"after_{issuer.pk}", "")
        return int(given) if given.isdecimal() and len(given) < 18 else 0

    def _table(self, title: str, steps: list[PlannedStep], **kwargs: Any) -> Section:
        return TableSection(
            title,
            [
                LinkColumn(
                    "customer",
                    label=_("Customer"),
                    get_url=lambda step: reverse("billing-customer:inspect", args=[step.customer_id]),
                ),
                Column(
                    "documents",
                    label=pgettext("billing", "Documents"),
                    accessor=lambda step: ", ".join(step.documents),
                ),
                Column("level", label=_("Level"), accessor=lambda step: step.level or ""),
                Column("step", label=_("Step"), accessor=_what),
                MoneyColumn("amount", label=_("Amount")),
            ],
            steps,
            empty=_("Nothing."),
            **kwargs,
        )


def _what(step: PlannedStep) -> str:
    if step.step is Step.LETTER:
        return _("Letter")
    return step.skipped_because or _("Ready for collection")
