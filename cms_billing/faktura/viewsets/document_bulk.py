"""What people do with many documents at once."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.utils.functional import cached_property
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.admin import AnswerAtOnce, BillingBulkAction, BulkProblem, BulkResult, money_text
from cms_billing.core.exceptions import BillingError

from ..archive import PDF, pdf_filename, read_record
from ..models import ArchiveRecord, Document
from ..rules import CANCELLABLE_KINDS
from ..selectors import with_standing
from ..services import cancel_document, finalise_drafts, send_again
from .correction_forms import CancelForm

ZIP_BYTES = 500 * 2**20


class _OfDocuments(BillingBulkAction):
    def detailed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return with_standing(rows).select_related("issuer", "customer").order_by("pk")


class SendAgain(_OfDocuments):
    display_name = gettext_lazy("Send again")
    aria_label = gettext_lazy("Send the selected documents again")
    action_type = "send_again"
    action_priority = 10
    permission = "cms_billing_faktura.send_document"
    explanation = gettext_lazy(
        "The archived PDF of each document is sent once more, unchanged, to the address that its customer has today."
    )

    def obstacle(self, row: Any) -> str:
        if not row.has_pdf:
            return _("It has no PDF yet.")
        if not row.customer.email:
            return _("The customer has no e-mail address.")
        return ""

    def note(self, row: Any) -> str:
        return row.customer.email

    def perform(self, row: Any, form: forms.Form) -> None:
        send_again(document=row, user=self.request.user)

    def success_message(self, count: int) -> str:
        return ngettext("%(count)s document is sent again.", "%(count)s documents are sent again.", count) % {
            "count": count
        }


class DownloadZip(AnswerAtOnce, _OfDocuments):
    """The archived PDFs in one file, written while it is sent: no selection is held in memory."""

    display_name = gettext_lazy("Download PDFs")
    aria_label = gettext_lazy("Download the PDFs of the selected documents as one ZIP file")
    action_type = "download"
    action_priority = 20
    permission = "cms_billing_faktura.view_document"
    limit = 5000

    def obstacle(self, row: Any) -> str:
        return "" if row.has_pdf else _("It has no PDF yet.")

    @cached_property
    def records(self) -> list[ArchiveRecord]:
        documents = [row.pk for row in self.sorted_out[0]]
        return list(
            ArchiveRecord.objects.filter(document__in=documents, content_type=PDF)
            .select_related("issuer", "document")
            .order_by("issuer", "document")
        )

    def obstacle_to_all(self) -> str:
        size = 0 if self.is_too_much else sum(record.size for record in self.records)
        if size <= ZIP_BYTES:
            return ""
        return _("These PDFs have %(size)s; at most %(limit)s go into one file. Select fewer.") % {
            "size": filesizeformat(size),
            "limit": filesizeformat(ZIP_BYTES),
        }

    def answer(self, rows: list[Any]) -> HttpResponseBase:
        response = StreamingHttpResponse(zipped(self.records), content_type="application/zip")
        day = clock.today()
        response["Content-Disposition"] = f'attachment; filename="documents-{day:%Y-%m-%d}.zip"'
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, no-store"
        return response


class _Outgoing(io.RawIOBase):
    """What was written since it was last asked: ``zipfile`` writes on, the response takes away."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def taken(self) -> bytes:
        data, self._written = bytes(self._written), bytearray()
        return data


def zipped(records: list[ArchiveRecord]) -> Iterator[bytes]:
    """A ZIP file in pieces, one document in memory at a time. PDFs are compressed already and only stored.

    What cannot be read is named in a text file instead of spoiling the rest.
    """
    outgoing = _Outgoing()
    missing = []
    names = archive_names(records)
    with zipfile.ZipFile(outgoing, "w", zipfile.ZIP_STORED) as file:
        for record, name in zip(records, names, strict=True):
            try:
                file.writestr(_entry(name, record), read_record(record))
            except BillingError as error:
                missing.append(str(error))
            yield outgoing.taken()
        if missing:
            file.writestr(_("missing.txt"), "\r\n".join(missing))
    yield outgoing.taken()


def _entry(name: str, record: ArchiveRecord) -> zipfile.ZipInfo:
    moment = record.archived_at.astimezone(ZoneInfo(record.issuer.time_zone))
    return zipfile.ZipInfo(name, date_time=max(moment.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))


def archive_names(records: list[ArchiveRecord]) -> list[str]:
    """``RE-2026-000001.pdf``; in a folder for each issuer where there are several. No two the same, no path in them."""
    several = len({record.issuer_id for record in records}) > 1
    seen: Counter[str] = Counter()
    names = []
    for record in records:
        name = pdf_filename(record.document.number)
        if several:
            name = f"{get_valid_filename(record.issuer.name.replace('/', '-'))}/{name}"
        seen[name.lower()] += 1
        if (again := seen[name.lower()]) > 1:
            name = f"{name.removesuffix('.pdf')}-{again}.pdf"
        names.append(name)
    return names


