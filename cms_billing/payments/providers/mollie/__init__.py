"""Mollie: cards, PayPal, and SEPA direct debit whose mandate a first payment by iDEAL, Bancontact or EPS leaves behind.

Its client library (the extra ``cms-billing[mollie]``) is imported when an account is used, not before.
"""

from .provider import MollieProvider

__all__ = ["MollieProvider"]
