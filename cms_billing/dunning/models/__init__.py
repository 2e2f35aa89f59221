"""Procedures, cases, what stands against letters, and what an issuer decides. One module a topic; import from here."""

from .cases import LOCKS, UNCOVERED, Case, CaseQuerySet, CaseStep, Charge
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
    "LOCKS",
    "UNCOVERED",
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
    "Level",
    "LevelText",
    "LockScope",
    "Procedure",
    "ProcedureVersion",
]
