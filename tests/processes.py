"""Real processes that do the work of the site, to be killed or to run at the same moment."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import date

from django.db import connections

from cms_billing.daily.services import run_daily
from cms_billing.faktura.models import Issuer


def fork(work: Callable[[], object]) -> int:
    """Do ``work`` in a child process with database connections of its own; returns its process id."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        # A browser's event loop gives the parent connections of their own; without it the child finds older ones.
        connections.close_all()
        work()
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        # No clean-up of the parent's fixtures here, and none of pytest's output.
        os._exit(status)


def daily_run(issuer_id: int, day: date) -> Callable[[], object]:
    return lambda: run_daily(issuer=Issuer.objects.get(pk=issuer_id), today=day)


def wait_for(pid: int) -> int:
    """The exit status; negative where a signal ended the process."""
    _pid, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def kill(pid: int) -> int:
    os.kill(pid, signal.SIGKILL)
    return wait_for(pid)
