from . import clock, outbox


def work(label: str, pk: int) -> str:
    """Look at one row of outside work."""
    return outbox.work_on(outbox.model_of(label), pk, now=clock.now()).value


def sweep() -> int:
    """Scheduled every few minutes: find what a lost task forgot."""
    return outbox.sweep(now=clock.now())
