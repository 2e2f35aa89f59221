"""One account's way to Stripe: its session, its pace, and what Stripe's errors mean to billing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import PermanentFailure

from ..base import AccountRefused, OutcomeUnknown, ProviderDown
from ..pace import wait
from ..values import Account
from .keys import name_of, secret_key

# Seconds to connect, seconds to answer.
TIMEOUT = (2, 20)

_sessions = threading.local()


def library() -> Any:
    """The vendor's package, imported late: a site without Stripe does not need it. Raises AccountRefused."""
    try:
        import stripe
    except ImportError:
        raise AccountRefused(
            _("The package “stripe” is not installed: pip install cms-billing[stripe].")
        ) from None
    return stripe


class Api:
    """``read`` and ``write`` ask Stripe and answer its objects, or raise what ``Provider`` says."""

    def __init__(self, account: Account) -> None:
        self.account = account

    @property
    def name(self) -> str:
        return name_of(self.account)

    @cached_property
    def stripe(self) -> Any:
        return library()

    @cached_property
    def v1(self) -> Any:
        """Stripe's services. The vendor's own retries are off: they would hide an unknown outcome, and sleep."""
        addresses = {"api": self.account.api_url.rstrip("/")} if self.account.api_url else None
        return self.stripe.StripeClient(
            secret_key(self.account),
            base_addresses=addresses,
            http_client=_paced_client(self.stripe, self.account),
            max_network_retries=0,
        ).v1

    def read(self, ask: Callable[[Any], Any]) -> Any:
        """What Stripe answers, or None where there is no such object. Raises ProviderDown, AccountRefused."""
        v1 = self.v1
        try:
            return self._an_object(ask(v1))
        except self.stripe.InvalidRequestError as error:
            if error.code == "resource_missing" and not _is_of_the_other_mode(error):
                return None
            problem = self._problem(error)
        except self.stripe.StripeError as error:
            problem = self._problem(error)
        except (AttributeError, KeyError, TypeError, ValueError):
            problem = self._unreadable(ProviderDown)
        raise problem

    def read_all(self, ask: Callable[[Any], Any]) -> Iterator[Any]:
        """All objects of a list or search, page by page. Raises ProviderDown, AccountRefused."""
        found = self.read(ask)
        if found is None:
            return
        pages: Iterator[Any] = iter(found.auto_paging_iter())
        while True:
            item = self.read(lambda _v1: next(pages, _END))
            if item is _END:
                return
            yield item

    def write(self, ask: Callable[[Any], Any]) -> Any:
        """What Stripe answers. Raises OutcomeUnknown, ProviderDown, AccountRefused, PermanentFailure.

        CardError and InvalidRequestError come as they are: what they mean depends on what was asked for.
        """
        v1 = self.v1
        try:
            return self._an_object(ask(v1))
        except self.stripe.InvalidRequestError as error:
            if not _is_of_the_other_mode(error):
                raise
            problem: Exception = self._problem(error)
        except self.stripe.CardError:
            raise
        except self.stripe.StripeError as error:
            problem = self._problem(error, writing=True)
        except (AttributeError, KeyError, TypeError, ValueError):
            problem = self._unreadable(OutcomeUnknown)
        # Raised out here, so that no traceback leads to a request with its headers.
        raise problem

    def _an_object(self, answer: Any) -> Any:
        if answer is not _END and not isinstance(answer, self.stripe.StripeObject):
            raise TypeError(type(answer).__name__)
        return answer

    def _problem(self, error: Any, *, writing: bool = False) -> Exception:
        stripe = self.stripe
        if isinstance(error, stripe.APIConnectionError):
            return self._no_answer(error, writing=writing)
        if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
            return self._let_out(error)
        if isinstance(error, stripe.InvalidRequestError) and _is_of_the_other_mode(error):
            return self._of_the_other_mode()
        if isinstance(error, stripe.RateLimitError):
            return ProviderDown(_("Stripe was asked too often by account %(account)s.") % self._values(error))
        if isinstance(error, stripe.IdempotencyError):
            return PermanentFailure(
                _("Stripe knows the idempotency key from another request (%(told)s): nothing was done.")
                % self._values(error)
            )
        if error.http_status == 503 or not writing:
            return ProviderDown(_("Stripe does not work just now (%(told)s).") % self._values(error))
        return OutcomeUnknown(
            _("Stripe did not say what became of the request (%(told)s).") % self._values(error)
        )

    def _no_answer(self, error: Any, *, writing: bool) -> Exception:
        import requests

        cause = error.__cause__
        if cause is not None and not isinstance(cause, requests.RequestException):
            return cause  # Ours, not the network's: a mistake in the program must not look like a bad line.
        if not writing or was_not_sent(cause):
            return ProviderDown(_("Stripe could not be reached (%(told)s).") % {"told": type(cause).__name__})
        return OutcomeUnknown(
            _("Stripe's answer was lost on the way (%(told)s).") % {"told": type(cause).__name__}
        )

    def _let_out(self, error: Any) -> AccountRefused:
        told = (
            _("Stripe refuses the secret key of account %(account)s. Copy it again from Stripe's dashboard.")
            if isinstance(error, self.stripe.AuthenticationError)
            else _(
                "The secret key of Stripe account %(account)s may not do this (%(told)s). "
                "Give the restricted key the rights that the documentation lists."
            )
        )
        return AccountRefused(told % self._values(error))

    def _of_the_other_mode(self) -> AccountRefused:
        return AccountRefused(
            _(
                "What Stripe account %(account)s asks for exists in the other mode only: "
                "live and test data are mixed. Compare the account's keys with what is stored here."
            )
            % {"account": self.name}
        )

    def _unreadable(self, kind: type[Exception]) -> Exception:
        return kind(_("Stripe's answer to account %(account)s cannot be read.") % {"account": self.name})

    def _values(self, error: Any) -> dict[str, str]:
        told = error.code or f"HTTP {error.http_status}"
        return {"account": self.name, "told": f"{told}, {error.request_id}" if error.request_id else told}


_END = object()


def was_not_sent(cause: BaseException | None) -> bool:
    """Whether the request surely never reached anybody: no name, no connection, no handshake in time."""
    import requests
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    if isinstance(cause, requests.ConnectTimeout):
        return True
    reason = getattr(cause.args[0] if cause and cause.args else None, "reason", None)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _is_of_the_other_mode(error: Any) -> bool:
    """Stripe's words: “a similar object exists in test mode, but a live mode key was used to make this request”."""
    return error.code == "livemode_mismatch" or "a similar object exists in" in (error.user_message or "")


def _paced_client(stripe: Any, account: Account) -> Any:
    class PacedClient(stripe.RequestsClient):
        """Waits for the account's turn before each request, pages of lists included."""

        def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
            self._thread_local.session = session_of(account)
            wait(account)
            return super().request(method, url, headers, post_data)

    return PacedClient(timeout=TIMEOUT)


def session_of(account: Account) -> Any:
    """A thread keeps its connection to Stripe from one charge to the next; a forked worker makes its own."""
    if getattr(_sessions, "process", None) != os.getpid():
        _sessions.process, _sessions.kept = os.getpid(), {}
    key = (name_of(account), account.new_session)
    if key not in _sessions.kept:
        import requests

        _sessions.kept[key] = account.new_session() if account.new_session else requests.Session()
    return _sessions.kept[key]
