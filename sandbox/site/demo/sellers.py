"""Who sells: an academy and a singing teacher, what their papers look like, and who sees whose."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from wagtail.models import Site

from cms_billing.core.roles import ACCOUNTANTS, AUDITORS, EDITORS
from cms_billing.dunning.services import create_default_procedure
from cms_billing.faktura.models import DocumentText, Issuer, Letterhead, RunSchedule

from .arrears import build_arrears_pages, build_policy
from .cards import open_accounts
from .collection import build_agency
from .people import account

ACADEMY, STUDIO = "Saitenweg Akademie", "Studio Mira Adler"
ACADEMY_DATA: dict[str, Any] = {
    "legal_name": "Saitenweg Akademie GmbH",
    "street": "Lerchenhof 14",
    "postal_code": "22763",
    "city": "Hamburg",
    "email": "rechnung@saitenweg.example",
    "phone": "040 66969 123",
    "website": "https://saitenweg.example",
    "vat_id": "DE813579246",
    "register_entry": "Amtsgericht Hamburg, HRB 999999",
    "managing_directors": "Hanne Brockdorf",
    "account_holder": "Saitenweg Akademie GmbH",
    "iban": "DE02120300000000202051",
    "bic": "BYLADEM1001",
    "bank_name": "Deutsche Kreditbank",
}
STUDIO_DATA: dict[str, Any] = {
    "legal_name": "Mira Adler, Gesang und Stimmbildung",
    "street": "Am Fleet 2",
    "postal_code": "20457",
    "city": "Hamburg",
    "email": "studio@saitenweg.example",
    "tax_number": "22/815/08150",
    "small_business": True,
    "invoice_daily": False,
    "draft_days": 2,
    "account_holder": "Mira Adler",
    "iban": "DE02500105170137075030",
    "bic": "INGDDEFFXXX",
    "bank_name": "ING",
}


def build_sellers() -> None:
    academy, _ = Issuer.objects.get_or_create(name=ACADEMY, defaults=ACADEMY_DATA)
    studio, _ = Issuer.objects.get_or_create(name=STUDIO, defaults=STUDIO_DATA)
    design_papers(academy, studio)
    RunSchedule.objects.get_or_create(
        issuer=studio, defaults={"name": "Montags", "every": RunSchedule.Every.WEEK, "day": 1}
    )
    open_accounts(academy)
    build_agency(academy)
    academy.sites.set(Site.objects.filter(is_default_site=True))
    for issuer in (academy, studio):
        create_default_procedure(issuer)
        build_policy(issuer)
        build_arrears_pages(issuer)
    open_administration(academy, studio)


def design_papers(academy: Issuer, studio: Issuer) -> None:
    DocumentText.objects.get_or_create(
        issuer=academy,
        kind="invoice",
        language="de",
        defaults={
            "intro": "Guten Tag {name},\n\nvielen Dank, dass Sie dabei sind. Wir berechnen Ihnen:",
            "closing": "Mit herzlichen Grüßen vom Saitenweg",
        },
    )
    Letterhead.objects.get_or_create(
        issuer=academy, kind="", defaults={"template": "modern", "accent_color": "#17595a"}
    )
    Letterhead.objects.get_or_create(
        issuer=studio, kind="", defaults={"template": "elegant", "accent_color": "#8a4b12"}
    )


def open_administration(academy: Issuer, studio: Issuer) -> None:
    for role in (ACCOUNTANTS, EDITORS, AUDITORS):
        let_see(role.group, [academy, studio], Permission.objects.none())
    let_see(STUDIO, [studio], ours().filter(Q(codename__startswith="view") | Q(codename="record_payment")))
    account("verkauf").groups.add(Group.objects.get(name=STUDIO))


def let_see(name: str, issuers: Sequence[Issuer], permissions: QuerySet[Permission]) -> None:
    """A group that opens the administration and finds these issuers' customers and invoices there."""
    group, _ = Group.objects.get_or_create(name=name)
    group.permissions.add(
        Permission.objects.get(codename="access_admin", content_type__app_label="wagtailadmin"), *permissions
    )
    for issuer in issuers:
        issuer.groups.add(group)


def ours() -> QuerySet[Permission]:
    return Permission.objects.filter(content_type__app_label__startswith="cms_billing_")
