"""The steps of the checkout that differ from Oscar's; all others are Oscar's own."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from oscar.apps.checkout import views as oscar_views
from oscar.apps.checkout.exceptions import FailedPreCondition, PassedSkipCondition

from cms_billing.shop.consents import legal_pages, needed_consents
from cms_billing.shop.offered import chosen_method, offered_methods, pages_are_split
from cms_billing.shop.selectors import documents_of_order, sells_plans
from cms_billing.shop.terms import plan_terms

from .forms import NEW, SHIPPING, BillingAddressForm, BillingChoiceForm, PaymentMethodForm
from .orders import order_of_basket
from .paying import PayOnPageMixin


class IndexView(oscar_views.IndexView):
    template_name = "cms_billing/shop/checkout/gateway.html"

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        if sells_plans(self.request.basket):
            # A plan opens content to an account: there is nothing to buy for a guest.
            options = form.fields["options"]
            options.choices = [choice for choice in options.choices if choice[0] != form.GUEST]
            options.initial = form.NEW
        return form


class PaymentMethodView(oscar_views.PaymentMethodView):
    """How to pay and where the invoice goes, on one page."""

    template_name = "cms_billing/shop/checkout/payment_method.html"
    skip_conditions: list[str] = []
    success_url = oscar_views.reverse_lazy("checkout:preview")

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**self._forms()))

    def post(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        forms = self._forms(request.POST)
        choice, address = forms["billing_form"], forms["address_form"]
        needed = [form for form in (forms["method_form"], choice) if form is not None]
        if choice.is_valid() and choice.cleaned_data["billing"] == NEW:
            needed.append(address)
        else:
            forms["address_form"] = self._address_form(None)
        # All of them, so that every mistake shows at once.
        if [form for form in needed if not form.is_valid()]:
            return self.render_to_response(self.get_context_data(**forms))
        if forms["method_form"] is not None:
            self.checkout_session.pay_by(forms["method_form"].cleaned_data["method"])
        self._bill_to(choice.cleaned_data["billing"], address)
        return redirect(self.get_success_url())

    def _forms(self, data: Any = None) -> dict[str, Any]:
        total = self.build_submission()["order_total"]
        payable = total is None or total.incl_tax > 0
        chosen = self.checkout_session.payment_method()
        methods = offered_methods(self.request.basket)
        return {
            "method_form": PaymentMethodForm(data, methods=methods, initial=_given(method=chosen))
            if payable
            else None,
            "methods": methods,
            "several_issuers": payable and pages_are_split(self.request.basket),
            "billing_form": BillingChoiceForm(
                data,
                addresses=self._addresses(),
                has_shipping=self.request.basket.is_shipping_required(),
                initial=_given(billing=self._billed_to()),
            ),
            "address_form": self._address_form(data),
        }

    def _address_form(self, data: Any) -> BillingAddressForm:
        user = self.request.user
        names = {"first_name": user.first_name, "last_name": user.last_name} if user.is_authenticated else {}
        before = self.checkout_session.new_billing_address_fields() or {}
        initial = {**names, **{key: value for key, value in before.items() if value}}
        if "country_id" in initial:
            initial["country"] = initial.pop("country_id")
        return BillingAddressForm(data, prefix="new", initial=initial)

    def _addresses(self) -> list[Any]:
        """The address book, without what "the same as the shipping address" says already."""
        if not self.request.user.is_authenticated:
            return []
        addresses = self.request.user.addresses.order_by("-is_default_for_billing", "pk")
        if self.request.basket.is_shipping_required():
            addresses = addresses.exclude(pk=self.checkout_session.shipping_user_address_id())
        return list(addresses)

    def _billed_to(self) -> str | None:
        session = self.checkout_session
        if session.is_billing_address_same_as_shipping():
            return SHIPPING
        if session.new_billing_address_fields():
            return NEW
        return str(session.billing_user_address_id()) if session.billing_user_address_id() else None

    def _bill_to(self, choice: str, form: BillingAddressForm) -> None:
        if choice == SHIPPING:
            self.checkout_session.bill_to_shipping_address()
        elif choice == NEW:
            fields = {k: v for k, v in form.instance.__dict__.items() if not k.startswith("_")}
            self.checkout_session.bill_to_new_address(fields)
        else:
            self.checkout_session.bill_to_user_address(self.request.user.addresses.get(pk=choice))


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


# Placing the order commits on its own: what comes after it must not be able to roll it back.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class PaymentDetailsView(PayOnPageMixin, oscar_views.PaymentDetailsView):
    template_name_preview = "cms_billing/shop/checkout/preview.html"

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.preview:
            return redirect("checkout:payment-method")
        return super().get(request, *args, **kwargs)

    def check_skip_conditions(self, request: Any) -> None:
        self._skip_what_is_ordered(request)
        self.skip_what_is_being_paid(request)
        super().check_skip_conditions(request)

    def check_pre_conditions(self, request: Any) -> None:
        """Another press may have been faster since the look before: its order is there, and the basket empty."""
        try:
            super().check_pre_conditions(request)
        except FailedPreCondition:
            try:
                self._skip_what_is_ordered(request)
            except PassedSkipCondition as ordered:
                raise FailedPreCondition(url=ordered.url) from ordered
            raise

    def _skip_what_is_ordered(self, request: Any) -> None:
        """The button was pressed again after the order was placed: the basket is empty by now, the order is there."""
        pressed = request.POST.get("basket", "")
        order = order_of_basket(int(pressed)) if pressed.isdecimal() else None
        if order is None:
            return
        known = request.session.get("checkout_order_id") == order.pk
        if known or (request.user.is_authenticated and order.user_id == request.user.pk):
            request.session["checkout_order_id"] = order.pk
            raise PassedSkipCondition(url=self.get_success_url())

    def handle_place_order_submission(self, request: Any) -> HttpResponse:
        """Only what was shown is ordered: a basket that changed meanwhile, or a box left empty, leads back."""
        if request.POST.get("quote") != self.quote():
            return self.render_preview(
                request,
                error=_("Your basket or its prices have changed. Please look through the order again."),
            )
        consents = needed_consents(request)
        if any(request.POST.get(consent.field) != "on" for consent in consents):
            return self.render_preview(
                request, error=_("Please tick the box above the button to place the order.")
            )
        self.consents = [str(consent.text) for consent in consents]
        return super().handle_place_order_submission(request)

    def submit(self, user: Any, basket: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        placed = order_of_basket(basket.pk)
        if placed is not None:
            return self.show_order(placed)
        return self.send_to_page(user, basket, **kwargs) or super().submit(user, basket, *args, **kwargs)

    def quote(self) -> str:
        """A fingerprint of what the preview shows: lines, prices, shipping and total."""
        submission = self.build_submission()
        total, method = submission["order_total"], submission["shipping_method"]
        parts = [
            f"{line.product_id}:{line.quantity}:{line.line_price_incl_tax_incl_discounts}"
            for line in submission["basket"].all_lines()
        ]
        parts += [str(total.incl_tax if total else ""), method.code if method else ""]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if self.preview:
            basket = context["basket"]
            context |= {
                "quote": self.quote(),
                "consents": needed_consents(self.request),
                "legal": legal_pages(self.request),
                "plan_terms": plan_terms(basket),
                "chosen": chosen_method(self.checkout_session.payment_method(), basket),
            }
        return context


class ThankYouView(oscar_views.ThankYouView):
    template_name = "cms_billing/shop/checkout/thank_you.html"

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(*args, **kwargs)
        context["documents"] = documents_of_order(self.object)
        return context
