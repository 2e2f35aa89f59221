"""Letters on paper: what waits for print, the print files, and what has been posted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.generic import View
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core.admin import (
    Action,
    ActionView,
    BillingFilterSet,
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TableSection,
    TextSection,
    WhatNext,
    date_text,
    rows_visible_to,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.core.models import OutsideWork

from ..archive import PDF
from ..models import Document, Issuer, PaperLetter, PrintFile
from ..services import download_print_file, make_print_files, post_print_file

PRINT = "cms_billing_faktura.print_document"
VIEW = "cms_billing_faktura.view_printfile"

_STATES = {
    "waiting": (
        gettext_lazy("waiting for print"),
        Q(print_file=None, posted_at=None, withdrawn_because=""),
    ),
    "printed": (
        gettext_lazy("in a print file"),
        Q(print_file__isnull=False, posted_at=None, withdrawn_because=""),
    ),
    "posted": (gettext_lazy("posted"), Q(posted_at__isnull=False)),
    "withdrawn": (gettext_lazy("not printed"), ~Q(withdrawn_because="")),
}


class PaperLetterFilterSet(BillingFilterSet):
    issuer_path = "document__issuer"
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("State"),
        choices=[(key, label) for key, (label, _rows) in _STATES.items()],
        method="of_state",
    )

    class Meta:
        model = PaperLetter
        fields = ["cause"]

    def of_state(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(_STATES[value][1])


class PaperLetterIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("document__customer", "print_file")

    @property
    def header_buttons(self) -> list[Any]:
        """One for each issuer with letters that wait."""
        if not self.request.user.has_perm(PRINT):
            return []
        waiting = PaperLetter.objects.waiting().visible_to(self.request.user)
        counts = waiting.order_by("document__issuer").values_list(
            "document__issuer", "document__issuer__name"
        )
        return [
            HeaderButton(
                ngettext("Print %(n)s letter of %(issuer)s", "Print %(n)s letters of %(issuer)s", count)
                % {"n": count, "issuer": name},
                url=reverse("billing-paperletter:make", args=[issuer_id]),
                icon_name="doc-full",
            )
            for issuer_id, name, count in counts.annotate(n=Count("pk"))
        ]

    def what_next(self) -> WhatNext:
        return WhatNext(_("Nothing goes out on paper: every letter was sent by e-mail."))


class SidesForm(forms.Form):
    two_sided = forms.BooleanField(
        label=gettext_lazy("Printed on both sides"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Each letter begins on a new sheet of paper."),
    )


class MakePrintFileView(ActionView):
    model = Issuer
    permission = PRINT
    page_title = gettext_lazy("Make a print file")
    action_label = gettext_lazy("Make it")
    form_class = SidesForm
    explanation = gettext_lazy(
        "All letters that wait go into one PDF, in postal order behind a list of the recipients. Each is printed once: "
        "what is in a print file does not wait any more. What has been paid meanwhile is left out."
    )

    def perform(self, form: forms.Form) -> str:
        files = make_print_files(
            issuer=self.object, two_sided=form.cleaned_data["two_sided"], user=self.request.user
        )
        letters = sum(file.letters for file in files)
        return ngettext(
            "%(n)s letter is being put into a print file; it is ready within minutes.",
            "%(n)s letters are being put into print files; they are ready within minutes.",
            letters,
        ) % {"n": letters}

    def back_url(self) -> str:
        return reverse("billing-printfile:index")

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        letters = {"url": reverse("billing-paperletter:index"), "label": _("Letters on paper")}
        return [*self.breadcrumbs_items, letters, {"url": "", "label": self.get_page_title()}]


def document_url(row: PaperLetter) -> str:
    return reverse("billing-document:inspect", args=[row.document_id])


def file_url(file: PrintFile | None) -> str | None:
    return reverse("billing-printfile:inspect", args=[file.pk]) if file else None


def _letter_columns() -> list[Column]:
    return [
        LinkColumn(
            "document",
            label=pgettext_lazy("billing", "Document"),
            accessor=lambda row: row.document.number,
            get_url=document_url,
        ),
        Column("recipient", label=gettext_lazy("Recipient"), accessor=_recipient),
        Column("cause", label=gettext_lazy("Why on paper"), accessor=_why),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="state",
            good=lambda row: row.posted_at is not None,
        ),
    ]


def _recipient(row: PaperLetter) -> str:
    return ", ".join(row.document.recipient_address.splitlines())


def _why(row: PaperLetter) -> str:
    parts = (row.get_cause_display(), row.reason, row.withdrawn_because, row.problem)
    return " · ".join(part for part in parts if part)


class PaperLetterViewSet(ReadOnlyViewSet):
    model = PaperLetter
    icon = "doc-full"
    menu_label = gettext_lazy("Letters on paper")
    menu_order = 312
    inspect_view_enabled = False
    list_display = [
        *_letter_columns(),
        LinkColumn(
            "print_file",
            label=gettext_lazy("Print file"),
            accessor=lambda row: row.print_file or "",
            get_url=lambda row: file_url(row.print_file),
        ),
        DateColumn("created_at", label=gettext_lazy("Since"), sort_key="created_at"),
    ]
    ordering = ("-pk",)
    search_fields = ["document__number", "document__recipient_name", "document__customer__number"]
    filterset_class = PaperLetterFilterSet
    index_view_class = PaperLetterIndexView

    def get_urlpatterns(self) -> list[Any]:
        make = MakePrintFileView.as_view(index_url_name="billing-paperletter:index")
        return [*super().get_urlpatterns(), path("make/<int:pk>/", make, name="make")]


class PrintFileInspectView(InspectView):
    extension = "billing_print_file"
    actions = [
        Action(
            gettext_lazy("Download the PDF"),
            "billing-printfile:download",
            "download",
            PRINT,
            when=lambda file: bool(file.sha256),
            priority=-1,
        ),
        Action(
            gettext_lazy("Mark as posted"),
            "billing-printfile:posted",
            "mail",
            PRINT,
            when=lambda file: bool(file.sha256) and file.posted_at is None,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "user")

    def facts(self) -> Iterable[Fact]:
        file = self.object
        failed = file.work_state == OutsideWork.WorkState.FAILED
        yield Fact(_("Issuer"), file.issuer)
        yield Fact(_("Letters"), file.letters)
        yield Fact(_("Pages"), file.pages or "")
        yield Fact(_("Size"), filesizeformat(file.size) if file.size else "")
        yield Fact(_("State"), _state(file), tone="critical" if failed else "good" if file.posted_at else "")
        yield Fact(_("Created"), date_text(file.created_at))
        yield Fact(_("Posted"), date_text(file.posted_at))
        yield Fact(_("By"), file.user or "")

    def own_sections(self) -> Iterable[Section]:
        if self.object.last_error:
            yield TextSection(_("Last error"), self.object.last_error, tone="warning")
        rows = self.object.letters_in_it.select_related("document").order_by("position")
        columns = [
            Column("position", label=_("No.")),
            *_letter_columns(),
            Column("first_page", label=_("Page"), accessor=lambda row: row.first_page or ""),
            Column("pages", label=_("Pages"), accessor=lambda row: row.pages or ""),
        ]
        yield TableSection(_("Letters, in postal order"), columns, rows)


def _state(file: PrintFile) -> str:
    if file.posted_at:
        return _("posted")
    return _("ready to print") if file.sha256 else str(file.get_work_state_display())


class DownloadView(View):
    """The PDF; each download is logged. Somebody else's does not exist."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perm(PRINT):
            raise Http404
        file = get_object_or_404(rows_visible_to(PrintFile, request.user), pk=pk)
        try:
            content = download_print_file(file=file, user=request.user)
        except BillingError as error:
            messages.error(request, str(error))
            return redirect("billing-printfile:inspect", pk)
        response = HttpResponse(content, content_type=PDF)
        response["Content-Disposition"] = f'attachment; filename="print-{file.pk}.pdf"'
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, no-store"
        return response


