"""Procedures, cases, what stands against letters, and what an issuer decides. One module a topic; import from here."""

from .agreements import Agreement, AgreementDocument, AgreementNotice, AgreementQuerySet, Instalment
from .cases import UNCOVERED, Case, CaseQuerySet, CaseStep, Charge, locks
from .holds import Hold
from .policies import DunningPolicy
from .procedures import (
    HIGHEST_LEVEL,
    Channel,
    ChargesLeft,
    DefaultFrom,
    Level,
    LevelText,
    LockScope,
    Procedure,
    ProcedureVersion,
)
from .rates import BaseRate

__all__ = [
    "HIGHEST_LEVEL",
    "UNCOVERED",
    "Agreement",
    "AgreementDocument",
    "AgreementNotice",
    "AgreementQuerySet",
    "BaseRate",
    "Case",
    "CaseQuerySet",
    "CaseStep",
    "Channel",
    "Charge",
    "ChargesLeft",
    "DefaultFrom",
    "DunningPolicy",
    "Hold",
    "Instalment",
    "Level",
    "LevelText",
    "LockScope",
    "Procedure",
    "ProcedureVersion",
    "locks",
]
