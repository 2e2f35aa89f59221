"""Accounts at providers: set up, tested, and what is wrong with them. Secrets are named here, never shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.generic import View
from wagtail.admin import messages
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    BillingFilterSet,
    BillingIndexView,
    BillingModelViewSet,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    ScopedView,
    Section,
    StateColumn,
    TableSection,
    TextSection,
    WhatNext,
    date_text,
    rows_visible_to,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.core.ui.viewsets import BillingCreateView

from ..credentials import missing_secrets, variable
from ..kinds import name_of_kind
from ..links import account_webhook_url
from ..models import ProviderAccount
from ..providers import Provider, Secret, UnknownProvider, get_provider
from ..services import probe_account
from .account_actions import ACTIONS
from .account_forms import AccountForm, account_providers
from .payouts import fees_by_month


class AccountFilterSet(BillingFilterSet):
    class Meta:
        model = ProviderAccount
        fields = ["is_active", "is_live"]


class AccountIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def what_next(self) -> WhatNext:
        return WhatNext(
            _("Add the account that an issuer has at a payment provider; its keys stay in the environment.")
        )


class AccountCreateView(BillingCreateView):
    """First the provider is chosen, then its form is shown."""

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "provider": self.request.GET.get("provider", "")}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.GET.get("provider", "") not in account_providers():
            return self._choose(request)
        return super().get(request, *args, **kwargs)

    def _choose(self, request: HttpRequest) -> HttpResponse:
        self.object = None
        providers = [(code, provider.label) for code, provider in account_providers().items()]
        context = {**self.get_context_data(), "providers": providers, "add_url": self.get_add_url()}
        return TemplateResponse(request, "cms_billing/payments/admin/choose_provider.html", context)


class AccountInspectView(InspectView):
    extension = "billing_provideraccount"
    template_name = "cms_billing/payments/admin/account.html"
    actions = ACTIONS

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def provider(self) -> Provider | None:
        try:
            return get_provider(self.object.provider)
        except UnknownProvider:
            return None

    def facts(self) -> Iterable[Fact]:
        account, provider = self.object, self.provider()
        yield Fact(_("Issuer"), account.issuer)
        yield Fact(_("Provider"), provider.label if provider else account.provider)
        yield Fact(_("Mode"), pgettext("real money", "live") if account.is_live else _("test"))
        yield Fact(
            _("State"),
            _("active") if account.is_active else _("not in use"),
            tone="good" if account.is_active and not account.problem else "",
        )
        yield Fact(_("Merchant account"), account.merchant_account)
        yield Fact(_("Live endpoint prefix"), account.endpoint_prefix)
        yield Fact(_("Connection tested"), date_text(account.checked_at) or _("never"))
        last = account.webhook_events.order_by("-pk").values_list("received_at", flat=True).first()
        yield Fact(_("Last webhook received"), date_text(last) or _("none yet"))
        yield Fact(_("Problem"), account.problem, tone="critical")
        yield Fact(_("Problem since"), date_text(account.problem_at))
        if provider is None:
            text = _("The provider is not listed in CMS_BILLING['PROVIDERS'].")
            yield Fact(_("Problem"), text, tone="critical")

    def own_sections(self) -> Iterable[Section]:
        provider = self.provider()
        if provider is None:
            return
        yield secrets_section(self.object, provider)
        yield methods_section(self.object, provider)
        if provider.capabilities.payouts and self.request.user.has_perm("cms_billing_payments.view_payout"):
            yield fees_by_month(self.object)
        events = getattr(provider, "webhook_events", ())
        if events:
            text = "\n".join(events) if isinstance(events, (list, tuple)) else str(events)
            yield TextSection(_("Events to subscribe to"), text)
        if self.request.user.has_perm("cms_billing_payments.view_webhookevent"):
            yield latest_webhooks(self.object)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        may_ask = self.request.user.has_perm("cms_billing_payments.ask_provider")
        return {
            **super().get_context_data(**kwargs),
            "webhook_url": account_webhook_url(self.object),
            "may_test": may_ask and self.provider() is not None,
        }


def secrets_section(account: ProviderAccount, provider: Provider) -> Section:
    """Which secrets are set, by name; their values are nowhere on the page, not even in part."""
    secrets: tuple[Secret, ...] = tuple(getattr(provider, "secrets", ()))
    missing = {secret.name for secret in missing_secrets(account)}

    def state(secret: Secret) -> str:
        if secret.name not in missing:
            return _("set")
        return _("missing") if secret.required else _("not set, optional")

    return TableSection(
        _("Keys and secrets"),
        [
            Column("label", label=_("What")),
            Column(
                "variable",
                label=_("Environment variable"),
                accessor=lambda secret: variable(account.provider, account.slug, secret.name),
            ),
            StateColumn(
                "state",
                label=_("State"),
                accessor=state,
                good=lambda secret: secret.name not in missing or not secret.required,
            ),
        ],
        secrets,
        note=_("Or in CMS_BILLING['PROVIDER_ACCOUNTS']['%(name)s']. Values are never shown.")
        % {"name": f"{account.provider}/{account.slug}"},
        empty=_("This provider needs none."),
    )


def methods_section(account: ProviderAccount, provider: Provider) -> Section:
    can = provider.capabilities

    def named(kinds: Iterable[str]) -> str:
        offered = [kind for kind in kinds if not account.kinds or kind in account.kinds]
        return ", ".join(name_of_kind(kind) for kind in offered) or _("none")

    first = _("First payment, on the provider's page: %(methods)s") % {"methods": named(can.first_kinds)}
    repeated = _("Repeated payments, without the payer: %(methods)s") % {"methods": named(can.repeated_kinds)}
    return TextSection(_("Payment methods"), f"{first}\n{repeated}")


def latest_webhooks(account: ProviderAccount) -> Section:
    events = account.webhook_events.defer("body").order_by("-pk")[:5]
    return TableSection(
        _("Latest webhooks"),
        [
            LinkColumn(
                "received_at",
                label=_("Received"),
                accessor=lambda event: date_text(event.received_at),
                get_url=lambda event: reverse("billing-webhookevent:inspect", args=[event.pk]),
            ),
            Column("references", label=_("About"), accessor=lambda event: ", ".join(event.references[:3])),
            Column("work_state", label=_("State"), accessor="get_work_state_display"),
        ],
        events,
        url=f"{reverse('billing-webhookevent:index')}?account={account.pk}",
        empty=_("None yet. Enter the webhook address at the provider."),
    )


class TestConnectionView(ScopedView, View):
    """POST: ask the provider who we are there; the answer stands on the account's page."""

    __test__ = False
    model = ProviderAccount
    http_method_names = ["post"]
    inspect_url_name = ""
    index_url_name = ""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm("cms_billing_payments.ask_provider"):
            raise PermissionDenied
        account = self.get_object()
        try:
            result = probe_account(account=account, now=clock.now())
        except BillingError as error:
            messages.error(request, str(error))
            return redirect("billing-provideraccount:inspect", account.pk)
        if result.problem:
            messages.error(request, result.problem)
        else:
            messages.success(request, _answer(result.found))
        return redirect("billing-provideraccount:inspect", account.pk)


