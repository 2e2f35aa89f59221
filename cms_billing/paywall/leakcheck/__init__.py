"""Does text of a closed page come out anywhere to somebody who may not read it? See ``billing_leakcheck``."""

from .clients import Probe
from .doors import Door, register_door
from .file_doors import register_files
from .findings import Finding, Kind
from .ground import Ground
from .mail_door import register_mail
from .visitors import Visitor

__all__ = [
    "Door",
    "Finding",
    "Ground",
    "Kind",
    "Probe",
    "Visitor",
    "register_door",
    "register_files",
    "register_mail",
]
