"""Groups that a site starts with: editors, accountants and auditors of billing.

Made after ``migrate``, once: a group that is there is left as its administrators keep it, apart from permissions that
did not exist before (a new version's), which the roles get. A group sees rows only of the issuers that name it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, router, transaction

PREFIX = "cms_billing_"
ACCESS_ADMIN = ("wagtailadmin", "access_admin")


@dataclass(frozen=True)
class Role:
    """``edits``: models (lower case) the role may add and change rows of, and delete with ``deletes``; ``does``: the
    custom permissions of the models. Everybody here may view everything of billing."""

    group: str
    edits: frozenset[str] = frozenset()
    does: frozenset[str] = frozenset()
    deletes: bool = False

    def may(self, codename: str) -> bool:
        verb, _underscore, model = codename.partition("_")
        verbs = {"add", "change", "delete"} if self.deletes else {"add", "change"}
        return verb == "view" or codename in self.does or (verb in verbs and model in self.edits)


# Who keeps what, and who may do what. A new custom permission goes into one of the three sets of verbs, a new model
# that people edit into one of the sets of models; what is in none of them is for superusers to give.
_CONTENT = frozenset(
    {
        "customer",
        "mailtext",
        "documenttext",
        "letterhead",
        "plan",
        "planprice",
        "contract",
        "accessrule",
        "planproduct",
        "productdownload",
    }
)
_SETTINGS = frozenset(
    {
        "issuer",
        "numberseries",
        "taxrate",
        "runschedule",
        "procedure",
        "level",
        "leveltext",
        "baserate",
        "refusalrule",
        "retrypolicy",
        "provideraccount",
        "dunningpolicy",
        "agency",
    }
)
_OFFICE = frozenset(
    {
        "send_document",
        "print_document",
        "draft_document",
        "issue_statement",
        "decide_hold",
        "terminate_contract",
        "import_contracts",
        "start_leakcheckrun",
        "sync_paymentmethod",
        "revoke_giftlink",
    }
)
_MONEY = frozenset(
    {
        "record_payment",
        "charge_back_payment",
        "refund_payment",
        "repair_paymentsession",
        "ask_provider",
        "settle_providerdifference",
        "cancel_document",
        "credit_document",
        "finalise_document",
        "write_off_document",
        "settle_account",
        "start_invoicerun",
        "decide_case",
        "waive_fee",
        "release_handover",
        "download_handover",
        "recall_handover",
        "import_agencystatus",
        "start_run",
        "retry_work",
    }
)

EDITORS = Role("Billing editors", edits=_CONTENT, does=_OFFICE)
ACCOUNTANTS = Role("Accountants", edits=_CONTENT | _SETTINGS, does=_OFFICE | _MONEY, deletes=True)
AUDITORS = Role("Auditors")
ROLES = (EDITORS, ACCOUNTANTS, AUDITORS)
# What early versions called the groups.
FORMER_NAMES = {"Billing accountants": ACCOUNTANTS.group, "Billing auditors": AUDITORS.group}


def permissions_of(role: Role, codenames: Iterable[str]) -> set[str]:
    """Of the package's codenames, those the role has."""
    return {name for name in codenames if role.may(name)}


def create_groups_after_migrate(*, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    from django.contrib.auth.models import Group

    if router.allow_migrate_model(using, Group):
        create_groups(using=using)


def create_groups(*, using: str = DEFAULT_DB_ALIAS) -> None:
    from django.contrib.auth.models import Group, Permission

    with transaction.atomic(using=using):
        _rename_groups(Group.objects.using(using))
        before = set(_ours(using).values_list("pk", flat=True))
        _make_permissions(using)
        for role in ROLES:
            group, is_new = Group.objects.using(using).get_or_create(name=role.group)
            candidates = _ours(using) if is_new else _ours(using).exclude(pk__in=before)
            wanted = permissions_of(role, candidates.values_list("codename", flat=True))
            group.permissions.add(*candidates.filter(codename__in=wanted))
            if is_new:
                app, codename = ACCESS_ADMIN
                group.permissions.add(
                    *Permission.objects.using(using).filter(content_type__app_label=app, codename=codename)
                )


def _rename_groups(groups: Any) -> None:
    """Members, permissions and issuers stay with the group. Where the new name is taken, the old group stays."""
    for former, name in FORMER_NAMES.items():
        if not groups.filter(name=name).exists():
            groups.filter(name=former).update(name=name)


def _ours(using: str) -> Any:
    from django.contrib.auth.models import Permission

    return Permission.objects.using(using).filter(content_type__app_label__startswith=PREFIX)


def _make_permissions(using: str) -> None:
    """Django makes them app by app while ``post_migrate`` goes on; here they are needed all at once."""
    from django.contrib.auth.management import create_permissions

    for config in apps.get_app_configs():
        if config.label.startswith(PREFIX):
            create_permissions(config, verbosity=0, using=using)


__all__ = ["ACCOUNTANTS", "AUDITORS", "EDITORS", "ROLES", "Role", "create_groups", "permissions_of"]
