"""The form of an account at a provider: only what that provider needs, and never a secret."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm

from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money

from ..kinds import kinds_of, name_of_kind
from ..models import PaymentSession, ProviderAccount
from ..providers import Provider, UnknownProvider, all_providers, get_provider

OPTIONAL = ("merchant_account", "endpoint_prefix")


def account_providers() -> dict[str, Provider]:
    """The listed providers that are used through accounts."""
    return {code: found for code, found in all_providers().items() if found.capabilities.accounts}


class AccountForm(WagtailAdminModelForm):
    """``provider`` is chosen before the form is shown, and stays."""

    provider = forms.CharField(widget=forms.HiddenInput, required=False)
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("methods offered"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: all that the provider offers."),
    )
    chargeback_fee = MoneyField(
        label=gettext_lazy("fee for a returned payment"),
        required=False,
        minimum=0,
        help_text=gettext_lazy(
            "Charged to the customer when a payment comes back; no more than the bank or provider takes."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.code = self.instance.provider if self.instance.pk else self._chosen()
        self._ask_what_the_provider_needs()
        self._keep_what_is_in_use()
        for name in ("kinds", "chargeback_fee"):
            if name in self.fields:
                self.fields[name].label = capfirst(self.fields[name].label)
        currency = self.instance.issuer.currency if self.instance.issuer_id else "EUR"
        fee: Any = self.fields["chargeback_fee"]
        fee.currency = currency
        self.initial["chargeback_fee"] = Money(self.instance.chargeback_fee_minor, currency)

    def _chosen(self) -> str:
        return str(self.data.get("provider") or self.initial.get("provider") or "")

    def _ask_what_the_provider_needs(self) -> None:
        try:
            provider = get_provider(self.code)
        except UnknownProvider:
            needed, kinds = OPTIONAL, list(self.instance.kinds)
        else:
            needed = tuple(getattr(provider, "account_fields", OPTIONAL))
            kinds = list(dict.fromkeys([*kinds_of(provider), *self.instance.kinds]))
        for name in OPTIONAL:
            if name not in needed:
                self.fields.pop(name, None)
        if kinds:
            field: Any = self.fields["kinds"]
            field.choices = [(kind, name_of_kind(kind)) for kind in kinds]
        else:
            del self.fields["kinds"]

    def _keep_what_is_in_use(self) -> None:
        """The address is entered at the provider, and references of payments mean something in this account only."""
        if not self.instance.pk:
            return
        del self.fields["provider"]
        if is_in_use(self.instance):
            for name in ("issuer", "slug"):
                self.fields[name].disabled = True
            self.fields["slug"].help_text = _(
                "Payments were made in this account: the short name stays. Add another account instead."
            )

    def clean_provider(self) -> str:
        if self.code not in account_providers():
            raise forms.ValidationError(_("Choose one of the listed payment providers."))
        return self.code

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not self.instance.pk:
            self.instance.provider = self.code
        self._has_an_address_of_its_own(data.get("slug", ""))
        issuer, fee = data.get("issuer"), data.get("chargeback_fee")
        if fee is not None and issuer is not None and fee.currency != issuer.currency:
            data["chargeback_fee"] = Money.of(fee.amount, issuer.currency)
        return data

    def _has_an_address_of_its_own(self, slug: str) -> None:
        alike = ProviderAccount.objects.filter(provider=self.instance.provider, slug=slug)
        if alike.exclude(pk=self.instance.pk).exists():
            self.add_error(
                "slug", _("Another account at this provider has this short name. Choose another one.")
            )

    def save(self, *args: Any, **kwargs: Any) -> Any:
        fee = self.cleaned_data.get("chargeback_fee")
        self.instance.chargeback_fee_minor = fee.minor if fee else 0
        if "kinds" in self.cleaned_data:
            self.instance.kinds = list(self.cleaned_data["kinds"])
        return super().save(*args, **kwargs)


def is_in_use(account: ProviderAccount) -> bool:
    """Whether anything was ever asked of the provider, or told by it, in this account."""
    sessions = PaymentSession.objects.filter(account=account)
    return (
        account.payments.exists()
        or sessions.exists()
        or account.payment_methods.exists()
        or account.webhook_events.exists()
    )
