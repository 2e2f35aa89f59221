"""Hand-overs and reports: what went, with its file, hashes and sending."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.generic import View
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    Action,
    ActionView,
    BillingFilterSet,
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    MoneyColumn,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TableSection,
    TextSection,
    VisibleChoiceFilter,
    WhatNext,
    date_text,
    money_text,
    rows_visible_to,
)
from cms_billing.core.models import OutsideWork
from cms_billing.core.money import Money

from ..models import Agency, HandOver, Transport
from ..services import log_download, open_file, send_hand_over_again

DOWNLOAD = "cms_billing_dunning.download_handover"
RELEASE = "cms_billing_dunning.release_handover"
DONE, FAILED = OutsideWork.WorkState.DONE, OutsideWork.WorkState.FAILED


def totals_text(made: HandOver) -> str:
    return ", ".join(money_text(Money(minor, code)) for code, minor in sorted(made.totals.items()))


def sent_text(made: HandOver) -> str:
    """Where its file is: being made, to be downloaded, on its way, there."""
    if made.file.work_state != DONE:
        return _("file: %(state)s") % {"state": made.file.get_work_state_display()}
    sendings = list(made.sendings.all())
    if not sendings:
        return _("to be downloaded")
    newest = max(sendings, key=lambda row: row.pk)
    return date_text(newest.sent_at) or str(newest.get_work_state_display())


def is_sent(made: HandOver) -> bool:
    return made.file.work_state == DONE and all(row.work_state == DONE for row in made.sendings.all())


class HandOverFilterSet(BillingFilterSet):
    agency = VisibleChoiceFilter(label=gettext_lazy("Agency"), model=Agency)

    class Meta:
        model = HandOver
        fields = ["kind"]


class HandOverIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "agency", "file").prefetch_related("sendings")

    def what_next(self) -> WhatNext:
        return WhatNext(
            _("Nothing has been handed over yet."),
            reverse("billing-collection-ready:index"),
            _("Ready for collection"),
        )


class HandOverInspectView(InspectView):
    extension = "billing_hand_over"
    actions = [
        Action(
            gettext_lazy("Download the file"),
            "billing-hand-over:download",
            "download",
            DOWNLOAD,
            when=lambda made: bool(made.file.sha256),
        ),
        Action(
            gettext_lazy("Send again"),
            "billing-hand-over:send",
            "mail",
            RELEASE,
            when=lambda made: bool(made.file.sha256) and made.agency.transport != Transport.DOWNLOAD,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "agency", "file", "user").prefetch_related("sendings")

    def facts(self) -> Iterable[Fact]:
        made = self.object
        yield Fact(_("Kind"), made.get_kind_display())
        yield Fact(_("Agency"), made.agency, url=reverse("billing-agency:inspect", args=[made.agency_id]))
        yield Fact(_("Issuer"), made.issuer)
        yield Fact(_("Day"), date_text(made.day))
        yield Fact(_("By"), made.user or _("the daily run"))
        yield Fact(_("Rows"), made.rows)
        yield Fact(_("Total"), totals_text(made))
        yield Fact(_("Sent"), sent_text(made), tone="good" if is_sent(made) else "warning")

    def own_sections(self) -> Iterable[Section]:
        made = self.object
        if made.file.last_error:
            yield TextSection(_("The file"), made.file.last_error, tone="warning")
        yield self._claims() if made.kind == HandOver.Kind.CLAIMS else self._changes()
        yield self._files()
        yield self._sendings()

    def _claims(self) -> Section:
        claims = self.object.claims.select_related("document", "customer", "hand_over")
        return TableSection(
            _("Claims"),
            [
                LinkColumn(
                    "document",
                    label=pgettext("billing", "Document"),
                    accessor=lambda claim: claim.document.number,
                    get_url=lambda claim: reverse("billing-agency-claim:inspect", args=[claim.pk]),
                ),
                Column("customer", label=_("Customer"), accessor=lambda claim: str(claim.customer)),
                MoneyColumn("total", label=_("Handed over")),
                Column("status", label=_("Status"), accessor="get_status_display"),
                DateColumn("recalled_on", label=_("Recalled")),
            ],
            claims.order_by("position"),
        )

    def _changes(self) -> Section:
        changes = self.object.changes.select_related("claim__document", "claim__hand_over")
        return TableSection(
            _("Changes"),
            [
                DateColumn("day", label=_("Date")),
                LinkColumn(
                    "claim",
                    label=_("Claim"),
                    accessor=lambda change: str(change.claim),
                    get_url=lambda change: reverse("billing-agency-claim:inspect", args=[change.claim_id]),
                ),
                Column("kind", label=_("What happened"), accessor="get_kind_display"),
                MoneyColumn("amount", label=_("Amount")),
                MoneyColumn("open_amount", label=_("Open after it")),
                Column("note", label=_("Note")),
            ],
            changes,
        )

    def _files(self) -> Section:
        file = self.object.file
        note = f"{file.name}, SHA-256 {file.sha256}" if file.sha256 else ""
        return TableSection(
            _("Files"),
            [
                Column("name", label=_("Name"), accessor=lambda row: row["name"]),
                Column("size", label=_("Bytes"), accessor=lambda row: row["size"]),
                Column("sha256", label="SHA-256", accessor=lambda row: row["sha256"]),
            ],
            file.contents,
            note=note,
            empty=_("The file is being made."),
        )

    def _sendings(self) -> Section:
        return TableSection(
            _("Sendings"),
            [
                Column("way", label=_("Way"), accessor="get_way_display"),
                Column("to", label=pgettext("e-mail", "To")),
                StateColumn(
                    "work_state",
                    label=_("State"),
                    accessor="get_work_state_display",
                    good=lambda row: row.work_state == DONE,
                ),
                Column(
                    "encrypted",
                    label=_("Encrypted"),
                    accessor=lambda row: _("yes") if row.encrypted else _("no") if row.sent_at else "",
                ),
                DateColumn("sent_at", label=_("Sent at")),
                Column("last_error", label=_("Last error")),
            ],
            self.object.sendings.order_by("pk"),
            empty=_("By download only."),
        )


class DownloadView(View):
    """The stored ZIP, a piece at a time; whoever takes it is written down."""

    def get(self, request: HttpRequest, pk: int) -> FileResponse:
        if not request.user.has_perm(DOWNLOAD):
            raise PermissionDenied
        made = get_object_or_404(rows_visible_to(HandOver, request.user).select_related("file"), pk=pk)
        if not made.file.sha256:
            raise Http404
        log_download(made, request.user)
        response = FileResponse(
            open_file(made.file), as_attachment=True, filename=made.file.name, content_type="application/zip"
        )
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, no-store"
        return response


class SendView(ActionView):
    model = HandOver
    permission = RELEASE
    page_title = gettext_lazy("Send again")
    action_label = gettext_lazy("Send")
    explanation = gettext_lazy(
        "The stored file goes to the agency once more, unchanged and under the same name."
    )

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("agency", "file")

    def perform(self, form: forms.Form) -> str:
        made = send_hand_over_again(hand_over_id=self.object.pk, user=self.request.user)
        return _("%(hand_over)s goes to %(agency)s again.") % {"hand_over": made, "agency": made.agency}


class HandOverViewSet(ReadOnlyViewSet):
    model = HandOver
    name = "billing-hand-over"
    icon = "upload"
    menu_label = gettext_lazy("Hand-overs")
    menu_order = 570
    list_display = [
        LinkColumn(
            "reference",
            label=gettext_lazy("Hand-over"),
            get_url=lambda made: reverse("billing-hand-over:inspect", args=[made.pk]),
        ),
        Column("agency", label=gettext_lazy("Agency")),
        Column("kind", label=gettext_lazy("Kind"), accessor="get_kind_display"),
        DateColumn("day", label=gettext_lazy("Day"), sort_key="day"),
        Column("rows", label=gettext_lazy("Rows"), sort_key="rows"),
        Column("totals", label=pgettext_lazy("amount", "Total"), accessor=totals_text),
        StateColumn("sent", label=gettext_lazy("Sent"), accessor=sent_text, good=is_sent),
    ]
    ordering = "-id"
    search_fields = ["agency__name", "claims__document__number"]
    filterset_class = HandOverFilterSet
    index_view_class = HandOverIndexView
    inspect_view_class = HandOverInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("download/<int:pk>/", DownloadView.as_view(), name="download"),
            path("send/<int:pk>/", self.construct_view(SendView), name="send"),
        ]
