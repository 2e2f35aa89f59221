"""Pages for writing a draft: the form with its live totals, what can be put on it, and what it would look like."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from cms_billing.core import clock
from cms_billing.core.admin import rows_visible_to
from cms_billing.core.exceptions import BillingError
from cms_billing.core.ui.scope import ScopedView

from ..models import Customer, Document, Issuer
from ..rendering.draft import render_draft
from ..services import change_draft, create_draft, finalise_drafts
from .customer_chooser import choosable
from .draft_forms import BaseLineFormSet, DraftForm, LineFormSet, draft_from, initial_of, line_initials
from .draft_totals import offers_of, totals_context

WRITE, ISSUE = "cms_billing_faktura.draft_document", "cms_billing_faktura.finalise_document"
_FOLDER = "cms_billing/faktura/admin"


def drafts_visible_to(user: Any) -> Any:
    return rows_visible_to(Document, user).filter(state=Document.State.DRAFT)


class _Writing:
    """Whoever writes drafts, and the draft that is written anew (``pk`` of the address), if any."""

    request: HttpRequest
    kwargs: dict[str, Any]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(WRITE):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    @cached_property
    def document(self) -> Document | None:
        if "pk" not in self.kwargs:
            return None
        rows = drafts_visible_to(self.request.user).select_related("issuer", "customer__issuer")
        return get_object_or_404(rows.prefetch_related("lines", "tax_groups"), pk=self.kwargs["pk"])

    def forms_of(self, data: Any) -> tuple[DraftForm, BaseLineFormSet]:
        initial = initial_of(self.document) if self.document else self.initial()
        form = DraftForm(data, user=self.request.user, initial=initial)
        kwargs = {"currency": form.currency_typed() if data is not None else initial["currency"]}
        if data is not None:
            return form, LineFormSet(data, prefix="lines", form_kwargs=kwargs)
        rows = line_initials(self.document) if self.document else []
        lines = LineFormSet(initial=rows, prefix="lines", form_kwargs=kwargs)
        lines.extra = 0 if rows else 1
        return form, lines

    @cached_property
    def customer(self) -> Customer | None:
        """Given by the address: ``?customer=7``."""
        wanted = self.request.GET.get("customer", "")
        return choosable(self.request.user).filter(pk=wanted).first() if wanted.isdecimal() else None

    def initial(self) -> dict[str, Any]:
        issuer = self.customer.issuer if self.customer else _only_issuer(self.request.user)
        return {
            "customer": self.customer.pk if self.customer else None,
            "currency": issuer.currency if issuer else "EUR",
        }


def _only_issuer(user: Any) -> Issuer | None:
    issuers = list(rows_visible_to(Issuer, user)[:2])
    return issuers[0] if len(issuers) == 1 else None


class WriteDraftView(_Writing, ScopedView, WagtailAdminTemplateMixin, TemplateView):
    """A new draft, or one written anew. Wrong input comes back as it was typed."""

    template_name = f"{_FOLDER}/draft_form.html"
    header_icon = "edit"

    def get_page_title(self) -> str:
        return str(self.document) if self.document else _("New invoice")

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        items = [*self.breadcrumbs_items, {"url": reverse("billing-draft:index"), "label": _("Drafts")}]
        if self.document:
            items.append({"url": _page_of(self.document), "label": str(self.document)})
        return [*items, {"url": "", "label": _("Edit") if self.document else self.get_page_title()}]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form, lines = self.forms_of(None)
        return self.render_to_response(self.context(form, lines, self.document or self.customer))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form, lines = self.forms_of(request.POST)
        wants_issue = "issue" in request.POST
        if wants_issue and not request.user.has_perm(ISSUE):
            raise PermissionDenied
        if form.is_valid() and lines.is_valid():
            try:
                document = self._save(form, lines)
            except BillingError as error:
                form.add_error(None, str(error))
            else:
                self._say(document, wants_issue=wants_issue)
                return redirect(_page_of(document))
        messages.error(request, _("The draft has not been saved: see the messages in the form."))
        return self.render_to_response(self.context(form, lines, form.cleaned_data.get("customer")))

    def _save(self, form: DraftForm, lines: BaseLineFormSet) -> Document:
        issuer = form.cleaned_data["customer"].issuer
        today = clock.today(issuer)
        draft = draft_from(form, lines.filled(), before=self.document)
        common = {
            "draft": draft,
            "today": today,
            "finalise_on": form.cleaned_data["finalise_on"],
            "user": self.request.user,
        }
        if self.document:
            return change_draft(document_id=self.document.pk, **common)
        return create_draft(issuer=issuer, **common)

    def _say(self, document: Document, *, wants_issue: bool) -> None:
        if wants_issue:
            issue_now(self.request, document)
        else:
            messages.success(self.request, _("%(document)s has been saved.") % {"document": document})

    def context(
        self, form: DraftForm, lines: BaseLineFormSet, of: Document | Customer | None
    ) -> dict[str, Any]:
        customer = of.customer if isinstance(of, Document) else of
        pk = [self.document.pk] if self.document else []
        return self.get_context_data(
            form=form,
            lines=lines,
            media=form.media + lines.media,
            document=self.document,
            may_issue=self.request.user.has_perm(ISSUE),
            totals=totals_context(form, lines, before=self.document),
            offers=offers_of(customer, before=self.document),
            chosen_deposits=_chosen_deposits(form),
            totals_url=reverse("billing-draft:totals" if not pk else "billing-draft:totals_of", args=pk),
            offers_url=reverse("billing-draft:offers" if not pk else "billing-draft:offers_of", args=pk),
            back_url=_page_of(self.document) if self.document else reverse("billing-draft:index"),
        )


def issue_now(request: HttpRequest, document: Document) -> None:
    """Issue one draft and say what came of it; what stands in the way leaves it a draft."""
    issuer = document.issuer
    result = finalise_drafts(
        issuer=issuer, document_ids=[document.pk], today=clock.today(issuer), user=request.user
    )
    for issued in result.done:
        messages.success(request, _("%(document)s has been issued.") % {"document": issued})
    for problem in result.problems:
        messages.error(
            request,
            _("%(document)s has been saved, but not issued: %(reason)s")
            % {"document": document, "reason": problem.reason},
        )
    if not result.done and not result.problems:
        messages.warning(
            request, _("%(document)s has been issued meanwhile, by somebody else.") % {"document": document}
        )


def _page_of(document: Document) -> str:
    return reverse("billing-document:inspect", args=[document.pk])


def _chosen_deposits(form: DraftForm) -> set[str]:
    chosen = form["deposits"].value() or []
    return {str(value) for value in chosen}


class TotalsView(_Writing, View):
    """What the form comes to as it stands, worked out by the same code that issues; nothing is written."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        form, lines = self.forms_of(request.POST)
        context = totals_context(form, lines, before=self.document)
        html = render_to_string(f"{_FOLDER}/_draft_totals.html", {"totals": context}, request=request)
        return JsonResponse({"html": html, "lines": context["lines"]})


class OffersView(_Writing, View):
    """What a customer has to be put on the draft, as a fragment; asked for when another customer is chosen."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.customer is None and request.GET.get("customer"):
            raise Http404
        offers = offers_of(self.customer, before=self.document)
        html = render_to_string(
            f"{_FOLDER}/_draft_offers.html", {"offers": offers, "chosen_deposits": set()}, request=request
        )
        return HttpResponse(html)


def preview_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The PDF a draft would become, marked as a draft."""
    if not request.user.has_perm("cms_billing_faktura.view_document"):
        raise PermissionDenied
    document = get_object_or_404(drafts_visible_to(request.user).select_related("issuer"), pk=pk)
    content = render_draft(document, today=clock.today(document.issuer))
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="draft-{document.pk}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
