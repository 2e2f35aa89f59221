"""E-invoices: an issued invoice or correction as CII XML in the profile EN 16931 (ZUGFeRD, Factur-X).

document → ``DocumentData`` → ``xml_of`` → bytes that fit the schema
"""

from .cii import KINDS, xml_of

__all__ = ["KINDS", "xml_of"]
