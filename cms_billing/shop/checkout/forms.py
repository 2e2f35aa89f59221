"""How to pay, and where the invoice goes. Forms not named here are Oscar's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from oscar.core.loading import get_class, get_model

from cms_billing.shop.offered import OfferedMethod

AbstractAddressForm = get_class("address.forms", "AbstractAddressForm")
BillingAddress = get_model("order", "BillingAddress")
Country = get_model("address", "Country")

SHIPPING, NEW = "shipping", "new"


class PaymentMethodForm(forms.Form):
    """``method`` is left out where nothing has to be paid."""

    method = forms.ChoiceField(label=_("How would you like to pay?"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, methods: Sequence[OfferedMethod], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["method"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(method.code, method.label) for method in methods]
        if len(methods) == 1:
            field.initial = methods[0].code


class BillingChoiceForm(forms.Form):
    """The address of the invoice: the shipping address, one of the address book, or a new one."""

    billing = forms.ChoiceField(label=_("Address on the invoice"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, addresses: Sequence[Any], has_shipping: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(SHIPPING, _("the same as the shipping address"))] if has_shipping else []
        choices += [(str(address.pk), address.summary) for address in addresses]
        choices.append((NEW, _("another address") if choices else _("new address")))
        field = self.fields["billing"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        field.initial = choices[0][0]
        if len(choices) == 1:
            field.widget = forms.HiddenInput()


class BillingAddressForm(AbstractAddressForm):
    class Meta:
        model = BillingAddress
        fields = ["first_name", "last_name", "line1", "line2", "postcode", "line4", "country"]
        labels = {
            "line1": _("Street and number"),
            "line2": _("Address addition"),
            "line4": pgettext_lazy("address", "City"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        country = self.fields["country"]
        countries = Country.objects.order_by("-display_order", "printable_name")
        country.queryset, country.empty_label = countries, None
        country.initial = countries.first()
