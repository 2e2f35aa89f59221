"""Which part of a claim a payment has settled: costs, interest, principal (§ 367 (1) BGB). Pure.

The open parts of a document always add up to its open amount, whatever was posted in whatever order. A debtor may
determine another order (§§ 366 (1), 367 (2) BGB): the principal first. A payment that comes back opens again what it
had settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

RETURN_FEES, FEES, FLAT, COLLECTION = "return_fees", "fees", "flat", "collection"
INTEREST, PRINCIPAL = "interest", "principal"
COSTS = (RETURN_FEES, FEES, FLAT, COLLECTION)
BY_LAW = (*COSTS, INTEREST, PRINCIPAL)
PRINCIPAL_FIRST = (PRINCIPAL, *COSTS, INTEREST)


@dataclass(frozen=True)
class Posting:
    """One ledger entry. ``part``: what it claims, or gives up, of one kind; "": money that came in or went back.

    ``minor`` as in the ledger: what is owed is positive. ``payment``: the key of its payment, so that what comes back
    opens what that payment had settled.
    """

    day: date
    minor: int
    part: str = ""
    principal_first: bool = False
    payment: int | None = None


class Account:
    """A document's parts: ``claimed`` and what is still ``open`` of each, in minor units.

    Open parts are not negative, but for a principal that was paid twice and nothing else to pay for.
    """

    def __init__(self) -> None:
        self.claimed = dict.fromkeys(BY_LAW, 0)
        self.open = dict.fromkeys(BY_LAW, 0)
        # (day, principal open at its end): what interest is counted on.
        self.principal: list[tuple[date, int]] = []
        self._settled: dict[int, list[tuple[str, int]]] = {}

    @property
    def open_minor(self) -> int:
        return sum(self.open.values())

    def post(self, posting: Posting) -> None:
        if posting.part:
            self.claimed[posting.part] += posting.minor
            self.open[posting.part] += posting.minor
        elif posting.minor < 0:
            self._receive(-posting.minor, posting)
        else:
            self._give_back(posting.minor, posting)
        self._even_out()
        self._note_principal(posting.day)

    def _receive(self, left: int, posting: Posting) -> None:
        order = PRINCIPAL_FIRST if posting.principal_first else BY_LAW
        for part in order:
            settled = min(max(self.open[part], 0), left)
            left -= self._settle(part, settled, posting.payment)
        self._settle(PRINCIPAL, left, posting.payment)

    def _settle(self, part: str, minor: int, payment: int | None) -> int:
        self.open[part] -= minor
        if minor and payment is not None:
            self._settled.setdefault(payment, []).append((part, minor))
        return minor

    def _give_back(self, left: int, posting: Posting) -> None:
        """First what the same payment had settled, the last first; else the principal, interest, costs."""
        mine = self._settled.pop(posting.payment, []) if posting.payment is not None else []
        while mine and left:
            part, settled = mine.pop()
            opened = self._open_again(part, min(settled, left))
            left -= opened
            if settled > opened and not left:
                mine.append((part, settled - opened))
        if mine and posting.payment is not None:
            self._settled[posting.payment] = mine
        for part in reversed(BY_LAW):
            left -= self._open_again(part, left)
        self.open[PRINCIPAL] += left

    def _open_again(self, part: str, minor: int) -> int:
        """Never more than is claimed of it: what was waived in the meantime stays waived."""
        opened = max(0, min(minor, self.claimed[part] - self.open[part]))
        self.open[part] += opened
        return opened

    def _even_out(self) -> None:
        """What was waived or credited after it had been paid for pays for the rest."""
        surplus = 0
        for part in BY_LAW:
            if self.open[part] < 0:
                surplus -= self.open[part]
                self.open[part] = 0
        for part in BY_LAW:
            used = min(self.open[part], surplus)
            self.open[part] -= used
            surplus -= used
        self.open[PRINCIPAL] -= surplus

    def _note_principal(self, day: date) -> None:
        if self.principal and self.principal[-1][0] == day:
            self.principal.pop()
        self.principal.append((day, self.open[PRINCIPAL]))


def apportion(postings: Iterable[Posting]) -> Account:
    """The account after all postings, by their days; those of one day in the order given."""
    account = Account()
    for posting in sorted(postings, key=lambda one: one.day):
        account.post(posting)
    return account


def spread_waiver(minor: int, claimed: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Parts of a waiver, in the order given and never above what is claimed of a part."""
    parts = []
    for part, limit in claimed:
        given = max(0, min(minor, limit))
        minor -= given
        if given:
            parts.append((part, given))
    return parts
