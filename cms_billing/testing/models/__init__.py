"""The books of companies that are not there, and journeys of the clock."""

from .fake import FakeBehaviour, FakeCharge, FakeRefund, FakeWebhook, new_reference, new_refund_reference
from .travel import TimeTravel
from .vendor import VendorAnswer, VendorFault, VendorObject, VendorWebhook

__all__ = [
    "FakeBehaviour",
    "FakeCharge",
    "FakeRefund",
    "FakeWebhook",
    "TimeTravel",
    "VendorAnswer",
    "VendorFault",
    "VendorObject",
    "VendorWebhook",
    "new_reference",
    "new_refund_reference",
]
