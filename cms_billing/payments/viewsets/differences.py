"""Differences between the providers' books and ours: listed, and settled with a note."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import F, QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    ActionView,
    BillingBulkAction,
    BillingFilterSet,
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    MoneyColumn,
    ReadOnlyViewSet,
    StateColumn,
    TableSection,
    VisibleChoiceFilter,
    date_text,
    money_text,
)

from ..models import ProviderAccount, ProviderDifference
from ..services import settle_difference

PERMISSION = "cms_billing_payments.settle_providerdifference"


def difference_url(difference: ProviderDifference) -> str:
    return reverse("billing-providerdifference:inspect", args=[difference.pk])


def columns_of_differences() -> list[Column]:
    return [
        LinkColumn("kind", label=_("What"), accessor="get_kind_display", get_url=difference_url),
        Column("reference", label=_("Provider's reference")),
        Column("account", label=pgettext("at a payment provider", "Account")),
        MoneyColumn("theirs", label=_("Provider")),
        MoneyColumn("ours", label=_("Ours")),
        DateColumn("found_at", label=_("Found")),
    ]


def differences_to_do(user: Any, *, shown: int) -> TableSection:
    """Open differences, the oldest first: what somebody has to look into."""
    rows = open_differences(user).select_related("account", "payout", "payment").order_by("pk")
    first = list(rows[:shown])
    more = rows.count() - len(first) if len(first) == shown else 0
    return TableSection(
        _("Differences with payment providers"),
        columns_of_differences(),
        first,
        note=ngettext("%(n)s more.", "%(n)s more.", more) % {"n": more} if more else "",
        empty=_("The providers' books and ours agree."),
        url=f"{reverse('billing-providerdifference:index')}?state=open",
    )


def open_differences(user: Any) -> Any:
    return ProviderDifference.objects.visible_to(user).open()


class DifferenceFilterSet(BillingFilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("State"),
        method="filter_state",
        choices=[("open", gettext_lazy("open")), ("settled", gettext_lazy("settled"))],
        empty_label=gettext_lazy("all"),
    )
    kind = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("What"),
        choices=ProviderDifference.Kind.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    account = VisibleChoiceFilter(label=gettext_lazy("Account at the provider"), model=ProviderAccount)

    class Meta:
        model = ProviderDifference
        fields = ["kind", "account"]

    def filter_state(self, differences: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return differences.filter(settled_at__isnull=value == "open")


class DifferenceIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("account", "payout", "payment")

    def order_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.ordering and self.ordering != self.default_ordering:
            return super().order_queryset(queryset)
        # Those that wait for somebody come first.
        return queryset.order_by(F("settled_at").desc(nulls_first=True), "-pk")

    export_filename = "differences"
    export_columns = {
        "found_at": (gettext_lazy("Found"), lambda d: d.found_at),
        "kind": (gettext_lazy("What"), lambda d: d.get_kind_display()),
        "account": (pgettext_lazy("at a payment provider", "Account"), lambda d: str(d.account)),
        "reference": (gettext_lazy("Provider's reference"), lambda d: d.reference),
        "theirs": (gettext_lazy("Provider"), lambda d: d.theirs),
        "ours": (gettext_lazy("Ours"), lambda d: d.ours),
        "currency": (gettext_lazy("Currency"), lambda d: d.currency),
        "settled_at": (gettext_lazy("Settled"), lambda d: d.settled_at),
        "note": (gettext_lazy("Note"), lambda d: d.note),
    }


class DifferenceInspectView(InspectView):
    actions = [
        Action(
            gettext_lazy("Mark as settled"),
            "billing-providerdifference:settle",
            "check",
            PERMISSION,
            when=lambda difference: difference.settled_at is None,
        )
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("account", "payout", "payment", "refund", "settled_by")

    def facts(self) -> Iterable[Fact]:
        difference = self.object
        yield Fact(_("What"), difference.get_kind_display(), tone="" if difference.settled_at else "warning")
        yield Fact(
            pgettext("at a payment provider", "Account"),
            difference.account,
            url=reverse("billing-provideraccount:inspect", args=[difference.account_id]),
        )
        yield Fact(_("Provider's reference"), difference.reference)
        yield Fact(_("The provider says"), money_text(difference.theirs))
        yield Fact(_("We say"), money_text(difference.ours))
        for label, name, row in (
            (_("Payout"), "payout", difference.payout),
            (_("Payment"), "payment", difference.payment),
            (_("Refund"), "refund", difference.refund),
        ):
            if row is not None:
                yield Fact(label, row, url=reverse(f"billing-{name}:inspect", args=[row.pk]))
        yield Fact(_("Found"), date_text(difference.found_at))
        yield Fact(_("Settled"), date_text(difference.settled_at), tone="good")
        yield Fact(_("By"), difference.settled_by)
        yield Fact(_("Note"), difference.note)


class NoteForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("What it was and what was done, for whoever audits the books."),
    )


class SettleView(ActionView):
    model = ProviderDifference
    permission = PERMISSION
    page_title = gettext_lazy("Mark as settled")
    form_class = NoteForm
    explanation = gettext_lazy("Nothing is booked by it: the difference only leaves the to-do list.")

    def obstacle(self) -> str:
        return _("This difference is settled already.") if self.object.settled_at else ""

    def perform(self, form: forms.Form) -> str:
        settle_difference(
            difference_id=self.object.pk,
            note=form.cleaned_data["note"],
            user=self.request.user,
            now=clock.now(),
        )
        return _("The difference is settled.")


class SettleManyAction(BillingBulkAction):
    action_type = "settle"
    display_name = gettext_lazy("Mark as settled")
    aria_label = gettext_lazy("Mark the selected differences as settled")
    permission = PERMISSION
    form_class = NoteForm

    def perform(self, row: Any, form: Any) -> None:
        settle_difference(
            difference_id=row.pk, note=form.cleaned_data["note"], user=self.request.user, now=clock.now()
        )


class DifferenceViewSet(ReadOnlyViewSet):
    model = ProviderDifference
    icon = "warning"
    menu_order = 430
    list_display = [
        Column("kind", label=gettext_lazy("What"), accessor="get_kind_display"),
        "reference",
        Column("account", label=pgettext_lazy("at a payment provider", "Account")),
        MoneyColumn("theirs", label=gettext_lazy("Provider")),
        MoneyColumn("ours", label=gettext_lazy("Ours")),
        DateColumn("found_at", label=gettext_lazy("Found"), sort_key="found_at"),
        StateColumn(
            "settled_at",
            label=gettext_lazy("State"),
            accessor=lambda d: _("settled") if d.settled_at else _("open"),
            good=lambda d: d.settled_at is not None,
        ),
    ]
    ordering = "-id"
    search_fields = ["reference", "note"]
    bulk_actions = [SettleManyAction]
    filterset_class = DifferenceFilterSet
    index_view_class = DifferenceIndexView
    inspect_view_class = DifferenceInspectView

    def get_urlpatterns(self) -> list[Any]:
        settle = self.construct_view(SettleView)
        return [*super().get_urlpatterns(), path("settle/<int:pk>/", settle, name="settle")]
