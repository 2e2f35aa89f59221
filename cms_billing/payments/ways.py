"""The accounts whose hosted pages a payer may choose, in words for payers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .kinds import name_of_kind
from .models import ProviderAccount
from .providers import Provider, UnknownProvider, get_provider


@dataclass(frozen=True)
class PageWay:
    """One account with a hosted page. ``keeps``: it can store a card or account for charges without the payer."""

    account: ProviderAccount
    label: str
    kinds: Sequence[str]
    keeps: bool

    @property
    def key(self) -> str:
        """What forms call it; the webhook address has the same two words."""
        return f"{self.account.provider}/{self.account.slug}"


def page_ways(issuer_ids: Iterable[int]) -> dict[int, list[PageWay]]:
    """By issuer: its active accounts whose provider has hosted pages, in a fixed order. One query."""
    accounts = ProviderAccount.objects.active().filter(issuer__in=set(issuer_ids)).order_by("pk")
    ways: dict[int, list[PageWay]] = {}
    for account in accounts:
        way = _way(account)
        if way is not None:
            ways.setdefault(account.issuer_id, []).append(way)
    return ways


def _way(account: ProviderAccount) -> PageWay | None:
    try:
        provider = get_provider(account.provider)
    except UnknownProvider:
        return None
    if not provider.capabilities.pages:
        return None
    kinds = account.kinds or provider.capabilities.first_kinds
    return PageWay(
        account=account,
        label=account.title or str(provider.label),
        kinds=[name_of_kind(kind) for kind in kinds],
        keeps=_keeps(provider),
    )


def _keeps(provider: Provider) -> bool:
    return provider.capabilities.charges
