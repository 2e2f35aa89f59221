"""News from the account. They run after commit in the same process: no queue stands between a payment and the content.

If one dies, nothing is wrong for long: the standing looks at what is owed, and the next run opens or closes the case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.faktura.models import Document, DocumentKind
from cms_billing.payments.models import Payment
from cms_billing.payments.selectors import asked_for

from . import hindrances
from .exceptions import PaymentUnderWay
from .models import Case, CaseStep
from .rules import Reason
from .services import back_to_agency, close_case, note_payment, reopen_case, review_document


def close_when_settled(*, document_id: int, day: date, **kwargs: Any) -> None:
    close_case(document_id=document_id, day=day)


def close_when_cancelled(*, document_id: int, **kwargs: Any) -> None:
    document = Document.objects.select_related("issuer").get(pk=document_id)
    close_case(document_id=document_id, day=clock.today(document.issuer))


def go_on_when_reopened(*, document_id: int, day: date, **kwargs: Any) -> None:
    reopen_case(document_id=document_id, day=day)
    back_to_agency(document_ids=[document_id])


def note_part_payment(*, document_id: int, day: date, amount_minor: int, **kwargs: Any) -> None:
    note_payment(document_id=document_id, day=day, amount_minor=amount_minor)


def review_agreements_about(*, document_id: int, **kwargs: Any) -> None:
    """The last instalment keeps an agreement at once; a payment that comes back opens it again."""
    document = Document.objects.select_related("issuer").get(pk=document_id)
    review_document(document_id=document_id, today=clock.today(document.issuer))


def note_sent_again(*, document: Document, to: str, reason: str, user: Any, **kwargs: Any) -> None:
    """In the timeline of every case the letter was written for."""
    if document.kind != DocumentKind.DUNNING_LETTER:
        return
    way = _("to %(to)s") % {"to": to} if to else _("on paper")
    said = f"{document.number} {way} {reason}".strip()
    CaseStep.objects.bulk_create(
        CaseStep(case=case, kind=CaseStep.Kind.SENT_AGAIN, level=case.level, reason=said[:255], user=user)
        for case in Case.objects.filter(steps__letter=document).distinct()
    )


def start_when_failed(*, payment_id: int, day: date, **kwargs: Any) -> None:
    """Where no further attempt is planned."""
    for document_id in asked_for(Payment.objects.get(pk=payment_id)):
        reopen_case(document_id=document_id, day=day)


def start_when_charged_back(*, document_ids: Sequence[int], day: date, **kwargs: Any) -> None:
    """Also where only a part came back, of a document that was not paid in full."""
    for document_id in document_ids:
        reopen_case(document_id=document_id, day=day)


def reason_to_withdraw(letter: Document) -> str:
    """A letter that waits in the outbox is not sent when all it was written for has been paid meanwhile, be it that
    fees or interest are left that nobody claims any more. While a payment for all of it is under way, it waits."""
    written_for = Case.objects.filter(steps__letter=letter)
    if not written_for.exists():
        return ""
    standing = written_for.standing()
    owed = set(standing.exclude(state=Case.State.HANDED_OVER).values_list("document_id", flat=True))
    if not owed and standing.exists():
        return _("Everything this letter asks for has been handed over to a collection agency.")
    held = hindrances.of_documents(owed, today=clock.today(letter.issuer))
    reasons = {document_id: hindrance.reason for document_id, hindrance in held.items()}
    owed -= {pk for pk, reason in reasons.items() if reason is Reason.ONLY_CHARGES_LEFT}
    if not owed:
        return _("Everything this letter asks for has been settled before it was sent.")
    if all(reasons.get(pk) is Reason.PAYMENT_UNDER_WAY for pk in owed):
        raise PaymentUnderWay
    return ""
