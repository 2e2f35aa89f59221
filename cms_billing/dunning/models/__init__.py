"""Procedures, cases, what stands against letters, and what an issuer decides. One module a topic; import from here."""

from .agencies import Agency, AgencyColumn, AgencyStatusWord, ClaimStatus, Transport
from .agreements import Agreement, AgreementDocument, AgreementNotice, AgreementQuerySet, Instalment
from .cases import UNCOVERED, Case, CaseQuerySet, CaseStep, Charge, locks
from .collection import ClaimChange, HandOver, HandOverClaim, HandOverFile, HandOverSending
from .holds import Hold
from .policies import DunningPolicy
from .procedures import (
    HIGHEST_LEVEL,
    ChargesLeft,
    DefaultFrom,
    Level,
    LevelText,
    LockScope,
    Procedure,
    ProcedureVersion,
)
from .rates import BaseRate
from .status_files import StatusFile, StatusLine
from .thanks import ThankYou

__all__ = [
    "HIGHEST_LEVEL",
    "UNCOVERED",
    "Agency",
    "AgencyColumn",
    "AgencyStatusWord",
    "Agreement",
    "AgreementDocument",
    "AgreementNotice",
    "AgreementQuerySet",
    "BaseRate",
    "Case",
    "CaseQuerySet",
    "CaseStep",
    "Charge",
    "ChargesLeft",
    "ClaimChange",
    "ClaimStatus",
    "DefaultFrom",
    "DunningPolicy",
    "HandOver",
    "HandOverClaim",
    "HandOverFile",
    "HandOverSending",
    "Hold",
    "Instalment",
    "Level",
    "LevelText",
    "LockScope",
    "Procedure",
    "ProcedureVersion",
    "StatusFile",
    "StatusLine",
    "ThankYou",
    "Transport",
    "locks",
]