class _Export(AnswerAtOnce, _OfDocuments):
    permission = "cms_billing_faktura.view_document"
    limit = 100_000
    format = ""

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Not row by row into memory, as other actions look at their rows: a whole list may be asked for."""
        view = self.viewset.list_view(request)
        return view.as_spreadsheet(
            view.order_queryset(view.rows().filter(pk__in=self._chosen())), self.format
        )

    post = get

    def _chosen(self) -> Any:
        return self.selected().order_by().values("pk")


class ExportXlsx(_Export):
    display_name = gettext_lazy("Export XLSX")
    aria_label = gettext_lazy("Export the selected documents as XLSX")
    action_type = "export_xlsx"
    action_priority = 30
    format = "xlsx"


class ExportCsv(_Export):
    display_name = gettext_lazy("Export CSV")
    aria_label = gettext_lazy("Export the selected documents as CSV")
    action_type = "export_csv"
    action_priority = 31
    format = "csv"


class Cancel(_OfDocuments):
    display_name = pgettext_lazy("billing", "Cancel")
    aria_label = gettext_lazy("Cancel the selected documents")
    action_label = gettext_lazy("Issue the cancellations")
    action_type = "cancel"
    action_priority = 50
    classes = {"serious"}
    is_dangerous = True
    limit = 200
    permission = "cms_billing_faktura.cancel_document"
    form_class = CancelForm
    explanation = gettext_lazy(
        "The invoices stay as they are. For each one a cancellation with a number of its own is issued and sent to the "
        "customer; what has been paid stays on their account. This cannot be undone."
    )

    def obstacle(self, row: Any) -> str:
        if row.state != Document.State.ISSUED:
            return _("It is a draft: delete it instead.")
        if row.is_cancelled:
            return _("It is cancelled already.")
        if row.kind not in CANCELLABLE_KINDS:
            return _("Only invoices can be cancelled.")
        return ""

    def note(self, row: Any) -> str:
        return f"{row.recipient_name} · {money_text(row.total)}"

    def perform(self, row: Any, form: forms.Form) -> None:
        cancel_document(
            document_id=row.pk,
            reason=form.cleaned_data["reason"],
            today=clock.today(row.issuer),
            user=self.request.user,
            bill_again=form.cleaned_data["then"] == "again",
        )

    def success_message(self, count: int) -> str:
        return ngettext("%(count)s document is cancelled.", "%(count)s documents are cancelled.", count) % {
            "count": count
        }


class Finalise(_OfDocuments):
    display_name = gettext_lazy("Issue drafts")
    aria_label = gettext_lazy("Issue the selected drafts")
    action_label = gettext_lazy("Issue them now")
    action_type = "finalise"
    action_priority = 40
    limit = 500
    permission = "cms_billing_faktura.finalise_document"
    explanation = gettext_lazy(
        "Each draft gets its number and the date of today, is posted, and is sent to its customer. From then on it "
        "cannot be changed any more."
    )

    def obstacle(self, row: Any) -> str:
        return "" if row.state == Document.State.DRAFT else _("It is issued already.")

    def note(self, row: Any) -> str:
        return f"{row.customer.name} · {money_text(row.total)}"

    def perform_all(self, rows: Sequence[Any], form: forms.Form) -> BulkResult:
        """An issuer's drafts together, in one run of numbers; a draft that cannot be issued is its own problem."""
        by_key = {row.pk: row for row in rows}
        by_issuer: dict[Any, list[int]] = {}
        for row in rows:
            by_issuer.setdefault(row.issuer, []).append(row.pk)
        done, problems = [], []
        for issuer, keys in by_issuer.items():
            try:
                result = finalise_drafts(
                    issuer=issuer, document_ids=keys, today=clock.today(issuer), user=self.request.user
                )
            except BillingError as error:
                problems += [BulkProblem(by_key[key], str(error)) for key in keys]
                continue
            done += result.done
            problems += [BulkProblem(by_key[one.subject_id], one.reason) for one in result.problems]
        return BulkResult(done, problems)

    def success_message(self, count: int) -> str:
        return ngettext("%(count)s document is issued.", "%(count)s documents are issued.", count) % {
            "count": count
        }


BULK_ACTIONS: list[type[BillingBulkAction]] = [
    SendAgain,
    DownloadZip,
    ExportXlsx,
    ExportCsv,
    Finalise,
    Cancel,
]
