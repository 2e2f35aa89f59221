"""The versions of a procedure that letters were written from, and what changed from one to the next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core.admin import Fact, InspectView, Section, TextSection

from ..models import Procedure, ProcedureVersion
from ..versions import Change, changes


class ProcedureVersionsView(InspectView):
    """Reads only; newest first."""

    page_title = gettext_lazy("Versions of a procedure")

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def get_page_title(self) -> str:
        return str(self.page_title)

    def facts(self) -> Iterable[Fact]:
        procedure: Procedure = self.object
        yield Fact(_("Procedure"), procedure)
        yield Fact(_("Issuer"), procedure.issuer)
        yield Fact(_("For"), procedure.get_customer_kind_display())

    def own_sections(self) -> Iterable[Section]:
        versions = list(
            ProcedureVersion.objects.filter(procedure=self.object).select_related("user").order_by("number")
        )
        if not versions:
            yield TextSection(_("Versions"), _("No letter was written from this procedure yet."))
        before = [None, *(version.content for version in versions)]
        for version, previous in reversed(list(zip(versions, before, strict=False))):
            yield TextSection(_title(version), _text(changes(previous, version.content), first=not previous))


def _title(version: ProcedureVersion) -> str:
    at = date_format(localtime(version.created_at), "SHORT_DATETIME_FORMAT")
    named = _("Version %(number)s, first used %(at)s") % {"number": version.number, "at": at}
    return f"{named} · {version.user}" if version.user else named


def _text(found: list[Change], *, first: bool) -> str:
    if first:
        return _("The first one.")
    return "\n".join(
        _("%(where)s: %(before)s → %(after)s")
        % {"where": change.where, "before": _value(change.before), "after": _value(change.after)}
        for change in found
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "–" if value in (None, "") else f"“{value}”" if "\n" in str(value) else str(value)
