"""Agencies and lawyers: who they are, the columns of their file, and how it reaches them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.generic import View
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, InlinePanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    ActionView,
    BillingFilterSet,
    BillingIndexView,
    BillingModelViewSet,
    Fact,
    InspectView,
    Section,
    StateColumn,
    TableSection,
    TextSection,
    date_text,
    money_text,
    rows_visible_to,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money

from ..collection import columns, secrets
from ..collection.csv_format import lines
from ..collection.keys import is_valid_at, read_certificate, read_host_key
from ..models import Agency, Transport
from ..services import try_connection
from .status_files import UploadView

CHANGE = "cms_billing_dunning.change_agency"
VIEW = "cms_billing_dunning.view_agency"
IMPORT = "cms_billing_dunning.import_agencystatus"


class AgencyForm(WagtailAdminModelForm):
    minimum = MoneyField(
        label=gettext_lazy("Smallest claim"),
        required=False,
        help_text=gettext_lazy("What is owed in less stays with us."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        currency = self.instance.currency if self.instance.issuer_id else "EUR"
        self.fields["minimum"].currency = currency
        self.initial["minimum"] = Money(self.instance.minimum_minor, currency)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "minimum" not in self.errors:
            minimum = data.get("minimum")
            self.instance.minimum_minor = minimum.minor if minimum else 0
        return data


class AgencyFilterSet(BillingFilterSet):
    class Meta:
        model = Agency
        fields = ["kind", "transport", "is_active"]


class AgencyIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")


class AgencyInspectView(InspectView):
    extension = "billing_agency"
    actions = [
        Action(
            gettext_lazy("Test the connection"),
            "billing-agency:test",
            "resubmit",
            CHANGE,
            when=lambda agency: agency.transport != Transport.DOWNLOAD,
        ),
        Action(gettext_lazy("Sample file"), "billing-agency:sample", "download", VIEW),
        Action(gettext_lazy("Read a status file"), "billing-agency:import", "upload", IMPORT),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def facts(self) -> Iterable[Fact]:
        agency = self.object
        yield Fact(_("Kind"), agency.get_kind_display())
        yield Fact(_("Works for"), agency.issuer)
        yield Fact(_("Our client number"), agency.client_number)
        yield Fact(_("State"), _("in use") if agency.is_active else _("not in use"))
        yield Fact(_("Default"), _("yes") if agency.is_default else _("no"))
        yield Fact(_("Smallest claim"), money_text(agency.minimum))
        yield Fact(_("Debtors pay"), agency.get_paid_to_display())
        yield Fact(_("Files go by"), agency.get_transport_display())
        yield from _way(agency)

    def own_sections(self) -> Iterable[Section]:
        agency = self.object
        chosen = agency.chosen_columns()
        try:
            facts = {**columns.SAMPLE, "client_number": agency.client_number}
            cells = columns.row(_allowed(agency, facts), [key for key, _h in chosen], agency.csv_format)
        except BillingError as error:
            yield TextSection(_("Sample"), str(error), tone="warning")
            return
        rows = [
            {"heading": heading, "label": columns.COLUMNS[key].label, "cell": cell}
            for (key, heading), cell in zip(chosen, cells, strict=True)
        ]
        yield TableSection(
            _("Columns"),
            [
                Column("heading", label=_("Heading"), accessor=lambda row: row["heading"]),
                Column("label", label=_("Content"), accessor=lambda row: row["label"]),
                Column("cell", label=_("Sample"), accessor=lambda row: row["cell"]),
            ],
            rows,
            note=_("A claim that nobody has, written as this agency gets it."),
        )


def _way(agency: Agency) -> Iterable[Fact]:
    if agency.transport == Transport.MAIL:
        yield Fact(pgettext("e-mail", "To"), agency.mail_to)
        if not agency.certificate:
            yield Fact(_("Encryption"), _("none: no certificate is set"), tone="warning")
        else:
            certificate = read_certificate(agency.certificate)
            valid = is_valid_at(certificate, clock.now())
            text = _("S/MIME, certificate valid until %(day)s") % {
                "day": date_text(certificate.not_valid_after_utc)
            }
            yield Fact(_("Encryption"), text, tone="good" if valid else "critical")
    if agency.transport == Transport.SFTP:
        yield Fact(_("Server"), f"{agency.sftp_user}@{agency.sftp_host}:{agency.sftp_port}")
        yield Fact(_("Folder"), agency.sftp_folder)
        yield Fact(_("Host key"), fingerprint(agency.sftp_host_key))
        known = bool(secrets.given(agency.slug))
        text = (
            _("set")
            if known
            else _("missing: set %(name)s") % {"name": secrets.variable(agency.slug, "PASSWORD")}
        )
        yield Fact(pgettext("at an agency", "Login"), text, tone="good" if known else "critical")


def fingerprint(line: str) -> str:
    """As ssh-keygen shows it, so that it can be compared on the phone."""
    import base64

    key = read_host_key(line)
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"{key.get_name()} SHA256:{digest}"


def _allowed(agency: Agency, facts: dict[str, Any]) -> dict[str, Any]:
    keys = columns.allowed(list(facts), birth_date=agency.with_birth_date, bank=agency.with_bank)
    return {key: facts[key] for key in keys}


class TestView(ActionView):
    model = Agency
    permission = CHANGE
    page_title = gettext_lazy("Test the connection")
    action_label = gettext_lazy("Test")
    explanation = gettext_lazy(
        "By SFTP a small file is written and taken away again; by e-mail a test mail goes out. No claim is sent."
    )

    def perform(self, form: forms.Form) -> str:
        return try_connection(self.object)


class SampleView(View):
    """The CSV of one made-up claim, as the agency would get it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perm(VIEW):
            raise PermissionDenied
        agency = get_object_or_404(rows_visible_to(Agency, request.user).select_related("issuer"), pk=pk)
        form, chosen = agency.csv_format, agency.chosen_columns()
        facts = _allowed(agency, {**columns.SAMPLE, "client_number": agency.client_number})
        try:
            row = columns.row(facts, [key for key, _heading in chosen], form)
        except BillingError as error:
            return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")
        content = b"".join(lines([row], form, header=[heading for _key, heading in chosen]))
        response = HttpResponse(content, content_type=f"text/csv; charset={form.codec}")
        response["Content-Disposition"] = f'attachment; filename="{agency.slug}-sample.csv"'
        response["X-Content-Type-Options"] = "nosniff"
        return response


