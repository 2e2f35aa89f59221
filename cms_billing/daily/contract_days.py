"""When the contracts behind claims were made, for the files of collection agencies (§ 13a (1) no. 2 RDG asks for it).

Dunning does not know contracts and memberships do not know dunning; this app knows both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cms_billing.core import clock
from cms_billing.faktura.models import Document, DocumentLine
from cms_billing.memberships.models import Contract


def contract_days(documents: Sequence[Document]) -> Mapping[int, Mapping[str, Any]]:
    """Of each document's first contract the day it was made; of one brought in later, its start. Two queries."""
    lines = DocumentLine.objects.filter(document__in=documents).exclude(contract_reference="")
    pairs = lines.order_by("-position").values_list("document_id", "document__issuer", "contract_reference")
    first = {document_id: (issuer, number) for document_id, issuer, number in pairs}
    contracts = Contract.objects.filter(number__in={number for _issuer, number in first.values()})
    days = {
        (contract.issuer_id, contract.number): min(
            contract.start, clock.local_day(contract.created_at, contract.issuer)
        )
        for contract in contracts.select_related("issuer")
    }
    return {
        document_id: {"contract_day": days[key].isoformat()}
        for document_id, key in first.items()
        if key in days
    }
