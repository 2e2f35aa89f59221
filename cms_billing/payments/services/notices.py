"""Tell members what they have to do: a charge was refused for good, or their card is about to expire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import translation

from cms_billing.core import clock, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.core.formats import Formats, use_formats
from cms_billing.faktura import notices
from cms_billing.faktura.delivery import Mail
from cms_billing.faktura.links import payment_link
from cms_billing.faktura.models import Document, Issuer, NoticeKind, OpenItem
from cms_billing.faktura.rendering.data import Notice

from ..links import methods_url
from ..models import ChargePlan, MemberNotice, Payment, PaymentMethod
from ..retries import Stop
from ..selectors import asked_for
from .plans import explain

# After these the member is asked to do something at once; the rest is tried again, or reminded of.
_TOLD_AT_ONCE = (Stop.HARD.value, Stop.NEEDS_MEMBER.value)


def announce_refusal(payment: Payment, plans: Sequence[ChargePlan]) -> MemberNotice | None:
    """Written with the refusal; sent after commit. None where no mail is due: another attempt, no address."""
    stopped = [plan for plan in plans if plan.stopped_because in _TOLD_AT_ONCE]
    if not stopped or not payment.customer.email:
        return None
    notice, created = MemberNotice.objects.get_or_create(
        payment=payment,
        defaults={
            "customer": payment.customer,
            "kind": NoticeKind.CHARGE_REFUSED,
            "to": payment.customer.email,
        },
    )
    if created:
        outbox.hint(notice)
    return notice


@transaction.atomic
def announce_expiring_cards(*, issuer: Issuer, today: date, customers: QuerySet) -> int:
    """Write a notice for each default card that expires soon; once a card and date. Returns how many.

    ``customers``: ids of those whose contracts run. Soon: ``CMS_BILLING["CARD_EXPIRY_NOTICE_DAYS"]``; 0: never.
    """
    days = billing_settings().card_expiry_notice_days
    expiring = (
        PaymentMethod.objects.filter(
            customer__issuer=issuer,
            customer__in=customers,
            is_default=True,
            state=PaymentMethod.State.USABLE,
            expires_on__gte=today,
            expires_on__lte=today + timedelta(days=days),
        )
        .exclude(customer__email="")
        .exclude(pk__in=_announced())
        .select_related("customer")
        .order_by("pk")
    )
    rows = [
        MemberNotice(
            customer=method.customer,
            kind=NoticeKind.CARD_EXPIRES,
            method=method,
            expires_on=method.expires_on,
            to=method.customer.email,
        )
        for method in (expiring if days else expiring.none())
    ]
    MemberNotice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _announced() -> QuerySet:
    return MemberNotice.objects.filter(
        kind=NoticeKind.CARD_EXPIRES, expires_on=F("method__expires_on")
    ).values("method")


def send_notice(row: MemberNotice) -> Callable[[], object] | None:
    """Outside work: one mail. What has been mended or paid meanwhile is not told any more."""
    row = MemberNotice.objects.select_related(
        "customer__issuer", "payment__document__issuer", "payment__method", "method"
    ).get(pk=row.pk)
    mail = _of_refusal(row) if row.kind == NoticeKind.CHARGE_REFUSED else _of_card(row)
    if mail is None:
        return None
    notices.send(mail, customer=row.customer)
    return partial(_record_sent, row.pk, mail)


def _record_sent(pk: int, mail: Mail) -> None:
    MemberNotice.objects.filter(pk=pk).update(subject=mail.subject, body=mail.body, sent_at=clock.now())


def _of_refusal(row: MemberNotice) -> Mail | None:
    payment = row.payment
    asked = asked_for(payment) if payment else []
    document = Document.objects.select_related("issuer").filter(pk__in=asked[:1]).first()
    if payment is None or document is None:
        return None
    item = OpenItem.objects.filter(pk=document.pk).first()
    waits = ChargePlan.objects.filter(document=document, stopped_because__in=_TOLD_AT_ONCE)
    if item is None or item.open_minor <= 0 or not waits.exists():
        return None
    today = clock.local_day(payment.asked_at or payment.created_at, document.issuer)
    formats = Formats(document.language, document.issuer.format_region, document.issuer.date_style)
    with translation.override(document.language), use_formats(formats):
        refusal = explain(payment.provider, payment.refusal_code, payment.refusal_advice, today=today)
        told = Notice(
            payment_method=payment.method.label if payment.method else "",
            refusal_reason=refusal.member_text,
            account_link=methods_url() if row.customer.user_id else "",
        )
    return notices.mail_about(
        document,
        kind=row.kind,
        notice=told,
        open_amount=item.open_amount,
        payment_link=payment_link([document.pk]),
        envelope=_envelope(row),
    )


def _of_card(row: MemberNotice) -> Mail | None:
    method = row.method
    if method is None or not method.is_default or method.state != PaymentMethod.State.USABLE:
        return None
    if method.expires_on != row.expires_on:
        return None
    told = Notice(
        payment_method=method.label,
        expires_on=row.expires_on,
        account_link=methods_url() if row.customer.user_id else "",
    )
    return notices.mail_to(
        row.customer,
        kind=row.kind,
        notice=told,
        today=clock.local_day(row.created_at, row.customer.issuer),
        envelope=_envelope(row),
    )


def _envelope(row: MemberNotice) -> notices.Envelope:
    return notices.Envelope(
        to=row.to,
        message_key=f"billing-notice-{row.pk}-{row.created_at:%Y%m%d%H%M%S}",
        composed_at=row.created_at,
    )