class AgencyViewSet(BillingModelViewSet):
    model = Agency
    name = "billing-agency"
    icon = "group"
    menu_label = gettext_lazy("Collection agencies")
    menu_order = 575
    delete_instead = gettext_lazy("Untick “active” instead.")
    list_display = [
        "name",
        Column("issuer", label=gettext_lazy("Works for")),
        Column("kind", label=gettext_lazy("Kind"), accessor="get_kind_display"),
        Column("transport", label=gettext_lazy("Files go by"), accessor="get_transport_display"),
        Column(
            "is_default",
            label=gettext_lazy("Default"),
            accessor=lambda row: _("yes") if row.is_default else "",
        ),
        StateColumn(
            "is_active",
            label=gettext_lazy("State"),
            accessor=lambda row: _("in use") if row.is_active else _("not in use"),
            good=lambda row: row.is_active,
        ),
    ]
    search_fields = ["name", "client_number"]
    filterset_class = AgencyFilterSet
    index_view_class = AgencyIndexView
    inspect_view_class = AgencyInspectView
    edit_handler = ObjectList(
        [
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("name"), FieldPanel("kind"), FieldPanel("issuer")]),
                    FieldRowPanel([FieldPanel("client_number"), FieldPanel("slug")]),
                    FieldRowPanel([FieldPanel("is_active"), FieldPanel("is_default")]),
                    FieldRowPanel([FieldPanel("minimum"), FieldPanel("paid_to")]),
                ],
                heading=gettext_lazy("Agency"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel("street"),
                    FieldRowPanel([FieldPanel("postal_code"), FieldPanel("city"), FieldPanel("country")]),
                    FieldRowPanel([FieldPanel("email"), FieldPanel("phone")]),
                ],
                heading=gettext_lazy("Address"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel("transport"),
                    FieldRowPanel([FieldPanel("mail_to"), FieldPanel("certificate")]),
                    FieldRowPanel(
                        [FieldPanel("sftp_host"), FieldPanel("sftp_port"), FieldPanel("sftp_user")]
                    ),
                    FieldRowPanel([FieldPanel("sftp_folder"), FieldPanel("sftp_host_key")]),
                ],
                heading=gettext_lazy("How files reach it"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel("encoding"),
                    FieldPanel("unknown_letters"),
                    FieldRowPanel([FieldPanel("delimiter"), FieldPanel("quoting"), FieldPanel("line_end")]),
                    FieldRowPanel(
                        [FieldPanel("decimal_sign"), FieldPanel("date_format"), FieldPanel("with_header")]
                    ),
                    FieldRowPanel([FieldPanel("with_birth_date"), FieldPanel("with_bank")]),
                ],
                heading=gettext_lazy("Format of the file"),
            ),
            InlinePanel(
                "columns",
                heading=gettext_lazy("Columns"),
                label=gettext_lazy("Column"),
                panels=[FieldRowPanel([FieldPanel("key"), FieldPanel("heading")])],
                help_text=gettext_lazy("In this order. None at all: every column there is."),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel(
                        [
                            FieldPanel("status_hand_over"),
                            FieldPanel("status_document"),
                            FieldPanel("status_status"),
                        ]
                    ),
                    FieldRowPanel(
                        [FieldPanel("status_paid"), FieldPanel("status_costs"), FieldPanel("status_date")]
                    ),
                    FieldRowPanel([FieldPanel("status_note"), FieldPanel("book_costs")]),
                ],
                heading=gettext_lazy("Headings in its status files"),
            ),
            InlinePanel(
                "status_words",
                heading=gettext_lazy("Its words for a status"),
                label=gettext_lazy("Word"),
                panels=[FieldRowPanel([FieldPanel("word"), FieldPanel("status")])],
                help_text=gettext_lazy(
                    "Usual ones such as “bezahlt”, “uneinbringlich” or “in progress” are known."
                ),
            ),
        ],
        base_form_class=AgencyForm,
    )

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("test/<int:pk>/", self.construct_view(TestView), name="test"),
            path("sample/<int:pk>/", SampleView.as_view(), name="sample"),
            path("import/<int:pk>/", self.construct_view(UploadView), name="import"),
        ]


def agency_url(agency: Agency) -> str:
    return reverse("billing-agency:inspect", args=[agency.pk])
