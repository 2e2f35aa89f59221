"""What dunning tells the page of a document: its steps, and the letters that ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from cms_billing.core.admin import Event
from cms_billing.faktura.models import Document

from .models import CaseStep

_TONES = {CaseStep.Kind.LETTER: "warning", CaseStep.Kind.READY: "critical"}


def dunning_events(request: Any, document: Document) -> Iterable[Event]:
    if not request.user.has_perm("cms_billing_dunning.view_case"):
        return
    steps = CaseStep.objects.filter(case__document=document).select_related("letter", "user").order_by("pk")
    for step in steps:
        yield Event(
            step.at,
            _("dunning: %(step)s") % {"step": step.get_kind_display()},
            who=step.user.get_username() if step.user else "",
            detail=" ".join(filter(None, [step.letter.number if step.letter else "", step.reason])),
            url=reverse("billing-dunning:inspect", args=[step.case_id]),
            tone=_TONES.get(CaseStep.Kind(step.kind), ""),
        )


def letters_about(document: Document) -> Iterable[int]:
    """Keys of the letters that name the document."""
    steps = CaseStep.objects.filter(case__document=document, letter__isnull=False)
    return steps.order_by("letter").values_list("letter", flat=True)
