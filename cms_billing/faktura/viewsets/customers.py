"""Customers: the list, the form, and the page with everything on their account."""

from __future__ import annotations

import uuid
from typing import Any

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    BillingFilterSet,
    BillingIndexView,
    BillingModelViewSet,
    WhatNext,
)
from cms_billing.core.ui.viewsets import BillingCreateView

from ..models import Customer, OpenItem
from ..search import find_customers
from ..services import give_number
from .customer_page import CustomerInspectView


class CustomerForm(WagtailAdminModelForm):
    account = forms.CharField(
        label=gettext_lazy("User account"),
        required=False,
        help_text=gettext_lazy(
            "User name or e-mail address of the person's login; they see these invoices there."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.user_id:
            self.fields["account"].initial = self.instance.user.get_username()
        self.fields["number"].required = self.instance.pk is not None
        if self.instance.pk is not None:
            # Documents, numbers and access hang on it: a customer stays with their issuer.
            self.fields["issuer"].disabled = True
        else:
            self.fields["number"].help_text = _("Leave it empty for the next one.")

    def clean_account(self) -> Any:
        name = self.cleaned_data["account"].strip()
        if not name:
            return None
        users = get_user_model()._default_manager.filter(
            Q(**{get_user_model().USERNAME_FIELD: name}) | Q(email__iexact=name)
        )
        found = list(users[:2])
        if len(found) != 1:
            raise ValidationError(
                _("There is no user “%(name)s”.")
                if not found
                else _("Several users have the address %(name)s."),
                params={"name": name},
            )
        return found[0]

    def clean_country(self) -> str:
        return self.cleaned_data["country"].strip().upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not (data.get("company") or data.get("first_name") or data.get("last_name")):
            self.add_error("last_name", _("Fill in a company or the name of a person."))
        user, issuer = data.get("account"), data.get("issuer")
        if user and issuer:
            others = Customer.objects.filter(issuer=issuer, user=user).exclude(pk=self.instance.pk)
            if other := others.first():
                self.add_error(
                    "account",
                    _("This account belongs to customer %(number)s already.") % {"number": other.number},
                )
        if "account" not in self.errors:
            self.instance.user = user
        return data


class CustomerCreateView(BillingCreateView):
    def save_instance(self) -> Customer:
        """Without a number of its own the customer gets one from its id."""
        customer = self.form.instance
        wants_number = not customer.number
        if wants_number:
            customer.number = f"new-{uuid.uuid4().hex[:20]}"
        saved = super().save_instance()
        if wants_number:
            saved.number = give_number(customer_id=saved.pk)
        return saved


class CustomerFilterSet(BillingFilterSet):
    extension = "billing_customer"

    owes = django_filters.BooleanFilter(
        label=gettext_lazy("Owes something"),
        method="filter_owes",
        widget=forms.Select(
            choices=[("", gettext_lazy("All")), ("true", gettext_lazy("Yes")), ("false", gettext_lazy("No"))]
        ),
    )

    account = django_filters.ChoiceFilter(
        label=gettext_lazy("User account"),
        method="filter_account",
        empty_label=gettext_lazy("All"),
        choices=[
            ("linked", gettext_lazy("with a user account")),
            ("none", gettext_lazy("with an e-mail address, without a user account")),
        ],
    )

    class Meta:
        model = Customer
        fields = ["kind", "country"]

    def filter_account(self, customers: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        if value == "linked":
            return customers.filter(user__isnull=False)
        return customers.filter(user=None).exclude(email="")

    def filter_owes(self, customers: QuerySet[Customer], name: str, value: bool) -> QuerySet[Customer]:  # noqa: FBT001
        owing = OpenItem.objects.open().values("customer_id")
        return customers.filter(pk__in=owing) if value else customers.exclude(pk__in=owing)


class CustomerIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return find_customers(queryset, self.search_query) if self.search_query.strip() else queryset

    def what_next(self) -> WhatNext:
        return WhatNext(_("They come with their first order or contract, or you add them by hand."))

    export_filename = "customers"
    export_columns = {
        "number": (pgettext_lazy("billing", "Number"), lambda c: c.number),
        "issuer": (gettext_lazy("Issuer"), lambda c: c.issuer),
        "kind": (gettext_lazy("Kind"), lambda c: c.get_kind_display()),
        "company": (gettext_lazy("Company"), lambda c: c.company),
        "first_name": (gettext_lazy("First name"), lambda c: c.first_name),
        "last_name": (gettext_lazy("Last name"), lambda c: c.last_name),
        "street": (gettext_lazy("Street and number"), lambda c: c.street),
        "address_addition": (gettext_lazy("Address addition"), lambda c: c.address_addition),
        "postal_code": (gettext_lazy("Postal code"), lambda c: c.postal_code),
        "city": (pgettext_lazy("address", "City"), lambda c: c.city),
        "country": (gettext_lazy("Country"), lambda c: c.country),
        "email": (gettext_lazy("E-mail"), lambda c: c.email),
        "vat_id": (gettext_lazy("VAT id"), lambda c: c.vat_id),
        "language": (gettext_lazy("Language"), lambda c: c.language),
    }


class CustomerViewSet(BillingModelViewSet):
    model = Customer
    icon = "group"
    menu_order = 200
    list_display = [
        "__str__",
        Column("email", label=gettext_lazy("E-mail"), sort_key="email"),
        Column("city", label=pgettext_lazy("address", "City"), sort_key="city"),
        Column("kind", label=gettext_lazy("Kind"), accessor="get_kind_display"),
    ]
    ordering = "number"
    search_fields = ["number", "company", "first_name", "last_name", "email"]
    filterset_class = CustomerFilterSet
    index_view_class = CustomerIndexView
    add_view_class = CustomerCreateView
    inspect_view_class = CustomerInspectView
    delete_instead = gettext_lazy("What has been billed has to be kept by law.")
    edit_handler = ObjectList(
        [
            MultiFieldPanel(
                [FieldPanel("issuer"), FieldRowPanel([FieldPanel("number"), FieldPanel("kind")])],
                heading=pgettext_lazy("billing", "Account"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel("company"),
                    FieldRowPanel([FieldPanel("first_name"), FieldPanel("last_name")]),
                    FieldPanel("street"),
                    FieldPanel("address_addition"),
                    FieldRowPanel([FieldPanel("postal_code"), FieldPanel("city"), FieldPanel("country")]),
                ],
                heading=gettext_lazy("Name and address"),
                help_text=gettext_lazy("Printed on invoices; the law asks for the full address."),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("email"), FieldPanel("language")]),
                    FieldPanel("mail_attach"),
                    FieldRowPanel([FieldPanel("vat_id"), FieldPanel("grouping")]),
                    FieldPanel("account"),
                ],
                heading=gettext_lazy("Contact"),
            ),
            FieldPanel("note"),
        ],
        base_form_class=CustomerForm,
    )