def _answer(found: Any) -> str:
    name = found.name or _("without a name")
    mode = pgettext("real money", "live") if found.is_live else _("test")
    text = _("The provider knows this account as “%(name)s” (%(mode)s).") % {"name": name, "mode": mode}
    return " ".join([text, *(str(detail) for detail in found.details)])


class ProviderAccountViewSet(BillingModelViewSet):
    model = ProviderAccount
    icon = "key"
    menu_order = 720
    list_display = [
        "__str__",
        Column("issuer", label=gettext_lazy("Issuer"), sort_key="issuer__name"),
        Column("provider", label=gettext_lazy("Provider")),
        Column(
            "mode",
            label=gettext_lazy("Mode"),
            accessor=lambda account: pgettext("real money", "live") if account.is_live else _("test"),
        ),
        StateColumn(
            "is_active",
            label=gettext_lazy("State"),
            accessor=lambda account: (
                _("problem") if account.problem else (_("active") if account.is_active else _("not in use"))
            ),
            good=lambda account: account.is_active and not account.problem,
        ),
        DateColumn("checked_at", label=gettext_lazy("Connection tested")),
    ]
    ordering = ("issuer__name", "provider", "slug")
    filterset_class = AccountFilterSet
    index_view_class = AccountIndexView
    add_view_class = AccountCreateView
    inspect_view_class = AccountInspectView
    delete_instead = gettext_lazy("Untick “active” instead.")
    edit_handler = ObjectList(
        [
            HelpPanel(
                gettext_lazy(
                    "Keys and secrets are not entered here: they come from the environment or the settings. The "
                    "account's page names them."
                )
            ),
            FieldRowPanel([FieldPanel("issuer"), FieldPanel("slug")]),
            FieldPanel("title"),
            FieldRowPanel([FieldPanel("is_active"), FieldPanel("is_live")]),
            FieldRowPanel([FieldPanel("merchant_account"), FieldPanel("endpoint_prefix")]),
            FieldPanel("kinds"),
            MultiFieldPanel(
                [FieldPanel("chargeback_fee"), FieldPanel("requests_per_second")],
                heading=gettext_lazy("Terms of the provider"),
            ),
        ],
        base_form_class=AccountForm,
    )

    def get_urlpatterns(self) -> list[Any]:
        test = self.construct_view(TestConnectionView)
        return [*super().get_urlpatterns(), path("test/<int:pk>/", test, name="test_connection")]


def accounts_to_mend(request: HttpRequest) -> Iterable[Section]:
    """On the to-do list: accounts that their provider does not let in. Their charges wait and are not lost."""
    if not request.user.has_perm("cms_billing_payments.view_provideraccount"):
        return
    accounts = list(rows_visible_to(ProviderAccount, request.user).filter(is_active=True).exclude(problem=""))
    if accounts:
        yield TableSection(
            _("Accounts at providers that cannot be used"),
            [
                LinkColumn(
                    "account",
                    label=pgettext("at a payment provider", "Account"),
                    accessor=str,
                    get_url=lambda row: reverse("billing-provideraccount:inspect", args=[row.pk]),
                ),
                Column("problem", label=_("Why, and what to do")),
                DateColumn("problem_at", label=_("Since")),
            ],
            accounts,
            note=_("Charges wait until the account works again; test the connection when it is mended."),
        )
