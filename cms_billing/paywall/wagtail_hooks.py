from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin import messages
from wagtail.admin.menu import MenuItem
from wagtail.admin.userbar import BaseItem
from wagtail.admin.widgets import Button

from cms_billing.core import clock
from cms_billing.core.admin import BILLING_MENU_HOOK, Fact, Facts
from cms_billing.core.exceptions import BillingError
from cms_billing.dunning.models import Case
from cms_billing.memberships.models import Contract

from . import access_notices, gate, selectors, services, texts
from .access_changes import CHANGED, RULE_REMOVED, RULE_SET, is_closed
from .bulk import PaywallBulkAction
from .files.moving import settle_files
from .files.views import guard_document
from .files.viewsets import FilesMenuItem, FilesViewSet
from .leakcheck.admin import LeakCheckViewSet
from .lessons.selectors import course_models
from .lessons.viewsets import CertificateViewSet
from .listing_tag import paywall_tag
from .rule_map import RulesUnreadable, current_rules
from .sharing.viewsets import GiftLinkViewSet
from .viewsets import ExplainMenuItem, PaywallViewSet, RuleViewSet


@hooks.register("on_serve_page", order=1000)
def guard(serve):
    """Innermost: Wagtail's own restrictions answer first, so that a private page has no teaser for strangers."""

    def guarded(page, request, args, kwargs):
        decision = gate.access(request, page)
        if not decision.granted:
            return gate.refuse(request, page, decision)
        response = serve(page, request, args, kwargs)
        gate.stamp(response, decision)
        return response

    return guarded


# After Wagtail's own privacy of the collection, like pages.
hooks.register("before_serve_document", guard_document, order=1000)


@hooks.register("after_bulk_action")
def files_follow(request, action_type, objects, action_class_instance):
    """Wagtail files many documents at once without telling each of them."""
    if action_type == "add_to_collection":
        settle_files()


@hooks.register("register_log_actions")
def register_actions(actions) -> None:
    actions.register_action(RULE_SET, _("Set paywall rule"), _("Paywall rule set"))
    actions.register_action(RULE_REMOVED, _("Remove paywall rule"), _("Paywall rule removed"))
    actions.register_action(CHANGED)(access_notices.ChangeFormatter)


@hooks.register("register_admin_viewset")
def register_viewsets() -> list:
    certificates = [CertificateViewSet()] if course_models() else []
    return [
        RuleViewSet(),
        PaywallViewSet(),
        FilesViewSet(),
        GiftLinkViewSet(),
        *certificates,
        LeakCheckViewSet(),
    ]


@hooks.register(BILLING_MENU_HOOK)
def explain_menu_item() -> MenuItem:
    return ExplainMenuItem(
        _("Explain access"),
        reverse("billing-paywall:explain"),
        icon_name="help",
        order=710,
        name="explain-access",
    )


@hooks.register(BILLING_MENU_HOOK)
def files_menu_item() -> MenuItem:
    return FilesMenuItem(
        _("Closed files"),
        reverse("billing-paywall-files:index"),
        icon_name="folder-open-1",
        order=705,
        name="closed-files",
    )


@hooks.register("register_page_header_buttons")
def paywall_button(page, user, view_name, next_url=None):
    """Says on the page's own screen whether it is closed, and leads to its rule."""
    if page.is_root() or not page.permissions_for_user(user).can_publish():
        return
    closed = is_closed(current_rules().rule_for(page.path))
    yield Button(
        _now("Paywall: closed") if closed else _now("Paywall: open"),
        reverse("billing-paywall:page_rule", args=[page.pk]),
        icon_name="lock" if closed else "lock-open",
        priority=55,
    )


hooks.register("register_page_listing_buttons", paywall_tag)


@hooks.register("register_page_listing_more_buttons")
def paywall_listing_button(page, user, next_url=None):
    """In the explorer, also where the page is open: in its menu."""
    for button in paywall_button(page, user, "index", next_url):
        button.priority = 65
        yield button


@hooks.register("after_edit_page")
def follow_the_version(request, page) -> None:
    """The form of a page has no fields of the rule, so taking up an old version would leave it out."""
    version = request.POST.get("revision")
    if version and (revision := page.revisions.filter(pk=version).first()):
        try:
            services.bring_rule_back(page=page, version=revision, user=request.user)
        except BillingError as error:
            messages.warning(request, str(error))


hooks.register("register_bulk_action", PaywallBulkAction)
access_notices.register_hooks()


@hooks.register("billing_dunning_case_sections")
def access_of_case(request, case):
    """What the case means for the customer's contracts, by the decision that the member meets."""
    if case.state == Case.State.CLOSED or not request.user.has_perm("cms_billing_memberships.view_contract"):
        return
    contracts = Contract.objects.filter(customer=case.customer_id, issuer=case.issuer_id)
    decisions = selectors.access_of_contracts(contracts, today=clock.today(case.issuer))
    facts = [
        Fact(
            decision.holding.contract,
            texts.sentence(selectors.with_documents(decision)),
            tone="" if decision.granted else "critical",
        )
        for decision in decisions
        if decision.holding is not None
    ]
    if facts:
        yield Facts(_now("Access"), facts)


class PaywallItem(BaseItem):
    """In Wagtail's user bar on the page itself: editors see everything, so they are told what others see."""

    template_name = "cms_billing/paywall/admin/userbar_item.html"

    def __init__(self, text: str, url: str, icon: str = "lock") -> None:
        self.text, self.url, self.icon = text, url, icon


@hooks.register("construct_wagtail_userbar")
def tell_editors(request, items, page) -> None:
    if page is None or not page.pk:
        return
    try:
        rule = current_rules().rule_for(page.path)
    except RulesUnreadable:
        return
    permissions = page.permissions_for_user(request.user)
    if rule is not None and (permissions.can_edit() or permissions.can_publish()):
        items.append(
            PaywallItem(
                _now("View as a guest"), reverse("billing-paywall:view_as", args=[page.pk]), icon="view"
            )
        )
    if rule is not None and permissions.can_publish():
        text = str(texts.covered_by(rule, page_id=page.pk))
        items.append(PaywallItem(text, reverse("billing-paywall:page_rule", args=[page.pk])))
