"""Correcting an issued invoice: in part (Rechnungskorrektur), or cancelling what is left of it (Stornorechnung)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.generic import View
from wagtail import hooks
from wagtail.admin.viewsets.base import ViewSet

from cms_billing.core import clock
from cms_billing.core.admin import Action, ActionView, money_text, rows_visible_to
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money

from ..drafts import Draft
from ..exceptions import CannotCancel
from ..models import Document, DocumentKind
from ..rules import CANCELLABLE_KINDS
from ..selectors import left_to_credit
from ..services import cancel_document, credit_document, credit_lines, obstacle_of
from .correction_forms import CancelOneForm, CreditLineForm, ReasonForm, credit_line_forms, wanted_lines
from .draft_totals import no_totals, totals_of_draft

CREDIT = "cms_billing_faktura.credit_document"


class CreditView(ActionView):
    """Each line with what was sold and what is left; wrong input comes back as it was typed."""

    model = Document
    template_name = "cms_billing/faktura/admin/credit.html"
    permission = CREDIT
    page_title = gettext_lazy("Correct in part")
    action_label = gettext_lazy("Issue the correction")
    form_class = ReasonForm
    explanation = gettext_lazy(
        "The invoice stays as it is. A correction with a number of its own is issued and sent to the customer; what "
        "has been paid above it stays on their account."
    )

    def obstacle(self) -> str:
        obstacle = obstacle_of(self.object)
        if obstacle is None and all(line.is_used_up for line in left_to_credit(self.object)):
            obstacle = "nothing_left"
        return str(CannotCancel(document=self.object, obstacle=obstacle)) if obstacle else ""

    @cached_property
    def line_forms(self) -> list[CreditLineForm]:
        return credit_line_forms(self.object, self.request.POST if self.request.method == "POST" else None)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        # A set, not a generator: every line says what is wrong with it, not only the first.
        if {form.is_valid(), *(line.is_valid() for line in self.line_forms)} == {True}:
            return self.form_valid(form)
        return self.form_invalid(form)

    def perform(self, form: forms.Form) -> str:
        correction = credit_document(
            document_id=self.object.pk,
            lines=wanted_lines(self.line_forms),
            reason=form.cleaned_data["reason"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("%(document)s is corrected by %(correction)s: %(amount)s.") % {
            "document": self.object,
            "correction": correction.number,
            "amount": money_text(correction.gross),
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "lines": self.line_forms,
            "totals": credit_totals(self.object, self.line_forms),
            "totals_url": reverse("billing-correction:totals", args=[self.object.pk]),
        }


def credit_totals(document: Document, line_forms: list[CreditLineForm]) -> dict[str, Any]:
    """What the correction comes to as the form stands."""
    wanted = wanted_lines(line_forms) if line_forms and line_forms[0].is_bound else []
    if not wanted:
        return no_totals()
    try:
        lines = credit_lines(document, wanted)
    except BillingError as error:
        return {**no_totals(), "hints": [str(error)]}
    draft = Draft(
        kind=DocumentKind.CREDIT_NOTE,
        customer_id=document.customer_id,
        currency=document.currency,
        prices_include_tax=document.prices_include_tax,
        lines=tuple(lines),
    )
    of_lines: dict[str, int] = {}
    for line in lines:
        prefix = f"line-{line.corrects_line_id}"
        of_lines[prefix] = of_lines.get(prefix, 0) + (line.amounts.gross if line.amounts else 0)
    amounts = {prefix: money_text(Money(gross, document.currency)) for prefix, gross in of_lines.items()}
    return {**totals_of_draft(draft, []), "lines": amounts, "is_negative": False}


class CreditTotalsView(View):
    """Live totals of the correction; nothing is written."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> JsonResponse:
        if not request.user.has_perm(CREDIT):
            raise PermissionDenied
        document = get_object_or_404(rows_visible_to(Document, request.user), pk=pk)
        line_forms = credit_line_forms(document, request.POST)
        context = credit_totals(document, line_forms)
        context["hints"] += [_why(form) for form in line_forms if not form.is_valid()]
        html = render_to_string(
            "cms_billing/faktura/admin/_draft_totals.html", {"totals": context}, request=request
        )
        return JsonResponse({"html": html, "lines": context["lines"]})


def _why(form: CreditLineForm) -> str:
    errors = " ".join(str(error) for errors in form.errors.values() for error in errors)
    return f"{form.left.position}. {form.left.description}: {errors}"


class CancelView(ActionView):
    model = Document
    permission = "cms_billing_faktura.cancel_document"
    page_title = pgettext_lazy("billing", "Cancel")
    action_label = gettext_lazy("Issue the cancellation")
    is_dangerous = True
    form_class = CancelOneForm
    explanation = gettext_lazy(
        "The invoice stays as it is. A cancellation with a number of its own is issued and sent to the customer; what "
        "has been paid stays on their account."
    )

    def obstacle(self) -> str:
        obstacle = obstacle_of(self.object)
        return str(CannotCancel(document=self.object, obstacle=obstacle)) if obstacle else ""

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "document": self.object}

    def perform(self, form: forms.Form) -> str:
        cancellation = cancel_document(
            document_id=self.object.pk,
            reason=form.cleaned_data["reason"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
            bill_again=form.cleaned_data["then"] == "again",
            not_restocked=form.not_restocked(),  # type: ignore[attr-defined]
        )
        return _("%(document)s is cancelled by %(cancellation)s.") % {
            "document": self.object,
            "cancellation": cancellation.number,
        }


class CorrectionViewSet(ViewSet):
    """No list of its own: corrections are documents."""

    name = "billing-correction"

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        names = {"index_url_name": "billing-document:index", "inspect_url_name": "billing-document:inspect"}
        return super().get_common_view_kwargs(**{**names, **kwargs})

    def get_urlpatterns(self) -> list[Any]:
        return [
            path("credit/<int:pk>/", self.construct_view(CreditView), name="credit"),
            path("credit/<int:pk>/totals/", CreditTotalsView.as_view(), name="totals"),
        ]


@hooks.register("billing_document_actions")
def correction_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Correct in part"),
            "billing-correction:credit",
            "minus",
            CREDIT,
            when=lambda document: (
                document.kind in CANCELLABLE_KINDS
                and document.state == Document.State.ISSUED
                and not getattr(document, "is_cancelled", False)
            ),
        )
    ]
