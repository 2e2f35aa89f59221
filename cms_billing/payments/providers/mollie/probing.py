"""Who we are at Mollie, for the button "test connection"."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from mollie.api.error import ResponseError

from ..values import Probed
from . import problems
from .client import MollieClient, every


def probe(api: MollieClient) -> Probed:
    try:
        profile = api.profiles.get("me")
        return Probed(
            name=str(profile.get("name") or profile["id"]),
            # Not the profile's mode: a website that is live has test keys as well.
            is_live=api.api_key.startswith("live_"),
            details=[f"{profile['id']}, {profile.get('website') or ''}", *_offered(api)],
        )
    except ResponseError as refusal:
        raise problems.request_refused(str(refusal)) from None


def _offered(api: MollieClient) -> Iterator[str]:
    for sequence, text in (
        ("first", _("First payment: %(methods)s")),
        ("recurring", _("Without the payer: %(methods)s")),
    ):
        names = [
            str(method.get("description") or method["id"])
            for method in every(api.methods.list(sequenceType=sequence))
        ]
        yield text % {"methods": ", ".join(names) or _("none activated at Mollie")}
