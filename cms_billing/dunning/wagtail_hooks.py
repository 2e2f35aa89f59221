from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail import hooks

from cms_billing.core.admin import BILLING_MENU_HOOK

from .events import dunning_events, letters_about
from .models import Case, HandOverClaim
from .viewsets import VIEWSETS, agreements, holds, policies
from .viewsets.by_hand import document_actions
from .viewsets.cases import cases_section
from .viewsets.claims import claims_given_up, claims_section
from .viewsets.dashboard import DashboardMenuItem, DashboardView
from .viewsets.letters import admin_urls as letter_urls
from .viewsets.letters import case_actions as letter_actions
from .viewsets.procedures import issuer_actions
from .viewsets.rates import missing_rate


@hooks.register("register_log_actions")
def register_actions(actions) -> None:
    actions.register_action("cms_billing.stop_dunning", _("Stop dunning"), _("Dunning stopped"))
    actions.register_action("cms_billing.resume_dunning", _("Resume dunning"), _("Dunning resumed"))
    actions.register_action("cms_billing.dun_now", _("Next dunning step"), _("Next dunning step taken"))
    actions.register_action("cms_billing.make_agreement", _("Make an agreement"), _("Agreement made"))
    actions.register_action("cms_billing.end_agreement", _("End an agreement"), _("Agreement ended"))
    actions.register_action("cms_billing.start_dunning", _("Start dunning"), _("Dunning started by hand"))
    actions.register_action(
        "cms_billing.move_dunning", _("Move to another level"), _("Moved to another level")
    )
    actions.register_action("cms_billing.note_dunning", _("Add a note"), _("Note added"))
    actions.register_action("cms_billing.came_back", _("Enter a chargeback"), _("Chargeback entered"))
    actions.register_action(
        "cms_billing.waive_fee", _("Waive fees and interest"), _("Fees and interest waived")
    )
    actions.register_action("cms_billing.dunning_policy", _("Dunning policy"), _("Dunning policy saved"))
    actions.register_action("cms_billing.set_hold", _("Block or dispute"), _("Block or dispute set"))
    actions.register_action("cms_billing.approve_hold", _("Approve the block"), _("Block approved"))
    actions.register_action("cms_billing.refuse_hold", _("Refuse the block"), _("Block refused"))
    actions.register_action("cms_billing.lift_hold", _("Lift the block"), _("Block lifted"))


@hooks.register("register_log_actions")
def register_collection_actions(actions) -> None:
    actions.register_action("cms_billing.hand_over", _("Hand over"), _("Handed over to collection"))
    actions.register_action("cms_billing.send_hand_over", _("Send again"), _("Sent to the agency again"))
    actions.register_action(
        "cms_billing.download_hand_over", pgettext_lazy("action", "Download"), _("File downloaded")
    )
    actions.register_action("cms_billing.recall_claim", _("Recall"), _("Claim recalled from the agency"))
    actions.register_action("cms_billing.read_status_file", _("Read"), _("Status file read"))
    actions.register_action("cms_billing.apply_status_file", _("Apply"), _("Status file applied"))
    actions.register_action("cms_billing.discard_status_file", _("Discard"), _("Status file discarded"))


@hooks.register("register_admin_viewset")
def register_viewsets() -> list:
    return [viewset() for viewset in VIEWSETS]


@hooks.register("register_admin_urls")
def admin_urls() -> list:
    return [path("billing/dunning/", DashboardView.as_view(), name="billing_dunning")]


@hooks.register(BILLING_MENU_HOOK)
def dashboard_menu_item() -> DashboardMenuItem:
    return DashboardMenuItem(
        _("Dunning"),
        reverse("billing_dunning"),
        name="billing-dunning-dashboard",
        icon_name="warning",
        order=550,
    )


hooks.register("register_admin_urls", letter_urls)
hooks.register("billing_dunning_case_actions", letter_actions)
hooks.register("billing_issuer_actions", issuer_actions)
hooks.register("billing_issuer_actions", policies.issuer_actions)
hooks.register("register_admin_urls", policies.admin_urls)
hooks.register("billing_todo_sections", missing_rate)
hooks.register("billing_customer_actions", holds.customer_actions)
hooks.register("billing_customer_facts", holds.facts_of_customer)
hooks.register("billing_customer_filters", holds.customer_filters)
hooks.register("billing_customer_sections", holds.holds_of_customer, order=10)
hooks.register("billing_document_actions", holds.document_actions)
hooks.register("billing_document_sections", holds.holds_of_document, order=10)
hooks.register("billing_dunning_case_sections", holds.holds_of_case)
hooks.register("billing_customer_actions", agreements.customer_actions)
hooks.register("billing_customer_sections", agreements.agreements_of_customer, order=11)
hooks.register("billing_dunning_case_actions", agreements.case_actions)
hooks.register("billing_dunning_case_sections", agreements.agreements_of_case)
hooks.register("billing_todo_sections", holds.waiting_holds)
hooks.register("billing_todo_sections", claims_given_up)
hooks.register("billing_document_actions", document_actions)
hooks.register("billing_document_events", dunning_events)
hooks.register("billing_document_relatives", letters_about)


@hooks.register("billing_customer_sections")
def cases_of_customer(request, customer):
    cases = Case.objects.filter(customer=customer)
    if request.user.has_perm("cms_billing_dunning.view_case") and cases.exists():
        url = f"{reverse('billing-dunning:index')}?customer={customer.number}"
        yield cases_section(cases[:10], url=url)


@hooks.register("billing_document_sections")
def cases_of_document(request, document):
    cases = Case.objects.filter(document=document)
    if request.user.has_perm("cms_billing_dunning.view_case") and cases.exists():
        yield cases_section(cases)


@hooks.register("billing_dunning_case_sections")
def agency_of_case(request, case):
    claims = HandOverClaim.objects.filter(case=case)
    if request.user.has_perm("cms_billing_dunning.view_handoverclaim") and claims.exists():
        yield claims_section(claims)
