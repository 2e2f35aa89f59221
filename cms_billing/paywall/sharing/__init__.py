"""Reading without a contract: free pages each month, and pages that members give away.

Both become a ``Passes`` for the decision (``paywall.passes``). What guests bring is in cookies that are signed, say one
page, and are sent to that page only: every other page of the site stays the same for all guests.
"""
