"""What people do with one document: send again, cancel, read the PDF."""

from __future__ import annotations

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin import messages

from cms_billing.core import clock
from cms_billing.core.admin import ActionView, rows_visible_to
from cms_billing.core.exceptions import BillingError

from ..archive import PDF, archived_pdf, pdf_filename
from ..exceptions import CannotCancel
from ..models import Document, DocumentKind
from ..rules import CANCELLABLE_KINDS
from ..selectors import with_standing
from ..services import cancel_document


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("Printed on the cancellation, such as “wrong address”."),
    )
    then = forms.ChoiceField(
        label=gettext_lazy("What was billed"),
        choices=[
            ("again", gettext_lazy("is billed again with the next run (the invoice was wrong)")),
            ("void", gettext_lazy("is not billed any more (the sale is off)")),
        ],
        widget=forms.RadioSelect,
        initial="again",
    )


class CancelView(ActionView):
    model = Document
    permission = "cms_billing_faktura.cancel_document"
    page_title = pgettext_lazy("billing", "Cancel")
    action_label = gettext_lazy("Issue the cancellation")
    is_dangerous = True
    form_class = CancelForm
    explanation = gettext_lazy(
        "The invoice stays as it is. A cancellation with a number of its own is issued and sent to the customer; what "
        "has been paid stays on their account."
    )

    def obstacle(self) -> str:
        if self.object.corrections.filter(kind=DocumentKind.CANCELLATION).exists():
            return str(CannotCancel(document=self.object, obstacle="cancelled"))
        if self.object.kind not in CANCELLABLE_KINDS:
            return str(CannotCancel(document=self.object, obstacle="kind"))
        return ""

    def perform(self, form: forms.Form) -> str:
        cancellation = cancel_document(
            document_id=self.object.pk,
            reason=form.cleaned_data["reason"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
            bill_again=form.cleaned_data["then"] == "again",
        )
        return _("%(document)s is cancelled by %(cancellation)s.") % {
            "document": self.object,
            "cancellation": cancellation.number,
        }


def pdf_view(request: HttpRequest, pk: int) -> HttpResponse:
    """The archived bytes, shown in the browser."""
    if not request.user.has_perm("cms_billing_faktura.view_document"):
        raise PermissionDenied
    document = get_object_or_404(with_standing(rows_visible_to(Document, request.user)), pk=pk, has_pdf=True)
    try:
        content = archived_pdf(document)
    except BillingError as error:
        messages.error(request, str(error))
        return redirect("billing-document:inspect", pk)
    response = HttpResponse(content, content_type=PDF)
    response["Content-Disposition"] = f'inline; filename="{pdf_filename(document.number)}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
