"""Dunning in Wagtail's admin, in the Billing menu."""

from .cases import CaseViewSet
from .holds import HoldViewSet
from .procedures import ProcedureViewSet

VIEWSETS = (CaseViewSet, HoldViewSet, ProcedureViewSet)

__all__ = ["VIEWSETS", "CaseViewSet", "HoldViewSet", "ProcedureViewSet"]
