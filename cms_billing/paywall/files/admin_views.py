"""Where editors close a collection of documents and images."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import TemplateView
from django.views.generic.edit import FormView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.models import Collection

from cms_billing.core.exceptions import BillingError
from cms_billing.memberships.models import Plan

from .. import texts
from ..models import CollectionRule, FileMove, changeable_collections
from ..rule_map import current_rules
from ..rules import OpensTo, Rule
from .collections import closed_collections
from .moving import misplaced
from .services import files_can_be_private, remove_collection_rule, set_collection_rule

INHERIT = "inherit"


class CollectionRuleForm(forms.Form):
    """The rule of one collection, or none: then it follows the collection above."""

    opens_to = forms.ChoiceField(
        label=gettext_lazy("Open to"),
        widget=forms.RadioSelect,
        choices=[
            (INHERIT, gettext_lazy("follow the collection above")),
            *CollectionRule.Opens.choices,
        ],
    )
    plans = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Plans"),
        queryset=Plan.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("For members with a plan: any one of these opens the files."),
    )
    closes_at = forms.TypedChoiceField(
        label=gettext_lazy("Closes in arrears"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("", gettext_lazy("as the dunning procedure locks")),
            (0, gettext_lazy("never because of arrears")),
            (1, gettext_lazy("from the first reminder on")),
            (2, gettext_lazy("from the second reminder on")),
            (3, gettext_lazy("from the third reminder on")),
        ],
        help_text=gettext_lazy("What is paid stays open."),
    )

    def __init__(self, *args: Any, rule: CollectionRule | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plans = Plan.objects.filter(is_active=True) | Plan.objects.filter(collection_rules=rule or 0)
        self.fields["plans"].queryset = plans.distinct().select_related("issuer")  # type: ignore[attr-defined]
        self.initial.setdefault("opens_to", rule.opens_to if rule else INHERIT)
        if rule:
            self.initial.update(plans=list(rule.plans.values_list("pk", flat=True)), closes_at=rule.closes_at)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("opens_to") == OpensTo.PLANS and not cleaned.get("plans"):
            self.add_error("plans", _("Choose at least one plan: otherwise nobody could open the files."))
        return cleaned


class CollectionsView(WagtailAdminTemplateMixin, TemplateView):
    """The collections that the user may change, as they stand in the tree, and whether they are closed."""

    template_name = "cms_billing/paywall/admin/collections.html"
    page_title = gettext_lazy("Closed files")
    header_icon = "folder-open-1"

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [{"url": "", "label": self.get_page_title()}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mine = changeable_collections(self.request.user).order_by("path")
        rows = [(collection, state_of(collection)) for collection in mine]
        return {**super().get_context_data(**kwargs), "rows": rows, "possible": files_can_be_private()}


class CollectionRuleView(WagtailAdminTemplateMixin, FormView):
    """The rule of one collection, for those who may change the collection."""

    form_class = CollectionRuleForm
    template_name = "cms_billing/paywall/admin/collection_rule.html"
    page_title = gettext_lazy("Closed files")
    header_icon = "lock"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        mine = changeable_collections(request.user)
        self.collection = get_object_or_404(mine, pk=kwargs["collection_id"])
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def rule(self) -> CollectionRule | None:
        return CollectionRule.objects.filter(collection=self.collection).first()

    def get_page_subtitle(self) -> str:
        return self.collection.name

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        files = {"url": reverse("billing-paywall-files:index"), "label": self.page_title}
        return [files, {"url": "", "label": self.collection.name}]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "rule": self.rule}

    def form_valid(self, form: CollectionRuleForm) -> HttpResponse:
        given, user = form.cleaned_data, self.request.user
        try:
            if given["opens_to"] == INHERIT:
                remove_collection_rule(collection=self.collection, user=user)
            else:
                set_collection_rule(
                    collection=self.collection,
                    opens_to=given["opens_to"],
                    plans=given["plans"],
                    closes_at=given["closes_at"],
                    user=user,
                )
        except BillingError as error:
            form.add_error(None, str(error))
            return self.form_invalid(form)
        messages.success(self.request, state_of(self.collection))
        return redirect(self.request.path)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {
            **context,
            "collection": self.collection,
            "now": state_of(self.collection),
            "moving": still_moving(self.collection),
            "back_url": reverse("billing-paywall-files:index"),
        }


def state_of(collection: Collection) -> str:
    rule = current_rules().collections.get(collection.pk)
    return str(closed_by(rule, is_own=rule is not None and rule.page_title == collection.name))


def closed_by(rule: Rule | None, *, is_own: bool) -> str:
    if rule is None:
        return _("Open to everyone.")
    facts = {"collection": rule.page_title, "plans": texts.plan_names(rule)}
    if rule.opens_to is OpensTo.EVERYONE:
        text = _("Open to everyone by its own rule.") if is_own else _("Open through “%(collection)s”.")
    elif is_own:
        text = _("Closed by its own rule. Opens with: %(plans)s.")
    else:
        text = _("Closed through collection “%(collection)s”. Opens with: %(plans)s.")
    return text % facts


def still_moving(collection: Collection) -> str:
    """How many files of the collection have not reached their place, empty for none."""
    closed = closed_collections()
    count = sum(
        misplaced(kind, closed).filter(collection=collection).count() for kind in FileMove.Kind.values
    )
    text = ngettext(
        "%(count)d file has not been moved yet: until then its old address works.",
        "%(count)d files have not been moved yet: until then their old addresses work.",
        count,
    )
    return text % {"count": count} if count else ""
