"""A payment provider that is not there: it keeps its own books and misbehaves on demand.

List it in ``CMS_BILLING["PROVIDERS"]`` as ``"fake": "cms_billing.testing.providers.FakeProvider"``. What it does with a
charge is said by the method's reference (what stands before the first colon), or by ``FakeBehaviour`` rows, which come
first:

======================  ================================================================================
``card-…``, other       succeeds at once
``fail-soft``           fails; another attempt may succeed (not enough money)
``fail-hard``           fails for good (account closed)
``refuse-invalid_cvc``  fails with this code; ``refuse-do_not_honor+MAC-03``: and with this advice
``pending-3``           stays pending and settles after 3 days of the site's clock; ``pending``: never
``pending-3-fail``      stays pending and fails after 3 days
``chargeback-10``       succeeds and is charged back 10 days later
``timeout-before``      the first answer is lost before anything happened; asked again, it succeeds
``timeout-after``       the first answer is lost after the charge was made
``down``                refuses to talk: nothing happens, as often as it is asked
======================  ================================================================================

So ``timeout-after:anna`` and ``timeout-after:ben`` are two methods that behave alike. What it does with refunds is
said in ``provider_refunds``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import (
    Account,
    Capabilities,
    ChargeRequest,
    Notice,
    OutcomeUnknown,
    ProviderDown,
    RefundNotice,
    RefundRequest,
    Status,
    WebhookRefused,
)

from . import provider_refunds as refunds
from .models import FakeBehaviour, FakeCharge, FakeWebhook

SIGNATURE_HEADER = "X-Fake-Signature"
BEHAVIOUR = re.compile(
    r"(?P<name>fail-soft|fail-hard|pending|chargeback|timeout-before|timeout-after|down|succeed"
    r"|refuse-(?P<code>\w+)(\+(?P<advice>[\w-]+))?)(-(?P<days>\d+))?(?P<fails>-fail)?$"
)

_CODES = {"fail-soft": "insufficient_funds", "fail-hard": "account_closed"}

Order = Literal["as_made", "reversed", "shuffled"]


@dataclass(frozen=True)
class Behaviour:
    """What to do with one charge; see the table above."""

    name: str = "succeed"
    days: int | None = None
    fails: bool = False
    code: str = ""
    advice: str = ""

    @classmethod
    def read(cls, text: str) -> Behaviour:
        found = BEHAVIOUR.match(text.split(":", maxsplit=1)[0])
        if found is None:
            return cls()
        days = found["days"]
        return cls(
            found["name"],
            int(days) if days else None,
            bool(found["fails"]),
            found["code"] or _CODES.get(found["name"], ""),
            found["advice"] or "",
        )


class FakeProvider:
    """Follows ``payments.providers.Provider``. Its books are committed at once, whatever becomes of our side."""

    code = "fake"
    label = _("Test provider")
    capabilities = Capabilities(charges=True, webhooks=True, refunds=True)

    def __init__(self, account: Account | None = None) -> None:
        """Its books are the same for every account."""

    def charge(self, request: ChargeRequest) -> Notice:
        """Like a real one, it cannot be part of our transaction: called inside one, it raises RuntimeError."""
        with transaction.atomic(durable=True):
            known = FakeCharge.objects.filter(idempotency_key=request.idempotency_key).first()
            if known is not None:
                return self._same_again(known, request)
            behaviour = _take_behaviour(request)
            answer = self._execute(request, behaviour)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def look_up(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID | None,
        method_reference: str = "",
        history: Sequence[bytes] = (),
    ) -> Notice | None:
        with transaction.atomic(durable=True):
            wanted = Q(reference=reference) if reference else Q(idempotency_key=idempotency_key)
            charge = FakeCharge.objects.select_for_update().filter(wanted).first()
            if charge is None:
                return None
            _let_time_pass(charge)
            return _notice(charge)

    def read_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
        given = headers.get(SIGNATURE_HEADER, "")
        if not hmac.compare_digest(given.encode(), sign(body).encode()):
            raise WebhookRefused("The signature does not belong to the body.")
        try:
            events = json.loads(body)["events"]
            named = [[event["reference"], event.get("refund")] for event in events]
            return [str(reference) for pair in named for reference in pair if reference]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WebhookRefused("The body is not readable.") from error

    def refund(self, request: RefundRequest) -> RefundNotice:
        """Like ``charge``, not inside a transaction of ours."""
        return refunds.refund(request)

    def look_up_refund(
        self,
        *,
        reference: str,
        payment_reference: str,
        idempotency_key: uuid.UUID | None,
        history: Sequence[bytes] = (),
    ) -> RefundNotice | None:
        return refunds.look_up(reference=reference, idempotency_key=idempotency_key)

    def instructions(self, *, issuer: Any, amount: Money, purpose: str) -> Mapping[str, Any] | None:
        return None

    def _same_again(self, charge: FakeCharge, request: ChargeRequest) -> Notice:
        if (charge.amount_minor, charge.currency) != (request.amount.minor, request.amount.currency):
            raise PermanentFailure("This idempotency key was used for another amount.")
        FakeCharge.objects.filter(pk=charge.pk).update(requests=F("requests") + 1)
        _let_time_pass(charge)
        return _notice(charge)

    def _execute(self, request: ChargeRequest, behaviour: Behaviour) -> Notice | Exception:
        """The answer, or the error to raise once the books are committed."""
        if behaviour.name == "down":
            return ProviderDown("The test provider is down.")
        if behaviour.name == "timeout-before":
            # What was asked once is done when asked again.
            FakeBehaviour.objects.create(method_reference=str(request.idempotency_key), behaviour="succeed")
            return OutcomeUnknown("The test provider did not answer.")
        charge = _enter(request, behaviour)
        if behaviour.name == "timeout-after":
            return OutcomeUnknown("The test provider did not answer.")
        return _notice(charge)


def sign(body: bytes) -> str:
    """HMAC-SHA-256 of the raw body, as the fake provider sends it."""
    return hmac.new(f"fake-{settings.SECRET_KEY}".encode(), body, hashlib.sha256).hexdigest()


def deliver_webhooks(
    *,
    order: Order = "as_made",
    times: int = 1,
    again: bool = False,
    seed: int = 0,
    client: Client | None = None,
) -> list[int]:
    """Post the fake provider's news to the real endpoint; returns the answers' status codes.

    Only news not told before, or with ``again`` all of them. Each is sent ``times`` times, in the order given.
    """
    let_time_pass()
    waiting = FakeWebhook.objects.select_related("charge", "refund")
    news = list(waiting if again else waiting.filter(times_sent=0)) * times
    if order == "reversed":
        news.reverse()
    elif order == "shuffled":
        random.Random(seed).shuffle(news)
    answers = []
    for webhook in news:
        refund = webhook.refund.reference if webhook.refund else ""
        body = webhook_body(webhook.charge.reference, webhook.status, refund=refund)
        answers.append(post_webhook(body, client=client))
        FakeWebhook.objects.filter(pk=webhook.pk).update(times_sent=F("times_sent") + 1)
    return answers


def webhook_body(reference: str, status: str, *, refund: str = "") -> bytes:
    """The claim in ``status`` may be old or false by the time it is read: receivers have to ask."""
    event = {"reference": reference, "status": status, **({"refund": refund} if refund else {})}
    return json.dumps({"events": [event]}).encode()


def post_webhook(body: bytes, *, signature: str | None = None, client: Client | None = None) -> int:
    """Post one body to the endpoint, correctly signed unless ``signature`` is given; returns the status code."""
    answer = (client or Client()).post(
        reverse("cms_billing:webhook", args=[FakeProvider.code]),
        data=body,
        content_type="application/json",
        headers={SIGNATURE_HEADER: sign(body) if signature is None else signature},
    )
    return answer.status_code


def let_time_pass() -> None:
    """Do what time has done to every charge; the webhooks about it wait to be delivered."""
    today = clock.today()
    due = Q(settles_on__lte=today) | Q(fails_on__lte=today) | Q(charges_back_on__lte=today)
    with transaction.atomic():
        for charge in FakeCharge.objects.select_for_update().filter(due):
            _let_time_pass(charge)
        refunds.let_time_pass_for_all()


def charge_back_now(
    charge: FakeCharge, *, amount: Money | None = None, reason: str = "disputed", code: str = ""
) -> None:
    """The payer's bank takes money back: all of it, or ``amount`` in all so far."""
    charge.code = code
    charge.charged_back_minor = charge.amount_minor if amount is None else amount.minor
    _become(charge, FakeCharge.Status.CHARGED_BACK, reason)


