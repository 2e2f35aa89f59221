"""Where the rest of the package hears that a claim is at an agency, and where its files are worked on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from django.utils.translation import gettext as _

from cms_billing.core import outbox
from cms_billing.payments.charge_holds import register_hold
from cms_billing.payments.page_notes import PageNote, register_note

from . import checks  # noqa: F401  (they register themselves)
from .models import Agency, HandOverClaim, HandOverFile, HandOverSending
from .services import make_file, send_file


def connect() -> None:
    outbox.register_in_the_house(HandOverFile, make_file)
    outbox.register(HandOverSending, send_file)
    register_hold(claims_at_agencies)
    register_note(notes_on_claims)


def claims_at_agencies(document_ids: Collection[int], today: date) -> Mapping[int, str]:
    """Nothing is collected from members for what an agency collects."""
    away = HandOverClaim.objects.at_agency().filter(document__in=document_ids)
    reason = _("The claim is at a collection agency.")
    return dict.fromkeys(away.values_list("document_id", flat=True), reason)


def notes_on_claims(document_ids: Collection[int]) -> Mapping[int, PageNote]:
    """What the payment page says: whom to pay, as the agency's record decides."""
    away = HandOverClaim.objects.at_agency().filter(document__in=document_ids)
    claims = away.select_related("hand_over__agency")
    return {claim.document_id: _note(claim.hand_over.agency) for claim in claims}


def _note(agency: Agency) -> PageNote:
    contact = ", ".join(part for part in (agency.name, agency.email, agency.phone) if part)
    if agency.paid_to == Agency.PaidTo.AGENCY:
        text = _("This claim has been handed over. Please pay and write to %(contact)s only.")
        return PageNote(text % {"contact": contact}, payable=False)
    text = _("This claim has been handed over to %(contact)s. You can still pay it here; we tell them.")
    return PageNote(text % {"contact": contact}, payable=True)