class PostedView(ActionView):
    model = PrintFile
    permission = PRINT
    page_title = gettext_lazy("Mark as posted")
    action_label = gettext_lazy("They are in the post")
    explanation = gettext_lazy("All letters of the file count as sent from now on.")

    def perform(self, form: forms.Form) -> str:
        n = post_print_file(file_id=self.object.pk, user=self.request.user)
        return ngettext("%(n)s letter is in the post.", "%(n)s letters are in the post.", n) % {"n": n}


class PrintFileIndexView(BillingIndexView):
    def what_next(self) -> WhatNext:
        return WhatNext(_("They are made from the list of letters on paper, as soon as letters wait there."))


class PrintFileViewSet(ReadOnlyViewSet):
    model = PrintFile
    icon = "doc-full"
    menu_label = gettext_lazy("Print files")
    menu_order = 313
    list_display = [
        "__str__",
        Column("issuer", label=gettext_lazy("Issuer")),
        Column("letters", label=gettext_lazy("Letters")),
        Column("pages", label=gettext_lazy("Pages")),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor=_state,
            good=lambda file: file.posted_at is not None,
        ),
        DateColumn("created_at", label=gettext_lazy("Created"), sort_key="created_at"),
    ]
    ordering = ("-pk",)
    index_view_class = PrintFileIndexView
    inspect_view_class = PrintFileInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("download/<int:pk>/", DownloadView.as_view(), name="download"),
            path("posted/<int:pk>/", self.construct_view(PostedView), name="posted"),
        ]


def paper_section(document: Document, user: Any) -> Iterable[Section]:
    """For the page of a document: when it went on paper, and why."""
    rows = list(document.paper_letters.select_related("print_file").order_by("pk"))
    if not rows:
        return
    for row in rows:
        row.document = document
    may_view = user.has_perm(VIEW)
    yield TableSection(
        _("On paper"),
        [
            Column("cause", label=_("Why on paper"), accessor=_why),
            StateColumn("state", label=_("State"), accessor="state", good=lambda row: bool(row.posted_at)),
            LinkColumn(
                "print_file",
                label=_("Print file"),
                accessor=lambda row: row.print_file or "",
                get_url=lambda row: file_url(row.print_file) if may_view else None,
            ),
            DateColumn("posted_at", label=_("Posted")),
        ],
        rows,
    )
