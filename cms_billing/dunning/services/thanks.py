"""Who had to be reminded and has paid is thanked: one mail a customer and day, however many documents it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from django.db.models import Exists, OuterRef, Q
from django.utils import translation

from cms_billing.core import clock, outbox
from cms_billing.core.formats import Formats, use_formats
from cms_billing.faktura import notices
from cms_billing.faktura.delivery import Mail
from cms_billing.faktura.models import Delivery, Document, NoticeKind
from cms_billing.faktura.rendering.data import Notice

from ..models import Case, CaseStep, ThankYou

_PAID = (Case.CloseReason.PAID, Case.CloseReason.CHARGES_KEPT)


def thank(cases: Sequence[Case], *, day: date) -> None:
    """Write the mails for cases that a payment closes, in its transaction; the cases are as they were before.

    Nobody is thanked who never got a letter: one that is still in the queue is withdrawn instead.
    """
    reminded = [case for case in cases if case.level]
    if not reminded:
        return
    sent = set(
        _were_reminded(Case.objects.filter(pk__in=[case.pk for case in reminded])).values_list(
            "pk", flat=True
        )
    )
    by_customer: dict[int, list[Case]] = defaultdict(list)
    for case in reminded:
        if case.pk in sent:
            by_customer[case.customer_id].append(case)
    for closed in by_customer.values():
        _write(closed, day=day)


def _were_reminded(cases):  # type: ignore[no-untyped-def]
    """Cases with a letter that has left the house: mailed, or made and without an address to mail it to."""
    sent = Delivery.objects.filter(document=OuterRef("letter"), sent_at__isnull=False)
    mailed = Delivery.objects.filter(document=OuterRef("letter"))
    out = CaseStep.objects.filter(case=OuterRef("pk"), kind=CaseStep.Kind.LETTER).filter(
        Q(Exists(sent)) | (~Q(Exists(mailed)) & Q(letter__rendering__work_state="done"))
    )
    return cases.filter(Exists(out))


def _write(cases: Sequence[Case], *, day: date) -> None:
    customer = cases[0].customer
    if not customer.email:
        return
    opened = any(case.locked for case in cases)
    row, is_new = ThankYou.objects.get_or_create(
        customer=customer, day=day, defaults={"to": customer.email, "opened": opened}
    )
    row.cases.add(*cases)
    if is_new:
        outbox.hint(row)
    elif opened and not row.opened:
        ThankYou.objects.filter(pk=row.pk).update(opened=True)


def send_thanks(row: ThankYou) -> Callable[[], object] | None:
    """Outside work: one mail. What is owed again by now, nobody is thanked for."""
    row = ThankYou.objects.select_related("customer__issuer").get(pk=row.pk)
    cases = list(row.cases.filter(state=Case.State.CLOSED, close_reason__in=_PAID).order_by("document_id"))
    if not cases:
        return None
    mail = _mail(row, cases)
    notices.send(mail, customer=row.customer)
    return partial(_record_sent, row.pk, [case.pk for case in cases], mail)


def _record_sent(pk: int, cases: Sequence[int], mail: Mail) -> None:
    ThankYou.objects.filter(pk=pk).update(subject=mail.subject, body=mail.body, sent_at=clock.now())
    CaseStep.objects.bulk_create(
        CaseStep(case=case, kind=CaseStep.Kind.THANKED, level=case.level)
        for case in Case.objects.filter(pk__in=cases)
    )


def _mail(row: ThankYou, cases: Sequence[Case]) -> Mail:
    customer = row.customer
    numbers = Document.objects.filter(dunning_cases__in=cases).order_by("pk").values_list("number", flat=True)
    formats = Formats(customer.language, customer.issuer.format_region, customer.issuer.date_style)
    with translation.override(customer.language), use_formats(formats):
        told = Notice(
            paid_documents=", ".join(dict.fromkeys(numbers)),
            access_opened=row.opened and not Case.objects.locking().filter(customer=customer).exists(),
        )
    return notices.mail_to(
        customer,
        kind=NoticeKind.PAYMENT_THANKS,
        notice=told,
        today=row.day,
        envelope=notices.Envelope(
            to=row.to,
            message_key=f"billing-thanks-{row.pk}-{row.created_at:%Y%m%d%H%M%S}",
            composed_at=row.created_at,
        ),
    )
