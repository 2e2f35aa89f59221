"""Billing › Course certificates: to look one up for a member who has lost it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    IssuerScopedPolicy,
    ReadOnlyViewSet,
    date_text,
)

from ..models import Certificate
from .certificates import code_text


class CertificateIndexView(BillingIndexView):
    def rows(self) -> Any:
        return super().rows().select_related("user")


class CertificateInspectView(InspectView):
    def facts(self) -> Iterable[Fact]:
        certificate: Certificate = self.object
        yield Fact(_("Name"), certificate.name)
        yield Fact(_("Course"), certificate.course_title)
        yield Fact(_("Given on"), date_text(certificate.issued_on))
        yield Fact(_("Code"), code_text(certificate.code))
        yield Fact(pgettext("at a payment provider", "Account"), str(certificate.user))


class CertificateViewSet(ReadOnlyViewSet):
    model = Certificate
    name = "billing-certificates"
    icon = "clipboard-list"
    menu_label = gettext_lazy("Course certificates")
    menu_order = 708
    list_display = [
        "name",
        Column("course_title", label=gettext_lazy("Course"), sort_key="course_title"),
        DateColumn("issued_on", label=gettext_lazy("Given on"), sort_key="issued_on"),
        Column("code", label=gettext_lazy("Code"), accessor=lambda row: code_text(row.code)),
    ]
    ordering = "-id"
    search_fields = ["name", "course_title", "code", "user__email"]
    index_view_class = CertificateIndexView
    inspect_view_class = CertificateInspectView
    permission_policy = IssuerScopedPolicy(Certificate)
