from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DunningConfig(AppConfig):
    name = "cms_billing.dunning"
    label = "cms_billing_dunning"
    verbose_name = _("Dunning")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cms_billing.core import outbox
        from cms_billing.faktura import signals
        from cms_billing.faktura.delivery_vetoes import register_veto
        from cms_billing.faktura.models import DocumentKind
        from cms_billing.payments import signals as payment_signals
        from cms_billing.payments.charge_holds import register_hold
        from cms_billing.payments.page_offers import register_due_parts, register_page_offers

        from . import agreement_facts, collection_seams, hindrances, member_offers, receivers, sources
        from .models import AgreementNotice, ThankYou
        from .services import send_agreement_notice, send_thanks

        signals.document_settled.connect(
            receivers.close_when_settled, dispatch_uid="cms_billing.dunning.settled"
        )
        signals.document_cancelled.connect(
            receivers.close_when_cancelled, dispatch_uid="cms_billing.dunning.cancelled"
        )
        signals.document_reopened.connect(
            receivers.go_on_when_reopened, dispatch_uid="cms_billing.dunning.reopened"
        )
        signals.document_sent_again.connect(
            receivers.note_sent_again, dispatch_uid="cms_billing.dunning.sent_again"
        )
        payment_signals.payment_failed.connect(
            receivers.start_when_failed, dispatch_uid="cms_billing.dunning.payment_failed"
        )
        payment_signals.payment_charged_back.connect(
            receivers.start_when_charged_back, dispatch_uid="cms_billing.dunning.charged_back"
        )
        register_veto(DocumentKind.DUNNING_LETTER, receivers.reason_to_withdraw)
        signals.document_settled.connect(
            receivers.review_agreements_about, dispatch_uid="cms_billing.dunning.agreements_settled"
        )
        signals.document_reopened.connect(
            receivers.review_agreements_about, dispatch_uid="cms_billing.dunning.agreements_reopened"
        )
        signals.document_paid_in_part.connect(
            receivers.note_part_payment, dispatch_uid="cms_billing.dunning.paid_in_part"
        )
        outbox.register(AgreementNotice, send_agreement_notice)
        outbox.register(ThankYou, send_thanks)
        register_hold(agreement_facts.charges_held)
        collection_seams.connect()
        register_due_parts(agreement_facts.due_parts)
        register_page_offers(member_offers.page_offers)
        for source in (
            sources.holds,
            agreement_facts.letters_held,
            sources.only_charges_left,
            sources.payments_under_way,
            sources.retries_planned,
        ):
            hindrances.register(source)