def win_dispute(charge: FakeCharge) -> None:
    """A chargeback is decided for us: the money is back."""
    charge.charged_back_minor = 0
    _become(charge, FakeCharge.Status.SETTLED)


def settle_now(charge: FakeCharge) -> None:
    """Also after it had failed: some methods do that."""
    _become(charge, FakeCharge.Status.SETTLED)


def fail_now(charge: FakeCharge, *, reason: str = "refused") -> None:
    _become(charge, FakeCharge.Status.FAILED, reason)


def _take_behaviour(request: ChargeRequest) -> Behaviour:
    names = [str(request.idempotency_key), request.method_reference, ""]
    scripts = FakeBehaviour.objects.select_for_update().filter(method_reference__in=names, times__gt=0)
    script = min(scripts, key=lambda script: (names.index(script.method_reference), script.pk), default=None)
    if script is None:
        return Behaviour.read(request.method_reference)
    script.times -= 1
    script.save(update_fields=["times"])
    return Behaviour.read(script.behaviour)


def _enter(request: ChargeRequest, behaviour: Behaviour) -> FakeCharge:
    today = clock.today()
    then = today + timedelta(days=behaviour.days) if behaviour.days is not None else None
    charge = FakeCharge(
        idempotency_key=request.idempotency_key,
        method_reference=request.method_reference,
        description=request.description[:120],
        amount_minor=request.amount.minor,
        currency=request.amount.currency,
    )
    if behaviour.name.startswith(("fail", "refuse")):
        charge.final = behaviour.name == "fail-hard"
        charge.code, charge.advice = behaviour.code, behaviour.advice
        _become(charge, FakeCharge.Status.FAILED, "account closed" if charge.final else "not enough money")
        return charge
    if behaviour.name == "pending":
        charge.fails_on, charge.settles_on = (then, None) if behaviour.fails else (None, then)
        _become(charge, FakeCharge.Status.PENDING)
        return charge
    if behaviour.name == "chargeback":
        charge.charges_back_on = then or today
    _become(charge, FakeCharge.Status.SETTLED)
    return charge


