"""Choose a customer: Wagtail's chooser, searched by number, name and e-mail, within the issuers a person may see."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.forms.choosers import BaseFilterForm
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic import chooser as generic
from wagtail.admin.viewsets.chooser import ChooserViewSet
from wagtail.admin.widgets.chooser import BaseChooser

from cms_billing.core.admin import rows_visible_to

from ..models import Customer


def choosable(user: Any) -> QuerySet[Customer]:
    """The customers of visible issuers, for whoever may see customers at all."""
    if not user.has_perm("cms_billing_faktura.view_customer"):
        return Customer.objects.none()
    return rows_visible_to(Customer, user).select_related("issuer")


def customers_found(customers: QuerySet[Customer], words: str) -> QuerySet[Customer]:
    """Customers of whom every word is found in the number, a name or the e-mail address."""
    for word in words.split():
        customers = customers.filter(
            Q(number__icontains=word)
            | Q(company__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
        )
    return customers


class _SearchForm(BaseFilterForm):
    q = forms.CharField(
        label=gettext_lazy("Search term"),
        required=False,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("Number, name or e-mail")}),
    )

    def filter(self, objects: QuerySet[Customer]) -> QuerySet[Customer]:
        objects = super().filter(objects)
        self.search_query = self.cleaned_data.get("q")
        self.is_searching = bool(self.search_query)
        return customers_found(objects, self.search_query) if self.search_query else objects


class _Scoped:
    request: Any
    filter_form_class = _SearchForm
    ordering = "number"

    def get_object_list(self) -> QuerySet[Customer]:
        return choosable(self.request.user)

    def can_create(self) -> bool:
        """A customer is made on their own form, where the law's questions are asked."""
        return False

    @property
    def columns(self) -> list[Column]:
        return [
            self.title_column,  # type: ignore[attr-defined]
            Column("email", label=gettext_lazy("E-mail")),
            Column("city", label=pgettext_lazy("address", "City")),
            Column("issuer", label=gettext_lazy("Issuer")),
        ]


class _ChooseView(_Scoped, generic.ChooseView):
    pass


class _ResultsView(_Scoped, generic.ChooseResultsView):
    pass


class _ChosenView(generic.ChosenView):
    def get_object(self, pk: str) -> Customer:
        if not pk.isdecimal():
            raise Customer.DoesNotExist
        return choosable(self.request.user).get(pk=pk)


class _ChosenMultipleView(generic.ChosenMultipleView):
    def get_objects(self, pks: list[str]) -> QuerySet[Customer]:
        return choosable(self.request.user).filter(pk__in=[pk for pk in pks if pk.isdecimal()])


class ScopedChooser(BaseChooser):
    """Shows the name of a chosen row only to whoever may choose it: ``rows`` is set by the form."""

    rows: QuerySet[Any] | None = None

    def get_instance(self, value: Any) -> Any:
        if isinstance(value, self.model_class):
            return value
        if self.rows is None or not str(value or "").isdecimal():
            return None
        return self.rows.filter(pk=value).first()


class CustomerChooserViewSet(ChooserViewSet):
    model = Customer
    icon = "group"
    per_page = 20
    choose_one_text = pgettext_lazy("billing", "Choose a customer")
    choose_another_text = pgettext_lazy("billing", "Choose another customer")
    edit_item_text = gettext_lazy("Open the customer")
    # Forms that need it name the widget: elsewhere a select would do, and it needs its ``rows``.
    register_widget = False
    base_widget_class = ScopedChooser
    choose_view_class = _ChooseView
    choose_results_view_class = _ResultsView
    chosen_view_class = _ChosenView
    chosen_multiple_view_class = _ChosenMultipleView


customer_chooser = CustomerChooserViewSet("billing-customer-chooser")
CustomerChooser = customer_chooser.widget_class
