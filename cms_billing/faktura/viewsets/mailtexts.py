"""Mail texts: what is written and how it travels, with a preview beside it and a test mail to oneself."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, MultiFieldPanel, ObjectList, Panel
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import BillingFilterSet
from cms_billing.core.exceptions import BillingError
from cms_billing.core.ui.preview import PreviewedCreateView, PreviewedEditView, PreviewedViewSet, PreviewView
from cms_billing.core.ui.viewsets import BillingIndexView

from ..models import MAIL_KINDS, Attach, DocumentKind, MailText
from ..placeholders import MEANINGS, placeholders_of, validate_placeholders
from ..previews import show
from ..services import send_test_mail


class MailTextForm(WagtailAdminModelForm):
    def clean_subject(self) -> str:
        subject = self._checked("subject")
        if "\n" in subject or "\r" in subject:
            raise ValidationError(_("A subject is one line."))
        return subject

    def clean_body(self) -> str:
        return self._checked("body")

    def _checked(self, field: str) -> str:
        text = self.cleaned_data[field]
        validate_placeholders(text, self.cleaned_data.get("purpose", ""))
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        body = data.get("body")
        if body and data.get("attach") == Attach.LINK and "{document_link}" not in body:
            self.add_error("body", _("Nothing is attached: lead to the document with {document_link}."))
        if data.get("issuer") and data.get("purpose"):
            same = MailText.objects.filter(
                issuer=data["issuer"], purpose=data["purpose"], language=data.get("language", "")
            )
            if same.exclude(pk=self.instance.pk).exists():
                self.add_error("language", _("There is a mail text for this kind and language already."))
        return data


class PlaceholdersPanel(HelpPanel):
    """Which placeholders there are, kind by kind; the form's script shows those of the chosen kind."""

    class BoundPanel(HelpPanel.BoundPanel):
        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            kinds = [
                {
                    "kind": kind,
                    "label": label,
                    "rows": [(f"{{{name}}}", MEANINGS[name]) for name in placeholders_of(kind)],
                    "shown": kind == (self.instance.purpose or DocumentKind.INVOICE),
                }
                for kind, label in MAIL_KINDS
            ]
            return {**super().get_context_data(parent_context), "kinds": kinds}


class TestMailPanel(Panel):
    class BoundPanel(Panel.BoundPanel):
        template_name = "cms_billing/faktura/admin/test_mail_panel.html"

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            args = [self.instance.pk] if self.instance.pk else []
            return {
                **super().get_context_data(parent_context),
                "url": reverse("billing-mailtext:test", args=args),
                "address": self.request.user.email,
            }


class IssuerFromAddress(PreviewedCreateView):
    """``?issuer=7`` fills in the issuer the link came from."""

    template_name = "cms_billing/faktura/admin/mail_text_form.html"

    def get_initial(self) -> dict[str, Any]:
        initial = super().get_initial()
        issuer = self.request.GET.get("issuer", "")
        return {**initial, "issuer": issuer} if issuer.isdecimal() else initial


class MailTextPreview(PreviewView):
    def render(self, row: MailText, mode: str) -> HttpResponse:
        shown = show(row, self.request.user)
        context = {"shown": shown, "mode": mode, "to": shown.data.recipient_email}
        return render(self.request, "cms_billing/faktura/admin/mail_preview.html", context)


class TestMailView(PreviewView):
    """POST the form as it stands, saved or not: it comes to the editor as a mail. Answers for a script."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form(request.POST)
        if not self.validate_form(form):
            return JsonResponse({"error": _("Correct the form first: %(errors)s") % {"errors": told(form)}})
        try:
            address = send_test_mail(text=form.save(commit=False), user=request.user)
        except BillingError as error:
            return JsonResponse({"error": str(error)})
        return JsonResponse({"message": _("A test mail goes to %(to)s.") % {"to": address}})


def told(form: Any) -> str:
    return " ".join(str(message) for messages in form.errors.values() for message in messages)


class MailTextIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")


class MailTextFilterSet(BillingFilterSet):
    class Meta:
        model = MailText
        fields = ["purpose", "language"]


class MailTextViewSet(PreviewedViewSet):
    model = MailText
    icon = "mail"
    menu_order = 720
    inspect_view_enabled = False
    edit_template_name = "cms_billing/faktura/admin/mail_text_form.html"
    list_display = [
        "__str__",
        Column("subject", label=gettext_lazy("Subject"), accessor=lambda row: row.subject or _("as shipped")),
        Column("attach", label=gettext_lazy("Attached"), accessor="get_attach_display"),
        Column("issuer", label=gettext_lazy("Issuer"), sort_key="issuer__name"),
    ]
    filterset_class = MailTextFilterSet
    edit_handler = ObjectList(
        [
            FieldPanel("issuer"),
            FieldRowPanel([FieldPanel("purpose"), FieldPanel("language")]),
            MultiFieldPanel(
                [
                    PlaceholdersPanel(template="cms_billing/faktura/admin/placeholders_panel.html"),
                    FieldPanel("subject"),
                    FieldPanel("body", widget=forms.Textarea(attrs={"rows": 12})),
                    TestMailPanel(),
                ],
                heading=gettext_lazy("Text"),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("sender_name"), FieldPanel("sender_address")]),
                    FieldPanel("reply_to"),
                    FieldRowPanel(
                        [
                            FieldPanel("cc", widget=forms.Textarea(attrs={"rows": 2})),
                            FieldPanel("bcc", widget=forms.Textarea(attrs={"rows": 2})),
                        ]
                    ),
                    FieldPanel("attach"),
                ],
                heading=gettext_lazy("Sender, copies and attachments"),
            ),
        ],
        base_form_class=MailTextForm,
    )
    index_view_class = MailTextIndexView
    add_view_class = IssuerFromAddress
    edit_view_class = PreviewedEditView
    preview_view_class = MailTextPreview

    def get_urlpatterns(self) -> list[Any]:
        view = self.preview_view(TestMailView)
        return [
            *super().get_urlpatterns(),
            path("test/", view, name="test"),
            path("test/<int:pk>/", view, name="test"),
        ]
