"""What has to be known before each step of the checkout."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from oscar.apps.checkout import session as oscar_session
from oscar.apps.checkout.exceptions import FailedPreCondition

from cms_billing.shop.offered import chosen_method
from cms_billing.shop.selectors import sells_plans


class CheckoutSessionMixin(oscar_session.CheckoutSessionMixin):
    def check_user_email_is_captured(self, request: Any) -> None:
        """A plan opens content to an account, so its buyer signs in; goods can be bought as a guest."""
        if not request.user.is_authenticated and sells_plans(request.basket):
            raise FailedPreCondition(
                url=reverse("checkout:index"),
                message=_("Memberships and courses belong to an account: please sign in or create one."),
            )
        super().check_user_email_is_captured(request)

    def check_payment_data_is_captured(self, request: Any) -> None:
        submission = self.build_submission()
        chosen = self.checkout_session.payment_method()
        payable = submission["order_total"] is None or submission["order_total"].incl_tax > 0
        known = not payable or chosen_method(chosen, request.basket) is not None
        if submission["billing_address"] is None or not known:
            raise FailedPreCondition(
                url=reverse("checkout:payment-method"),
                message=_("Please say how you would like to pay, and where the invoice goes."),
            )
