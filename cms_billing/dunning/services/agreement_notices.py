"""Mails about agreements: what was agreed on, and that an instalment is due in some days. One row a mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from django.db import transaction
from django.utils import translation

from cms_billing.core import clock, outbox
from cms_billing.core.formats import Formats, use_formats
from cms_billing.faktura import notices
from cms_billing.faktura.delivery import Mail
from cms_billing.faktura.links import payment_link
from cms_billing.faktura.models import Issuer, NoticeKind
from cms_billing.faktura.rendering.data import Agreed, Notice
from cms_billing.payments.selectors import collecting_methods

from ..agreement_facts import HOLD_CHARGES, AgreementFacts, facts_of
from ..models import Agreement, AgreementNotice, Instalment

# So many days before an instalment is due its customer is reminded.
REMIND_DAYS = 3
# Not so soon after the agreement: its confirmation has just said it.
REMIND_GAP = timedelta(days=3)


def confirm_agreement(agreement: Agreement) -> AgreementNotice | None:
    """Written with the agreement, sent after commit: what was agreed, for the customer to keep. None: no address."""
    if not agreement.customer.email:
        return None
    notice = AgreementNotice.objects.create(
        agreement=agreement, kind=NoticeKind.AGREEMENT_MADE, to=agreement.customer.email
    )
    outbox.hint(notice)
    return notice


@transaction.atomic
def announce_instalments(*, issuer: Issuer, today: date) -> int:
    """Write a mail for each instalment that is due soon; once an instalment. Returns how many.

    What is paid by then is found when it is sent.
    """
    soon = (
        Instalment.objects.filter(
            agreement__issuer=issuer,
            agreement__state=Agreement.State.RUNNING,
            agreement__kind__in=HOLD_CHARGES,
            agreement__starts_on__lt=today - REMIND_GAP,
            due_on__gt=today,
            due_on__lte=today + timedelta(days=REMIND_DAYS),
            notices=None,
        )
        .exclude(agreement__customer__email="")
        .select_related("agreement__customer")
        .order_by("pk")
    )
    rows = [
        AgreementNotice(
            agreement=instalment.agreement,
            instalment=instalment,
            kind=NoticeKind.INSTALMENT_DUE,
            to=instalment.agreement.customer.email,
        )
        for instalment in soon
    ]
    AgreementNotice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def send_agreement_notice(row: AgreementNotice) -> Callable[[], object] | None:
    """Outside work: one mail. An agreement that is over, or an instalment that is paid, is not told of any more."""
    row = AgreementNotice.objects.select_related("agreement__customer__issuer", "instalment").get(pk=row.pk)
    if row.agreement.state != Agreement.State.RUNNING:
        return None
    [facts] = facts_of([row.agreement])
    mail = _mail(row, facts)
    if mail is None:
        return None
    notices.send(mail, customer=row.agreement.customer)
    return partial(_record_sent, row.pk, mail)


def _record_sent(pk: int, mail: Mail) -> None:
    AgreementNotice.objects.filter(pk=pk).update(subject=mail.subject, body=mail.body, sent_at=clock.now())


def _mail(row: AgreementNotice, facts: AgreementFacts) -> Mail | None:
    agreement, customer = row.agreement, row.agreement.customer
    today = clock.local_day(clock.now(), customer.issuer)
    next_part = None
    if row.instalment is not None:
        left = facts.next_payment(today=today)
        if left is None or left[1] > row.instalment.due_on:
            return None
        next_part = (row.instalment.due_on, left[0])
    method = collecting_methods([customer.pk]).get(customer.pk) if agreement.kind in HOLD_CHARGES else None
    agreed = Agreed(
        kind=agreement.kind,
        documents=", ".join(agreement.documents.order_by("pk").values_list("number", flat=True)),
        amount=agreement.amount,
        parts=tuple((part.due_on, part.amount) for part in facts.parts),
        grace_days=agreement.grace_days,
        next_part=next_part,
    )
    formats = Formats(customer.language, customer.issuer.format_region, customer.issuer.date_style)
    with translation.override(customer.language), use_formats(formats):
        told = Notice(payment_method=str(method) if method else "", agreed=agreed)
    return notices.mail_to(
        customer,
        kind=row.kind,
        notice=told,
        today=today,
        open_amount=agreement.amount,
        payment_link="" if method and row.instalment else payment_link(facts.documents),
        envelope=notices.Envelope(
            to=row.to,
            message_key=f"billing-agreement-{row.pk}-{row.created_at:%Y%m%d%H%M%S}",
            composed_at=row.created_at,
        ),
    )
