"""What an issuer decides about dunning beyond its procedures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from cms_billing.faktura.models import Issuer

from ..models import DunningPolicy


@transaction.atomic
def set_policy(*, issuer: Issuer, values: Mapping[str, Any], user: Any = None) -> DunningPolicy:
    """``values`` by field. What was set before under other rules stays: a block that waits goes on waiting."""
    Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)
    policy, _created = DunningPolicy.objects.update_or_create(issuer=issuer, defaults=dict(values))
    data = {name: str(value) for name, value in values.items()}
    log(instance=issuer, action="cms_billing.dunning_policy", user=user, data=data)
    return policy


def policy_of(issuer: Issuer) -> DunningPolicy:
    """The issuer's; unsaved, with its defaults, where nobody has decided anything."""
    return DunningPolicy.objects.filter(issuer=issuer).first() or DunningPolicy(issuer=issuer)
