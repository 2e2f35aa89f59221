"""Letters on paper: put in line, collected in a print file, posted, printed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core import clock, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError
from cms_billing.core.models import OutsideWork

from .. import archive
from ..delivery_vetoes import reason_to_withdraw
from ..models import Delivery, Document, Issuer, PaperLetter, PrintFile
from ..printing import Printed, Sheet, merge, postal_order
from ..signals import document_sent_again
from .attachments import enclosed_pdfs

Cause = PaperLetter.Cause
DONE = OutsideWork.WorkState.DONE
FOLDER = "print"


class NothingToPrint(BillingError):
    """No letter waits for print."""


class NotPrinted(BillingError):
    """A print file that is not made yet, or has been posted already."""


class InLineAlready(BillingError):
    """The letter waits for print as it is."""


def put_in_line(document: Document, cause: str) -> None:
    """The first time a document goes on paper. Repeated it changes nothing."""
    PaperLetter.objects.get_or_create(
        document=document, cause__in=[Cause.PAPER, Cause.NO_ADDRESS], defaults={"cause": cause}
    )


def take_out_of_line(document: Document) -> None:
    """It went by mail instead."""
    PaperLetter.objects.waiting().filter(document=document, cause=Cause.NO_ADDRESS).update(
        withdrawn_because=_("It was sent by e-mail instead.")
    )


@transaction.atomic
def print_again(*, document: Document, reason: str, user: Any = None) -> PaperLetter:
    """The archived PDF goes into the next print file once more. Raises NotArchivedYet, InLineAlready."""
    archive.pdf_record(document)
    Document.objects.select_for_update(no_key=True).get(pk=document.pk)
    if PaperLetter.objects.waiting().filter(document=document).exists():
        raise InLineAlready(_("%(document)s waits for print already.") % {"document": document})
    row = PaperLetter.objects.create(document=document, cause=Cause.AGAIN, reason=reason, user=user)
    log(instance=document, action="cms_billing.print_again", user=user, data={"reason": reason})
    document_sent_again.send(Document, document=document, to="", reason=reason, user=user)
    return row


@transaction.atomic
def make_print_files(*, issuer: Issuer, two_sided: bool = True, user: Any = None) -> list[PrintFile]:
    """Put everything that waits into print files, in postal order; a worker makes their PDFs. Raises NothingToPrint.

    The issuer is locked: two people who ask at once do not get a letter twice.
    """
    Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)
    waiting = list(
        PaperLetter.objects.waiting()
        .filter(document__issuer=issuer, document__archive_records__content_type=archive.PDF)
        .select_related("document")
    )
    if not waiting:
        raise NothingToPrint(_("No letter of %(issuer)s waits for print.") % {"issuer": issuer})
    waiting.sort(key=lambda row: _place_of(row.document, home=issuer.country))
    files = []
    most = billing_settings().print_file_letters
    for start in range(0, len(waiting), most):
        part = waiting[start : start + most]
        file = PrintFile.objects.create(issuer=issuer, two_sided=two_sided, letters=len(part), user=user)
        for position, row in enumerate(part, start=1):
            row.print_file, row.position, row.problem = file, position, ""
        PaperLetter.objects.bulk_update(part, ["print_file", "position", "problem"])
        log(instance=file, action="cms_billing.make_print_file", user=user, data={"letters": len(part)})
        outbox.hint(file)
        files.append(file)
    return files


def _place_of(document: Document, *, home: str) -> tuple[Any, ...]:
    order = postal_order(document.recipient_address, document.recipient_country, home=home)
    return (*order, document.number)


def render_print_file(file: PrintFile) -> Callable[[], None]:
    """Outside work: merge the archived PDFs. What has been settled meanwhile is left out; what cannot be read waits
    for the next file, with what was wrong."""
    issuer = Issuer.objects.get(pk=file.issuer_id)
    rows = list(file.letters_in_it.select_related("document__customer").order_by("position"))
    withdrawn = {row.pk: reason for row in rows if (reason := _withdrawal(row))}
    sheets: list[Sheet] = []
    problems: dict[int, str] = {}
    for row in rows:
        if row.pk in withdrawn:
            continue
        try:
            sheets.append(_sheet(row))
        except BillingError as error:
            problems[row.pk] = str(error)
    printed = merge(
        sheets,
        issuer=issuer,
        title=str(file),
        day=clock.local_day(file.created_at, issuer),
        two_sided=file.two_sided,
    )
    stored = archive.store_bytes(printed.content, folder=FOLDER)
    return partial(_record, file.pk, printed, stored, withdrawn, problems)


def _withdrawal(row: PaperLetter) -> str:
    return "" if row.cause == Cause.AGAIN else reason_to_withdraw(row.document)


def _sheet(row: PaperLetter) -> Sheet:
    document = row.document
    address = document.recipient_address.splitlines()
    if document.recipient_country and document.recipient_country != document.issuer.country:
        address.append(document.recipient_country)
    return Sheet(
        key=row.pk,
        number=document.number,
        kind=capfirst(document.get_kind_display()),
        customer_number=document.customer.number,
        recipient=tuple(address),
        pdfs=(archive.archived_pdf(document), *enclosed_pdfs(document)),
    )


def _record(
    pk: int,
    printed: Printed,
    stored: archive.Stored,
    withdrawn: dict[int, str],
    problems: dict[int, str],
) -> None:
    PrintFile.objects.filter(pk=pk).update(
        letters=len(printed.sheets), pages=printed.pages, sha256=stored.sha256, size=stored.size
    )
    rows = PaperLetter.objects.filter(print_file=pk).select_related("document").in_bulk()
    for sheet in printed.sheets:
        rows[sheet.key].first_page, rows[sheet.key].pages = sheet.first_page, sheet.pages
    for key, reason in withdrawn.items():
        rows[key].withdrawn_because = reason[:255]
        _first_delivery(rows[key].document, last_error=reason)
    for key, problem in problems.items():
        rows[key].print_file, rows[key].position, rows[key].problem = None, None, problem[:255]
    PaperLetter.objects.bulk_update(
        rows.values(), ["first_page", "pages", "withdrawn_because", "print_file", "position", "problem"]
    )


def _first_delivery(document: Document, **values: Any) -> None:
    defaults = {"to": "", "work_state": DONE, "done_at": clock.now(), **values}
    Delivery.objects.get_or_create(document=document, purpose=Delivery.Purpose.FIRST, defaults=defaults)


def content_of(file: PrintFile) -> bytes:
    """The PDF. Raises NotPrinted, ArchiveDamaged."""
    if not file.sha256:
        raise NotPrinted(_("%(file)s is being made; it is ready within minutes.") % {"file": file})
    return archive.read_stored(file.sha256, folder=FOLDER, name=str(file))


def download_print_file(*, file: PrintFile, user: Any) -> bytes:
    """The same, and kept in the log: it holds other people's letters."""
    content = content_of(file)
    log(instance=file, action="cms_billing.download_print_file", user=user)
    return content


