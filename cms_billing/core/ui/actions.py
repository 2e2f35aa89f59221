"""A page with a form that calls one service for one row."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.views.generic.edit import FormView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import BaseObjectMixin, WagtailAdminTemplateMixin

from ..exceptions import BillingError
from .scope import ScopedView


class ActionView(ScopedView, BaseObjectMixin, WagtailAdminTemplateMixin, FormView):
    """Subclasses give the form and ``perform(form)``, which calls the service and returns the message of success.

    ``permission`` is a full name such as ``cms_billing_payments.record_payment``. A BillingError of the service shows
    on the form: nothing was changed. The page leads back to ``back_url()``.
    """

    template_name = "cms_billing/core/admin/action.html"
    form_class: type[forms.Form] = forms.Form
    permission = ""
    action_label: Any = ""
    explanation: Any = ""
    is_dangerous = False
    index_url_name: str | None = None
    inspect_url_name: str | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        if obstacle := self.obstacle():
            messages.error(request, obstacle)
            return redirect(self.back_url())
        return super().dispatch(request, *args, **kwargs)

    def obstacle(self) -> str:
        """Why the action makes no sense for this row now; empty: it does."""
        return ""

    def perform(self, form: forms.Form) -> str:
        raise NotImplementedError

    def back_url(self) -> str:
        if self.inspect_url_name:
            return reverse(self.inspect_url_name, args=[quote(self.object.pk)])
        return reverse(self.index_url_name)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            message = self.perform(form)
        except BillingError as error:
            form.add_error(None, str(error))
            return self.form_invalid(form)
        messages.success(self.request, message)
        return redirect(self.back_url())

    def get_page_subtitle(self) -> str:
        return str(self.object)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        items = [*self.breadcrumbs_items]
        if self.index_url_name:
            label = capfirst(self.model._meta.verbose_name_plural)
            items.append({"url": reverse(self.index_url_name), "label": label})
        if self.inspect_url_name:
            items.append({"url": self.back_url(), "label": str(self.object)})
        return [*items, {"url": "", "label": self.get_page_title()}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["media"] = context["form"].media
        context["back_url"] = self.back_url()
        return context
