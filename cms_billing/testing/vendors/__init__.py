"""Stand-ins for Stripe, Mollie and Adyen: they speak the vendors' HTTP APIs, keep books and misbehave on demand.

An account talks to them with ``CMS_BILLING["PROVIDER_ACCOUNTS"]["stripe/main"]["SESSION"] =
"cms_billing.testing.vendors.new_session"``: every request is answered in this process, from the database, on the site's
(time machine's) clock. Each dialect is a module with ``answer(request) -> VendorResponse``, its pages for payers, and
the things that happen later.
"""

from .transport import VendorRequest, VendorResponse, new_session
from .webhooks import deliver_vendor_webhooks

__all__ = ["VendorRequest", "VendorResponse", "deliver_vendor_webhooks", "new_session"]
