"""Dunning in Wagtail's admin, in the Billing menu."""

from .cases import CaseViewSet
from .procedures import ProcedureViewSet

VIEWSETS = (CaseViewSet, ProcedureViewSet)

__all__ = ["VIEWSETS", "CaseViewSet", "ProcedureViewSet"]
