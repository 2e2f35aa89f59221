"""``CMS_BILLING = {...}``: what an integrator decides in code. Typed, read at access time, validated by the checks.

What an editor decides at run time (company data, texts, dunning levels) is a model, never a setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings as django_settings


@dataclass(frozen=True)
class BillingSettings:
    """One attribute a key of ``CMS_BILLING``; the key is the attribute in capitals."""

    # Payment providers by code; dotted paths to classes that follow ``payments.providers.base.Provider``.
    providers: Mapping[str, str] = field(
        default_factory=lambda: {"bank_transfer": "cms_billing.payments.providers.bank_transfer.BankTransfer"}
    )
    # Secrets of accounts at providers: "stripe/main" -> {"SECRET_KEY": …}; see ``payments.credentials``.
    provider_accounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    # Logins at collection agencies: "kanzlei-nord" -> {"PASSWORD": …}; see ``dunning.collection.secrets``.
    collection_accounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    # Charges that are sent to providers at the same time by one worker.
    charge_concurrency: int = 4
    # Dotted path to the class that turns HTML into PDF bytes; see ``faktura.rendering``.
    pdf_renderer: str = "cms_billing.faktura.rendering.WeasyPrintRenderer"
    # Designs of letters besides the bundled ones: name -> label; see ``faktura.rendering.designs``.
    letterhead_designs: Mapping[str, str] = field(default_factory=dict)
    # Font families of letters besides the bundled ones; see ``faktura.rendering.fonts``.
    letterhead_fonts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # Alias in Django's STORAGES for the archive; it must not be public.
    archive_storage: str = "cms_billing_archive"
    # Alias in Django's STORAGES for files that only some may have; it must not be public.
    private_storage: str = "cms_billing_private"
    # Seconds that a signed link to a file works.
    file_link_seconds: int = 600
    # Does an object storage send private files itself, at an address that it signs? Else they go through Django.
    files_sent_by_storage: bool = False
    # Template that member pages extend; it has the blocks "title" and "content".
    base_template: str = "base.html"
    # What APIs say of pages that the caller may not read: "hidden" or "teaser".
    api_closed_pages: str = "hidden"
    # Name of the URL of the feed whose own address members find in their account; it takes a token. Empty: none.
    member_feed: str = ""
    # Do closed pages stand in the sitemap? Their teaser is what search engines find.
    sitemap_closed_pages: bool = True
    # Search engines whose crawlers get full texts once DNS has confirmed them: "google", "bing" …; none.
    verified_crawlers: Sequence[str] = ()
    # Dotted path to a function that gives the visitor's address for a request.
    visitor_address: str = "cms_billing.paywall.crawlers.remote_address"
    # Public address of the site for links in mails and letters, such as "https://www.example.org".
    site_url: str = ""
    # Name of this installation, another one on each copy of it; empty: told from where the database is.
    installation: str = ""
    # May the clock be moved? Never in production: it moves due dates for everybody.
    time_machine: bool = False
    # Rows a transaction of the daily run takes.
    chunk_size: int = 500
    # How many workers share one daily run when it is started through the queue.
    run_workers: int = 2
    # Hour (issuer's local time is decided per issuer) at which the schedule starts the daily run, server time.
    daily_run_hour: int = 4
    # Seconds after which a claimed piece of outside work counts as lost (the worker died) and may be claimed again.
    work_lease_seconds: int = 600
    # Attempts before outside work counts as failed and shows on the to-do list.
    work_max_attempts: int = 8
    # Status that an order of the shop gets once all of it is credited, where its pipeline leads there.
    cancelled_order_status: str = "Cancelled"
    # Status of an order of the shop whose goods leave the stock; empty: the site takes them out itself.
    shipped_order_status: str = ""
    # Days that webhooks are kept once they were worked on; 0: for good. Those of Adyen, which cannot be asked, stay.
    webhook_days: int = 400
    # Days after which a received payment that is in no payout stands among the differences.
    payout_days: int = 14
    # Days before a card expires that its owner is asked for a new one; 0: never.
    card_expiry_notice_days: int = 30
    # Megabytes a mail may carry; invoices that a reminder attaches again are left out beyond it.
    mail_attachment_mb: int = 15
    # Letters in one print file at most.
    print_file_letters: int = 500
    # Days a payment link in a mail or letter works.
    payment_link_days: int = 60
    # Beginnings of addresses that the paywall guards: "/members/" -> codes of the plans that open it.
    paywall_prefixes: Mapping[str, Any] = field(default_factory=dict)
    # Days a link works with which a member gives a closed page away, and how many may open it.
    gift_link_days: int = 14
    gift_link_openings: int = 5


# The value of CMS_BILLING that was read last, and what became of it.
_read: tuple[Any, BillingSettings] | None = None


def billing_settings() -> BillingSettings:
    """The settings as they are now; unknown keys and wrong types are ignored here and reported by the checks."""
    global _read  # noqa: PLW0603  (every page asks several times, and they change in tests only)
    given = getattr(django_settings, "CMS_BILLING", None)
    if _read is None or _read[0] is not given:
        known = {f.name.upper(): f.name for f in fields(BillingSettings)}
        known_values = {known[key]: value for key, value in (given or {}).items() if key in known}
        _read = given, BillingSettings(**known_values)
    return _read[1]


def unknown_keys() -> list[str]:
    known = {f.name.upper() for f in fields(BillingSettings)}
    return sorted(set(getattr(django_settings, "CMS_BILLING", {}) or {}) - known)


def wrong_types() -> list[tuple[str, str, Any]]:
    """``(key, expected type, value)`` of every setting whose value has another type than its default."""
    given = getattr(django_settings, "CMS_BILLING", {}) or {}
    defaults = BillingSettings()
    wrong = []
    for f in fields(BillingSettings):
        if f.name.upper() in given:
            default = getattr(defaults, f.name)
            expected: Any = Mapping if isinstance(default, Mapping) else type(default)
            if expected is tuple:
                expected = (list, tuple)
            value = given[f.name.upper()]
            if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
                wrong.append((f.name.upper(), getattr(expected, "__name__", "list"), value))
    return wrong
