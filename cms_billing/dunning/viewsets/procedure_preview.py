"""A procedure's letters beside the form, in each language, and as a test mail to oneself."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from wagtail.admin import messages
from wagtail.admin.panels import Panel

from cms_billing.core.exceptions import BillingError
from cms_billing.core.ui.preview import PreviewedCreateView, PreviewedEditView, PreviewView
from cms_billing.faktura import delivery
from cms_billing.faktura.archive import PDF
from cms_billing.faktura.models import Channel, Customer
from cms_billing.faktura.models.parties import LANGUAGES
from cms_billing.faktura.services import check_may_test, sample_pdf, send_as_test
from cms_billing.faktura.viewsets.letterheads import shown_pages
from cms_billing.faktura.viewsets.mailtexts import told

from ..models import Procedure
from ..previews import LANGUAGE_CODES, Shown, kinds_of, preview_pdf, show
from .procedure_forms import doubts_about

_CHOICE = "cms_billing_dunning_preview"


class _Chosen(PreviewView):
    """Language, kind of customer and level that the editor looked at last, kept in the session: the panel asks for its
    preview again and again by the same address."""

    def chosen(self, procedure: Procedure) -> tuple[str, str, int]:
        kept = self.request.session.get(_CHOICE, {})
        kinds = kinds_of(procedure)
        language = self._wanted("language", kept, LANGUAGE_CODES, procedure.issuer.language)
        kind = self._wanted("kind", kept, kinds, kinds[0])
        numbers = [str(row.number) for row in procedure.levels.all()]
        mode = self.request.GET.get("mode", "").partition("-")[0]
        level = mode or self._wanted("level", kept, numbers, "1")
        choice = {"language": language, "kind": kind, "level": level}
        if choice != kept:
            self.request.session[_CHOICE] = choice
        return language, kind, int(level) if level.isdecimal() else 1

    def _wanted(self, name: str, kept: dict[str, str], possible: Any, usual: str) -> str:
        return next(
            (one for one in (self.request.GET.get(name), kept.get(name)) if one in possible and one), usual
        )


class ProcedurePreview(_Chosen):
    def render(self, row: Procedure, mode: str) -> HttpResponse:
        language, kind, _level = self.chosen(row)
        level, _dash, form = mode.partition("-")
        context: dict[str, Any] = {
            "mode": mode,
            "language": language,
            "kind": kind,
            "languages": LANGUAGES,
            "kinds": [(one, Customer.Kind(one).label) for one in kinds_of(row)],
        }
        if int(level) not in {one.number for one in row.levels.all()}:
            context["message"] = _("There is no level %(n)s.") % {"n": level}
        else:
            shown = show(row, level=int(level), language=language, kind=kind)
            context["shown"] = shown
            if form == "pdf":
                context |= shown_pages(preview_pdf(shown))
        return render(self.request, "cms_billing/dunning/admin/letter_preview.html", context)


class TestLetterView(_Chosen):
    """POST the form as it stands, saved or not: the letter looked at last comes to the editor. Answers for a script."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form(request.POST)
        if not self.validate_form(form):
            return JsonResponse({"error": _("Correct the form first: %(errors)s") % {"errors": told(form)}})
        procedure = form.save(commit=False)
        language, kind, level = self.chosen(procedure)
        try:
            check_may_test(request.user)
            shown = show(procedure, level=level, language=language, kind=kind)
            address = self._send(shown, procedure, level)
        except (BillingError, LookupError) as error:
            return JsonResponse({"error": str(error)})
        said = _("Level %(n)s in %(language)s goes to %(to)s.")
        return JsonResponse(
            {"message": said % {"n": level, "language": dict(LANGUAGES)[language], "to": address}}
        )

    def _send(self, shown: Shown, procedure: Procedure, level: int) -> str:
        row = next(one for one in procedure.levels.all() if one.number == level)
        attached = row.channel != Channel.MAIL
        pdf = (
            delivery.Attachment(f"{shown.data.number}.pdf", sample_pdf(shown.data), PDF) if attached else None
        )
        return send_as_test(
            user=self.request.user,
            content=shown.content,
            wanted=shown.settings,
            sender=shown.sender,
            attachments=(pdf,) if pdf else (),
        )


class TestLetterPanel(Panel):
    class BoundPanel(Panel.BoundPanel):
        template_name = "cms_billing/faktura/admin/test_mail_panel.html"

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            args = [self.instance.pk] if self.instance.pk else []
            return {
                **super().get_context_data(parent_context),
                "url": reverse("billing-dunning-procedure:test", args=args),
                "address": self.request.user.email,
            }


class _WarnsOfDoubts:
    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)  # type: ignore[misc]
        if form.instance.pk and not form.errors:
            for doubt in doubts_about(form.instance):
                messages.warning(self.request, doubt)  # type: ignore[attr-defined]
        return response


class ProcedureCreateView(_WarnsOfDoubts, PreviewedCreateView):
    template_name = "cms_billing/faktura/admin/mail_text_form.html"


class ProcedureEditView(_WarnsOfDoubts, PreviewedEditView):
    pass
