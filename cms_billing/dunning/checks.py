"""System checks of the agencies that an editor set up. All need the database, and only warn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from cms_billing.core import clock
from cms_billing.core.conf import wrong_types

from .collection import secrets
from .collection.keys import is_valid_at, read_certificate
from .models import Agency, Transport


@register(Tags.database)
def agencies_can_be_reached(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if not databases or "default" not in databases or wrong_types():
        return []
    if Agency._meta.db_table not in connections["default"].introspection.table_names():
        return []
    # Named one by one: a check runs before the migration that brings a newer column.
    agencies = Agency.objects.active().only("name", "slug", "transport", "certificate").order_by("pk")
    return [message for agency in agencies for message in _of(agency)]


def _of(agency: Agency) -> Iterator[CheckMessage]:
    if agency.transport == Transport.SFTP and not secrets.given(agency.slug):
        yield Warning(
            f"Nobody can log in at the SFTP server of {agency.name}: no password and no key is set.",
            hint=f"Set {secrets.variable(agency.slug, 'PASSWORD')} or {secrets.variable(agency.slug, 'PRIVATE_KEY')}.",
            id="cms_billing.W095",
        )
    if agency.transport != Transport.MAIL:
        return
    if not agency.certificate.strip():
        yield Warning(
            f"Mails to {agency.name} with data of debtors are not encrypted: it has no certificate.",
            hint="Ask the agency for its S/MIME certificate, or send by SFTP.",
            id="cms_billing.W096",
        )
    elif not is_valid_at(read_certificate(agency.certificate), clock.now()):
        yield Warning(
            f"The certificate of {agency.name} is not valid today: nothing is sent to it.",
            hint="Ask for a new one and enter it on the agency's page.",
            id="cms_billing.W097",
        )
