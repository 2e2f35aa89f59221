"""Mails with documents: what was sent, word for word, and sending it again or elsewhere."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterable
from email.message import EmailMessage
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.generic import View
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    Action,
    BillingFilterSet,
    DateColumn,
    Fact,
    Facts,
    InspectView,
    LinkColumn,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TableSection,
    TextSection,
    date_text,
    rows_visible_to,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.core.models import OutsideWork
from cms_billing.core.ui.viewsets import BillingIndexView

from .. import archive
from ..models import Delivery, Document
from .sending import SEND, SendElsewhereView

VIEW = "cms_billing_faktura.view_delivery"


def deliveries_section(document: Document, user: Any) -> Section:
    """The mails of a document, each leading to the message as it was sent."""
    may_view = user.has_perm(VIEW)
    rows = list(document.deliveries.order_by("pk"))
    for row in rows:
        row.document = document
    errors = [Column("last_error", label=_("Last error"))] if any(row.last_error for row in rows) else []
    return TableSection(
        _("Sent"),
        [
            LinkColumn(
                "to",
                label=pgettext("e-mail", "To"),
                accessor=lambda row: row.to or _("by post"),
                get_url=lambda row: delivery_url(row) if may_view and row.to else None,
            ),
            Column("purpose", label=_("Occasion"), accessor="get_purpose_display"),
            _state_column(),
            DateColumn("sent_at", label=_("Sent at")),
            *errors,
            LinkColumn(
                "message",
                label=_("Message"),
                accessor=lambda row: _("as sent") if row.archived_message_id else "",
                get_url=lambda row: delivery_url(row) if may_view and row.archived_message_id else None,
            ),
        ],
        rows,
        empty=_("Not sent by e-mail.")
        if document.recipient_email
        else _("No e-mail address: send it by post."),
    )


def delivery_url(row: Delivery) -> str:
    return reverse("billing-delivery:inspect", args=[row.pk])


def elsewhere_url(row: OutsideWork) -> str:
    return reverse("billing-delivery:elsewhere", args=[row.pk])


def _state_column() -> StateColumn:
    return StateColumn(
        "work_state",
        label=gettext_lazy("State"),
        accessor="get_work_state_display",
        good=lambda row: row.work_state == OutsideWork.WorkState.DONE,
        sort_key="work_state",
    )


class MessageSection(Section):
    """The HTML part in a frame that may load and run nothing."""

    template_name = "cms_billing/faktura/admin/message_section.html"

    def __init__(self, title: Any, html_url: str, **kwargs: Any) -> None:
        super().__init__(title, **kwargs)
        self.html_url = html_url


def message_of(row: Delivery) -> EmailMessage:
    """The archived message, parsed. Raises ArchiveDamaged."""
    if row.archived_message is None:
        raise Http404
    content = archive.read_record(row.archived_message)
    return email.message_from_bytes(content, policy=email.policy.default)


def part_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return part.get_content() if part else ""


class DeliveryInspectView(InspectView):
    extension = "billing_delivery"
    actions = [
        Action(
            gettext_lazy("Send to another address"),
            "billing-delivery:elsewhere",
            "mail",
            SEND,
            when=lambda row: row.work_state == OutsideWork.WorkState.FAILED,
        ),
        Action(
            gettext_lazy("Download the message"),
            "billing-delivery:message",
            "download",
            VIEW,
            when=lambda row: row.archived_message_id is not None,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        related = ("document__customer", "document__issuer", "archived_message")
        return super().rows().select_related(*related)

    def facts(self) -> Iterable[Fact]:
        row = self.object
        document = row.document
        failed = row.work_state == OutsideWork.WorkState.FAILED
        tone = "critical" if failed else "good" if row.sent_at else ""
        yield Fact(
            pgettext("billing", "Document"),
            document,
            url=reverse("billing-document:inspect", args=[document.pk]),
        )
        yield Fact(pgettext("e-mail", "To"), row.to or _("by post"))
        yield Fact(_("State"), row.get_work_state_display(), tone=tone)
        yield Fact(_("Occasion"), row.get_purpose_display())
        yield Fact(_("Sent at"), date_text(row.sent_at))
        yield Fact(_("Attempts"), row.attempts)
        yield Fact(_("Next try"), date_text(row.next_try_at))

    def own_sections(self) -> Iterable[Section]:
        row = self.object
        if row.last_error:
            yield TextSection(_("Last error"), row.last_error, tone="warning")
        if row.copies:
            yield Facts(
                _("Copies"),
                [
                    Fact(address, error or _("sent"), tone="critical" if error else "good")
                    for address, error in row.copies.items()
                ],
            )
        if row.archived_message_id:
            yield from self.message_sections()

    def message_sections(self) -> Iterable[Section]:
        row = self.object
        try:
            message = message_of(row)
        except BillingError as damage:
            yield TextSection(_("Message as sent"), str(damage), tone="critical")
            return
        names = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID")
        facts = [Fact(name, str(message[name])) for name in names if message[name]]
        facts += [Fact(part.get_filename(), part.get_content_type()) for part in message.iter_attachments()]
        record = row.archived_message
        yield Facts(
            _("Message as sent"),
            facts,
            note=_("Archived as no. %(n)s of the chain, SHA-256 %(hash)s.")
            % {"n": record.sequence, "hash": record.sha256},
        )
        yield MessageSection(_("As HTML"), reverse("billing-delivery:html", args=[row.pk]))
        yield TextSection(_("As plain text"), part_of(message, "plain"))


class _MessageView(View):
    """Bytes or parts of an archived message; somebody else's does not exist."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.has_perm(VIEW):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def delivery(self, pk: int) -> Delivery:
        rows = rows_visible_to(Delivery, self.request.user).exclude(archived_message=None)
        return get_object_or_404(rows.select_related("archived_message"), pk=pk)


class MessageDownload(_MessageView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        record = self.delivery(pk).archived_message
        assert record is not None
        response = HttpResponse(archive.read_record(record), content_type="message/rfc822")
        response["Content-Disposition"] = f'attachment; filename="{record.filename}"'
        return _private(response)


@method_decorator(xframe_options_sameorigin, name="dispatch")
class MessageHtml(_MessageView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        response = HttpResponse(part_of(message_of(self.delivery(pk)), "html"))
        response["Content-Security-Policy"] = (
            "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        )
        return _private(response)


def _private(response: HttpResponse) -> HttpResponse:
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


class DeliveryIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("document")


class DeliveryFilterSet(BillingFilterSet):
    issuer_path = "document__issuer"

    class Meta:
        model = Delivery
        fields = ["work_state", "purpose"]


class DeliveryViewSet(ReadOnlyViewSet):
    model = Delivery
    icon = "mail"
    menu_label = gettext_lazy("Sent mails")
    menu_order = 310
    list_display = [
        "__str__",
        _state_column(),
        Column("purpose", label=gettext_lazy("Occasion"), accessor="get_purpose_display"),
        Column("subject", label=gettext_lazy("Subject")),
        DateColumn("sent_at", label=gettext_lazy("Sent at"), sort_key="sent_at"),
        Column("last_error", label=gettext_lazy("Last error")),
    ]
    ordering = ("-pk",)
    search_fields = ["to", "document__number"]
    filterset_class = DeliveryFilterSet
    index_view_class = DeliveryIndexView
    inspect_view_class = DeliveryInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("message/<int:pk>/", MessageDownload.as_view(), name="message"),
            path("html/<int:pk>/", MessageHtml.as_view(), name="html"),
            path("elsewhere/<int:pk>/", self.construct_view(SendElsewhereView), name="elsewhere"),
        ]
