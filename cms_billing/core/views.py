"""Whose database this is: the banner on a copy, and the page where a person makes it the original."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db.models import Field
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic.edit import FormView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from . import clock, copies, outbox
from .admin import Fact, Facts, Section, TextSection, date_text
from .models import Installation
from .services import confirm_installation

MAY_CONFIRM = "cms_billing_core.confirm_installation"
# Seconds the counts of the banner stand: it is on every page.
COUNTS_STAND = 60


def copy_banner(request: HttpRequest) -> HttpResponse:
    """A fragment for whoever is in the admin; empty on the original. Counts and names only for who may confirm."""
    if not copies.is_copy():
        return HttpResponse()
    context: dict[str, Any] = {"may_confirm": request.user.has_perm(MAY_CONFIRM)}
    if context["may_confirm"]:
        waiting = cache.get_or_set("cms_billing.waiting_on_copy", _counts, COUNTS_STAND) or {}
        context["waiting"] = [(capfirst(name), count) for name, count in _named(waiting)]
    return render(request, "cms_billing/core/admin/copy_banner.html", context)


def _counts() -> dict[str, int]:
    return {model._meta.label: count for model, count in outbox.waiting().items()}


def _named(waiting: dict[str, int]) -> Iterable[tuple[str, int]]:
    for label, count in waiting.items():
        yield str(outbox.model_of(label)._meta.verbose_name_plural), count


class ConfirmForm(forms.Form):
    original_is_silent = forms.BooleanField(
        label=gettext_lazy("The database that this one was copied from sends nothing any more."),
        help_text=gettext_lazy(
            "If two of them send, customers get every mail twice and are charged twice for the same invoice."
        ),
    )


class InstallationView(WagtailAdminTemplateMixin, FormView):
    template_name = "cms_billing/core/admin/installation.html"
    header_icon = "site"
    form_class = ConfirmForm
    action_label = gettext_lazy("Make this the original")
    is_dangerous = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(MAY_CONFIRM):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_page_title(self) -> str:
        return _("Is this the original?") if copies.is_copy() else _("Installation")

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.get_page_title()}]

    def form_valid(self, form: forms.Form) -> HttpResponse:
        confirm_installation(
            fingerprint=copies.current_fingerprint(), now=clock.now(), user=self.request.user
        )
        messages.success(self.request, _("This is the original now. What was waiting is being sent."))
        return redirect("billing_installation")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_copy = copies.is_copy()
        sections = _sections_of_a_copy() if is_copy else _sections_of_the_original()
        return {
            **super().get_context_data(**kwargs),
            "is_copy": is_copy,
            "sections": list(sections),
            "back_url": reverse("wagtailadmin_home"),
        }


def _label(field: str) -> str:
    return str(capfirst(cast(Field, Installation._meta.get_field(field)).verbose_name))


def _sections_of_the_original() -> Iterable[Section]:
    row = copies.installation()
    facts = [Fact(_label(name), getattr(row, name)) for name in ("site", "place", "database", "server")]
    confirmed = [
        Fact(_label("confirmed_at"), date_text(row.confirmed_at)),
        Fact(_label("confirmed_by"), row.confirmed_by or _("the first use of the database")),
    ]
    yield Facts(_("This is the original"), [*facts, *confirmed], note=_("Mails, charges and refunds go out."))


def _sections_of_a_copy() -> Iterable[Section]:
    row = copies.installation()
    yield Facts(
        _("What is different here"),
        [
            Fact(_label(found.field), f"{found.confirmed or '–'} → {found.found or '–'}")
            for found in copies.differences_to_original()
        ],
        note=_("The original was confirmed on %(when)s by %(who)s.")
        % {
            "when": date_text(row.confirmed_at),
            "who": row.confirmed_by or _("the first use of the database"),
        },
    )
    waiting = [Fact(capfirst(name), str(count)) for name, count in _named(_counts())]
    yield Facts(_("What waits here"), waiting, note="" if waiting else _("Nothing waits."))
    yield TextSection(
        _("If this stays a copy"),
        _(
            "There is nothing to do. What waits is neither sent nor deleted, and no attempt is counted; the next "
            "dump of the original that is restored here replaces it. You can try everything else: contracts are "
            "booked, documents issued and PDFs made, under numbers that exist only in this copy."
        ),
    )
