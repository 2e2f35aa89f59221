"""Fifty at once: members are locked and pay while they are reading. What is committed counts in the next request."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.db import connections
from django.test import Client

from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Document
from cms_billing.memberships.models import Plan
from cms_billing.payments.services import record_payment

from .conftest import SECRET, TODAY, client_of, in_dunning, member

MEMBERS = 25
ARTICLE = "/magazine/strings/"


@dataclass(frozen=True)
class Reading:
    member: int
    began: float
    ended: float
    status: int
    full: bool


@dataclass
class Life:
    """When this member's lock and payment began to be written, and when they were committed."""

    lock_began: float = 0.0
    locked: float = 0.0
    payment_began: float = 0.0
    paid: float = 0.0


class Play:
    """The members, what happens to each, and every answer that anybody got."""

    def __init__(self, plan: Plan) -> None:
        people = [member(plan) for _number in range(MEMBERS)]
        self.cases = [in_dunning(contract, level=2, locked=False) for _user, contract in people]
        self.clients = [(client_of(user), client_of(user)) for user, _contract in people]
        self.lives = [Life() for _person in people]
        self.readings: list[Reading] = []
        self.over = threading.Event()

    def read(self, number: int, client: Client) -> tuple[int, bool]:
        began = time.monotonic()
        response = client.get(ARTICLE)
        full = SECRET in response.content.decode()
        self.readings.append(Reading(number, began, time.monotonic(), response.status_code, full))
        return response.status_code, full

    def live(self, number: int) -> None:
        """Reads, is locked, reads, pays, reads: each answer right after the commit that it has to follow."""
        client, life, dice = self.clients[number][0], self.lives[number], random.Random(number)
        assert self.read(number, client) == (200, True)
        time.sleep(dice.random())
        life.lock_began = time.monotonic()
        lock(self.cases[number])
        life.locked = time.monotonic()
        assert self.read(number, client) == (402, False)
        time.sleep(dice.random())
        life.payment_began = time.monotonic()
        pay(self.cases[number])
        life.paid = time.monotonic()
        assert self.read(number, client) == (200, True)

    def watch(self, number: int) -> None:
        while not self.over.is_set():
            self.read(number, self.clients[number][1])

    def wrong(self) -> list[Reading]:
        return [reading for reading in self.readings if not fits(reading, self.lives[reading.member])]


def lock(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(level=3, lock_scope="contract", announced_scope="contract")


def pay(case: Case) -> None:
    invoice = Document.objects.get(pk=case.document_id)
    record_payment(
        customer_id=invoice.customer_id,
        amount=invoice.open_item.open_amount,
        received_on=TODAY,
        way="transfer",
        today=TODAY,
        documents=[invoice],
    )


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_fifty_threads_lock_pay_and_read(magazine):
    play = Play(magazine.plan)
    with ThreadPoolExecutor(max_workers=2 * MEMBERS) as pool:
        watching = [pool.submit(with_own_connection, play.watch, number) for number in range(MEMBERS)]
        living = [pool.submit(with_own_connection, play.live, number) for number in range(MEMBERS)]
        try:
            for one in living:
                one.result(timeout=240)
        finally:
            play.over.set()
        for one in watching:
            one.result(timeout=60)
    assert not play.wrong()
    assert len([reading for reading in play.readings if not reading.full]) >= MEMBERS


def fits(reading: Reading, life: Life) -> bool:
    """Readings that overlap a commit may say either; all others say what was committed before they began."""
    if reading.ended < life.lock_began or reading.began > life.paid:
        return reading.full and reading.status == 200
    if reading.began > life.locked and reading.ended < life.payment_began:
        return not reading.full and reading.status == 402
    return True


def with_own_connection(work, number: int) -> None:
    try:
        work(number)
    finally:
        connections.close_all()
