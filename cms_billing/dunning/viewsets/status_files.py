"""Status files of agencies: upload, look, apply."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
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
    VisibleChoiceFilter,
    date_text,
)
from cms_billing.payments.models import Payment

from ..collection.status_csv import LARGEST
from ..models import Agency, StatusFile
from ..services import apply_status_file, discard_status_file, read_status_file

IMPORT = "cms_billing_dunning.import_agencystatus"
RECORD = "cms_billing_payments.record_payment"
SHOWN = 500
State = StatusFile.State


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=gettext_lazy("Nothing is changed yet: the next page shows what the file says."),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(
                _("The file is larger than %(limit)s MB.") % {"limit": LARGEST // 1_000_000}
            )
        return file


class UploadView(ActionView):
    """Stands on the page of an agency, and leads to that of the file."""

    model = Agency
    permission = IMPORT
    template_name = "cms_billing/dunning/admin/upload_status.html"
    page_title = gettext_lazy("Read a status file")
    action_label = gettext_lazy("Read the file")
    form_class = UploadForm
    made: StatusFile | None = None

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    @property
    def explanation(self) -> str:
        headings = (
            self.object.status_hand_over,
            self.object.status_document,
            self.object.status_status,
            self.object.status_paid,
            self.object.status_costs,
            self.object.status_date,
            self.object.status_note,
        )
        return _("The file needs the columns %(needed)s; these are read as well: %(others)s.") % {
            "needed": ", ".join(headings[:3]),
            "others": ", ".join(heading for heading in headings[3:] if heading) or "–",
        }

    def perform(self, form: forms.Form) -> str:
        file = form.cleaned_data["file"]
        self.made = read_status_file(
            agency_id=self.object.pk,
            name=file.name,
            data=file.read(LARGEST + 1),
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("%(file)s is read. Look through its lines, then apply them.") % {"file": self.made}

    def back_url(self) -> str:
        if self.made is not None:
            return reverse("billing-status-file:inspect", args=[self.made.pk])
        return super().back_url()


class StatusFileInspectView(InspectView):
    extension = "billing_status_file"
    actions = [
        Action(
            gettext_lazy("Apply"),
            "billing-status-file:apply",
            "check",
            IMPORT,
            when=lambda file: file.state == State.READ,
        ),
        Action(
            gettext_lazy("Discard"),
            "billing-status-file:discard",
            "bin",
            IMPORT,
            when=lambda file: file.state == State.READ,
            priority=1,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("agency", "user")

    def facts(self) -> Iterable[Fact]:
        file = self.object
        counts = file.lines.aggregate(
            all=Count("pk"),
            bad=Count("pk", filter=~Q(problem="")),
            done=Count("pk", filter=Q(applied_at__isnull=False)),
        )
        yield Fact(_("Agency"), file.agency, url=reverse("billing-agency:inspect", args=[file.agency_id]))
        yield Fact(
            _("State"), file.get_state_display(), tone="good" if file.state == State.APPLIED else "warning"
        )
        yield Fact(_("Uploaded"), date_text(file.uploaded_at))
        yield Fact(_("By"), file.user)
        yield Fact(pgettext("file", "Lines"), counts["all"])
        yield Fact(_("Applied"), counts["done"])
        yield Fact(_("With a problem"), counts["bad"], tone="critical" if counts["bad"] else "good")
        yield Fact("SHA-256", file.sha256)

    def own_sections(self) -> Iterable[Section]:
        lines = self.object.lines.select_related("claim")
        bad = list(lines.exclude(problem="").order_by("line")[:SHOWN])
        if bad:
            yield TableSection(
                _("Lines that change nothing"),
                [*self._columns(), Column("problem", label=_("What is wrong"))],
                bad,
            )
        good = list(lines.filter(problem="").order_by("line")[:SHOWN])
        yield TableSection(
            pgettext("file", "Lines"),
            [
                *self._columns(),
                Column("status", label=_("Status"), accessor="get_status_display"),
                MoneyColumn("paid", label=_("Paid there")),
                MoneyColumn("costs", label=_("Costs")),
                DateColumn("day", label=_("Date")),
                DateColumn("applied_at", label=_("Applied")),
            ],
            good,
            note=_("The first %(count)s.") % {"count": SHOWN} if len(good) == SHOWN else "",
        )

    def _columns(self) -> list[Any]:
        return [
            Column("line", label=_("Line")),
            Column("hand_over", label=_("Hand-over")),
            LinkColumn(
                "document",
                label=pgettext("billing", "Document"),
                accessor=lambda line: line.document,
                get_url=lambda line: (
                    reverse("billing-agency-claim:inspect", args=[line.claim_id]) if line.claim_id else None
                ),
            ),
            Column("word", label=_("Written")),
        ]


class ApplyForm(forms.Form):
    way = forms.ChoiceField(
        label=gettext_lazy("Money paid at the agency comes by"),
        choices=[(way.value, way.label) for way in Payment.Way if way != Payment.Way.PROVIDER],
        initial=Payment.Way.TRANSFER,
    )


class ApplyView(ActionView):
    model = StatusFile
    permission = IMPORT
    page_title = gettext_lazy("Apply the status file")
    action_label = gettext_lazy("Apply")
    form_class = ApplyForm
    explanation = gettext_lazy(
        "Each claim gets its status; what was paid at the agency is entered as a payment. Lines with a problem change "
        "nothing."
    )

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "agency")

    def obstacle(self) -> str:
        if self.object.state == State.APPLIED:
            return _("%(file)s has been applied.") % {"file": self.object}
        pays = self.object.lines.filter(problem="", paid_minor__gt=0).exists()
        if pays and not self.request.user.has_perm(RECORD):
            return _("The file names payments. Ask somebody who may enter payments to apply it.")
        return ""

    def perform(self, form: forms.Form) -> str:
        done = apply_status_file(
            file_id=self.object.pk,
            way=form.cleaned_data["way"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return ngettext("%(count)s line is applied.", "%(count)s lines are applied.", done) % {"count": done}


class DiscardView(ActionView):
    model = StatusFile
    permission = IMPORT
    page_title = gettext_lazy("Discard the status file")
    action_label = gettext_lazy("Discard")
    explanation = gettext_lazy(
        "It can be read again once headings or words in the agency's record are corrected."
    )
    is_dangerous = True

    def perform(self, form: forms.Form) -> str:
        name = str(self.object)
        discard_status_file(file_id=self.object.pk, user=self.request.user)
        self.inspect_url_name = None
        return _("%(file)s is discarded.") % {"file": name}


class StatusFileFilterSet(BillingFilterSet):
    agency = VisibleChoiceFilter(label=gettext_lazy("Agency"), model=Agency)

    class Meta:
        model = StatusFile
        fields = ["state"]


class StatusFileIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("agency", "issuer", "user")


class StatusFileViewSet(ReadOnlyViewSet):
    model = StatusFile
    name = "billing-status-file"
    icon = "doc-full-inverse"
    menu_label = gettext_lazy("Status files")
    menu_order = 578
    list_display = [
        "name",
        Column("agency", label=gettext_lazy("Agency")),
        DateColumn("uploaded_at", label=gettext_lazy("Uploaded"), sort_key="uploaded_at"),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="get_state_display",
            good=lambda file: file.state == State.APPLIED,
        ),
        Column("user", label=gettext_lazy("By")),
    ]
    ordering = "-id"
    search_fields = ["name", "agency__name"]
    filterset_class = StatusFileFilterSet
    index_view_class = StatusFileIndexView
    inspect_view_class = StatusFileInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("apply/<int:pk>/", self.construct_view(ApplyView), name="apply"),
            path("discard/<int:pk>/", self.construct_view(DiscardView), name="discard"),
        ]
