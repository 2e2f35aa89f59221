"""Documents that go by post are ticked off by a person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from cms_billing.faktura.models import Document

from .models import PostedDocument


@transaction.atomic
def mark_posted(*, document_ids: Collection[int], today: date, user: Any = None) -> int:
    """The documents are in the post; returns how many are new. Marking one again changes nothing."""
    known = set(PostedDocument.objects.filter(pk__in=document_ids).values_list("pk", flat=True))
    new = [document for document in Document.objects.filter(pk__in=document_ids) if document.pk not in known]
    PostedDocument.objects.bulk_create(
        [PostedDocument(document=document, posted_on=today, user=user) for document in new],
        ignore_conflicts=True,
    )
    for document in new:
        log(instance=document, action="cms_billing.post", user=user)
    return len(new)
