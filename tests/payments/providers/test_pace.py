from threading import Thread

from cms_billing.payments.providers import Account, pace
from cms_billing.payments.providers.pace import Bucket


def test_a_second_s_worth_is_free_then_requests_keep_their_distance():
    bucket = Bucket(4, now=0.0)

    waits = [bucket.take(0.0) for _ in range(7)]

    assert waits == [0, 0, 0, 0, 0.25, 0.5, 0.75]


def test_time_fills_the_bucket_up_to_a_second_s_worth():
    bucket = Bucket(2, now=0.0)
    for _ in range(2):
        bucket.take(0.0)

    assert bucket.take(0.5) == 0
    assert [bucket.take(100.0) for _ in range(3)] == [0, 0, 0.5]


def test_threads_share_one_bucket_an_account():
    account = Account(provider="stripe", slug="pace", issuer_id=1, requests_per_second=5)
    slept: list[float] = []
    threads = [Thread(target=pace.wait, args=[account], kwargs={"sleep": slept.append}) for _ in range(15)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(slept) == 10
    assert 1.5 < max(slept) <= 2


def test_accounts_do_not_wait_for_each_other():
    slept: list[float] = []
    for slug in ("pace-a", "pace-b"):
        account = Account(provider="mollie", slug=slug, issuer_id=1, requests_per_second=1)
        pace.wait(account, sleep=slept.append)

    assert slept == []
