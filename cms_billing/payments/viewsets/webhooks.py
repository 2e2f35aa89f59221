"""What providers told us: the list, the page with the body as it came, and working on it once more."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.filters import DateRangePickerWidget
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    Action,
    ActionView,
    BillingFilterSet,
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TextSection,
    VisibleChoiceFilter,
    date_text,
)

from ..models import ProviderAccount, WebhookEvent
from ..services import process_again

# Characters of a body that a page shows.
SHOWN = 20_000
State = WebhookEvent.WorkState


def state_text(event: WebhookEvent) -> str:
    if event.is_somebody_elses:
        return _("not ours")
    return str(event.get_work_state_display())


def body_text(body: bytes) -> str:
    """Readable, as far as it goes: JSON is indented, long bodies are cut."""
    text = body.decode("utf-8", errors="replace")
    try:
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        text = text.replace("&", "\n&") if "=" in text and "\n" not in text else text
    if len(text) > SHOWN:
        cut = _("… %(n)s characters more") % {"n": len(text) - SHOWN}
        return f"{text[:SHOWN]}\n{cut}"
    return text


class WebhookFilterSet(BillingFilterSet):
    issuer_path = "account__issuer"
    work_state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=State.choices, widget=forms.CheckboxSelectMultiple
    )
    account = VisibleChoiceFilter(label=gettext_lazy("Account at the provider"), model=ProviderAccount)
    concerned = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("About"),
        method="filter_not_ours",
        choices=[("none", gettext_lazy("Not ours"))],
        widget=forms.CheckboxSelectMultiple,
    )
    received_at = django_filters.DateFromToRangeFilter(
        label=gettext_lazy("Received"), widget=DateRangePickerWidget
    )

    class Meta:
        model = WebhookEvent
        fields = ["work_state"]

    def filter_not_ours(self, events: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        return events.filter(work_state=State.DONE, concerned=0) if value else events


class WebhookIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("account").defer("body")

    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By a provider's reference, as a person copies it from the provider's dashboard."""
        if not self.is_searching:
            return queryset
        return queryset.filter(named__reference=self.search_query.strip())


class WebhookInspectView(InspectView):
    actions = [
        Action(
            gettext_lazy("Process again"),
            "billing-webhookevent:again",
            "resubmit",
            "cms_billing_payments.ask_provider",
            when=lambda event: event.work_state != State.RUNNING,
        )
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("account")

    def facts(self) -> Iterable[Fact]:
        event = self.object
        tone = {State.FAILED: "critical", State.DONE: "good"}.get(event.work_state, "")
        yield Fact(_("Provider"), event.provider)
        url = (
            reverse("billing-provideraccount:inspect", args=[event.account_id]) if event.account_id else None
        )
        yield Fact(pgettext("at a payment provider", "Account"), event.account, url=url)
        yield Fact(_("Received"), date_text(event.received_at))
        yield Fact(_("State"), state_text(event), tone=tone)
        yield Fact(_("Processed"), date_text(event.done_at))
        yield Fact(_("Attempts"), event.attempts)
        yield Fact(_("Payments, refunds and visits concerned"), event.concerned)
        if event.work_state in (State.FAILED, State.PENDING):
            yield Fact(_("Last error"), event.last_error, tone="critical")
        yield Fact(_("Size"), _("%(n)s bytes") % {"n": len(event.body)})
        yield Fact(_("SHA-256"), event.digest)

    def own_sections(self) -> Iterable[Section]:
        yield TextSection(_("Speaks of"), "\n".join(self.object.references) or _("nothing we follow"))
        yield CodeSection(
            _("Body as it came"),
            body_text(bytes(self.object.body)),
            note=_("Only the body is kept: no headers, no signatures."),
        )


class CodeSection(TextSection):
    template_name = "cms_billing/payments/admin/code_section.html"


class ProcessAgainView(ActionView):
    model = WebhookEvent
    permission = "cms_billing_payments.ask_provider"
    page_title = gettext_lazy("Process again")
    explanation = gettext_lazy(
        "The provider is asked again about everything this webhook speaks of. Nothing is booked twice."
    )

    def perform(self, form: forms.Form) -> str:
        process_again(event_id=self.object.pk)
        return _("The webhook is worked on again.")


class WebhookViewSet(ReadOnlyViewSet):
    model = WebhookEvent
    icon = "download"
    menu_order = 730
    list_display = [
        "__str__",
        Column(
            "account",
            label=pgettext_lazy("at a payment provider", "Account"),
            accessor=lambda event: str(event.account or ""),
        ),
        DateColumn("received_at", label=gettext_lazy("Received"), sort_key="received_at"),
        Column(
            "references",
            label=gettext_lazy("About"),
            accessor=lambda event: ", ".join(event.references[:3]),
        ),
        StateColumn(
            "work_state",
            label=gettext_lazy("State"),
            accessor=state_text,
            good=lambda event: event.work_state == State.DONE,
        ),
        Column("last_error", label=gettext_lazy("Last error"), accessor=lambda event: event.last_error[:120]),
    ]
    ordering = "-id"
    search_fields = ["named__reference"]
    filterset_class = WebhookFilterSet
    index_view_class = WebhookIndexView
    inspect_view_class = WebhookInspectView

    def get_urlpatterns(self) -> list[Any]:
        again = self.construct_view(ProcessAgainView)
        return [*super().get_urlpatterns(), path("again/<int:pk>/", again, name="again")]