def _let_time_pass(charge: FakeCharge) -> None:
    today = clock.today()
    if charge.settles_on and charge.settles_on <= today:
        charge.settles_on = None
        _become(charge, FakeCharge.Status.SETTLED)
    if charge.fails_on and charge.fails_on <= today:
        charge.fails_on, charge.code = None, "MS03"
        _become(charge, FakeCharge.Status.FAILED, "returned by the bank")
    if charge.charges_back_on and charge.charges_back_on <= today:
        charge.charges_back_on = None
        charge_back_now(charge)


def _become(charge: FakeCharge, status: FakeCharge.Status, reason: str = "") -> None:
    charge.status, charge.reason = status, reason
    charge.history = [
        *charge.history,
        {"at": clock.now().isoformat(), "status": str(status.value), "reason": reason},
    ]
    charge.save()
    FakeWebhook.objects.create(charge=charge, status=status)


def _notice(charge: FakeCharge) -> Notice:
    went_back = charge.status == FakeCharge.Status.CHARGED_BACK
    refunded = refunds.refunded(charge)
    is_refunded = charge.status == FakeCharge.Status.SETTLED and refunded.minor >= charge.amount_minor
    return Notice(
        reference=charge.reference,
        status=Status.REFUNDED if is_refunded else Status(charge.status),
        refunded=refunded,
        reason=charge.reason,
        idempotency_key=charge.idempotency_key,
        final=charge.final,
        code=charge.code,
        advice=charge.advice,
        charged_back=charge.charged_back if went_back else None,
    )