@transaction.atomic
def post_print_file(*, file_id: int, user: Any = None) -> int:
    """A person has taken the letters to the post; returns how many. Raises NotPrinted."""
    file = PrintFile.objects.select_for_update(no_key=True).get(pk=file_id)
    if not file.sha256 or file.posted_at:
        raise NotPrinted(
            _("%(file)s is in the post already.") % {"file": file}
            if file.posted_at
            else _("%(file)s is being made; it is ready within minutes.") % {"file": file}
        )
    rows = file.letters_in_it.filter(withdrawn_because="", posted_at=None).select_related("document")
    letters = list(rows)
    now = clock.now()
    Delivery.objects.bulk_create(_deliveries(letters, now))
    PaperLetter.objects.filter(pk__in=[row.pk for row in letters]).update(posted_at=now)
    PrintFile.objects.filter(pk=file.pk).update(posted_at=now)
    log(instance=file, action="cms_billing.post_print_file", user=user, data={"letters": len(letters)})
    return len(letters)


def _deliveries(letters: Sequence[PaperLetter], now: Any) -> Iterator[Delivery]:
    first = Delivery.Purpose.FIRST
    ids = [row.document_id for row in letters]
    sent = set(Delivery.objects.filter(document__in=ids, purpose=first).values_list("document", flat=True))
    for row in letters:
        purpose = Delivery.Purpose.AGAIN if row.document_id in sent else first
        sent.add(row.document_id)
        yield Delivery(
            document_id=row.document_id, purpose=purpose, to="", work_state=DONE, done_at=now, sent_at=now
        )
