"""What can go wrong on the way to an agency and back."""

from __future__ import annotations

from cms_billing.core.exceptions import BillingError, PermanentFailure


class CannotHandOver(BillingError):
    """A claim does not go to the agency now; the message says why."""


class CannotRecall(BillingError):
    """A claim is not at an agency, or nobody said why it comes back."""


class BadStatusFile(BillingError):
    """A status file of an agency cannot be read as a whole."""


class FileTooLarge(PermanentFailure):
    """A file for an agency is larger than mails may be."""
