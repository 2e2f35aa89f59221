"""Dunning in Wagtail's admin, in the Billing menu."""

from .agencies import AgencyViewSet
from .agreements import AgreementViewSet
from .cases import CaseViewSet
from .claims import ClaimViewSet
from .hand_overs import HandOverViewSet
from .holds import HoldViewSet
from .procedures import ProcedureViewSet
from .rates import BaseRateViewSet
from .ready import ReadyViewSet
from .status_files import StatusFileViewSet

VIEWSETS = (
    CaseViewSet,
    AgreementViewSet,
    HoldViewSet,
    ProcedureViewSet,
    BaseRateViewSet,
    ReadyViewSet,
    AgencyViewSet,
    HandOverViewSet,
    ClaimViewSet,
    StatusFileViewSet,
)

__all__ = [
    "VIEWSETS",
    "AgreementViewSet",
    "BaseRateViewSet",
    "CaseViewSet",
    "HoldViewSet",
    "ProcedureViewSet",
]
