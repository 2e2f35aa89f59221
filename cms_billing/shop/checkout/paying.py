"""The step from the button to a provider's page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.sites.models import Site
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from oscar.apps.checkout.exceptions import PassedSkipCondition

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.payments.exceptions import AlreadyCompleted
from cms_billing.payments.links import session_url
from cms_billing.payments.models import PaymentSession
from cms_billing.payments.services import Visit, cancel_session, open_session
from cms_billing.shop.exceptions import CannotPlace
from cms_billing.shop.offered import OfferedMethod, chosen_method
from cms_billing.shop.selectors import sells_plans

from .attempts import keep_attempt
from .owners import owned_attempts, remember_attempt
from .snapshot import address_values, line_values, shipping_values, surcharge_values


def subject_of(basket_id: int) -> str:
    return f"basket:{basket_id}"


class PayOnPageMixin:
    """For the view of the last step: freezes the basket, writes down what was ordered, and leads to the page."""

    request: Any
    checkout_session: Any
    consents: list[str]

    def send_to_page(self, user: Any, basket: Any, **submission: Any) -> HttpResponse | None:
        """None where the chosen way to pay has no page, or nothing has to be paid."""
        method = chosen_method(self.checkout_session.payment_method(), basket)
        if method is None or method.account is None or not submission["order_total"].incl_tax:
            return None
        facts = self._facts(user, basket, method, submission)
        try:
            session = open_session(
                account=method.account,
                visit=self._visit(user, basket, submission, facts),
                now=clock.now(),
            )
        except AlreadyCompleted as error:
            return HttpResponseRedirect(session_url(error.session))
        except BillingError as error:
            return self.render_preview(self.request, error=str(error))  # type: ignore[attr-defined]
        return self._keep(session, basket, facts)

    def _keep(self, session: PaymentSession, basket: Any, facts: dict[str, Any]) -> HttpResponse:
        try:
            attempt = keep_attempt(session=session, basket_id=basket.pk, facts=facts)
        except CannotPlace as error:
            cancel_session(session)
            return self.render_preview(self.request, error=str(error))  # type: ignore[attr-defined]
        remember_attempt(self.request, attempt)
        return HttpResponseRedirect(session.url or session_url(session))

    def skip_what_is_being_paid(self, request: Any) -> None:
        """The button was pressed again, in another tab or after going back: the same page goes on."""
        pressed = request.POST.get("basket", "")
        if not pressed.isdecimal():
            return
        attempt = owned_attempts(request).filter(basket_id=int(pressed)).first()
        if attempt is not None and attempt.session.url:
            raise PassedSkipCondition(url=attempt.session.url)

    def _visit(self, user: Any, basket: Any, submission: dict[str, Any], facts: dict[str, Any]) -> Visit:
        address = submission["billing_address"] or submission["shipping_address"]
        total = submission["order_total"]
        return Visit(
            purpose=PaymentSession.Purpose.CHECKOUT,
            subject=subject_of(basket.pk),
            amount=Money.of(total.incl_tax, total.currency),
            description=_("Order at %(shop)s") % {"shop": settings.OSCAR_SHOP_NAME},
            stores_method=sells_plans(basket),
            user=user,
            email=user.email if user.is_authenticated else facts["guest_email"],
            name=address.name if address else "",
            language=facts["language"],
            country=address.country_id if address else "DE",
        )

    def _facts(
        self, user: Any, basket: Any, method: OfferedMethod, submission: dict[str, Any]
    ) -> dict[str, Any]:
        """The columns of a ``CheckoutAttempt``."""
        fields = dict(submission.get("order_kwargs") or {})
        total, shipping = submission["order_total"], submission["shipping_method"]
        return {
            "user": user if user.is_authenticated else None,
            "guest_email": fields.pop("guest_email", None) or "",
            "site": Site.objects.get_current(self.request),
            "language": (get_language() or "")[:8],
            "provider": method.code,
            "shipping_address": address_values(submission["shipping_address"]),
            "billing_address": address_values(submission["billing_address"]),
            "shipping": shipping_values(shipping, submission["shipping_charge"], basket),
            "lines": [line_values(line) for line in basket.all_lines()],
            "surcharges": surcharge_values(submission.get("surcharges")),
            "order_fields": fields,
            "total_excl_tax": total.excl_tax,
            "total_incl_tax": total.incl_tax,
            "quote": self.quote(),  # type: ignore[attr-defined]
            "consents": list(self.consents),
        }
