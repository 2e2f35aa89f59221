"""What editors put into the page for locked members. The blocks get the member's facts as ``arrears``."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail import blocks

TEXT_FEATURES = ["bold", "italic", "link", "document-link", "ol", "ul", "h3"]
_TEMPLATES = "cms_billing/paywall/blocks/"


class PaymentBlock(blocks.StructBlock):
    label = blocks.CharBlock(
        label=_("Words on the button"),
        required=False,
        max_length=60,
        help_text=_("Empty: “Pay … now” with the amount."),
    )

    class Meta:
        icon = "pick"
        label = _("Payment button")
        template = f"{_TEMPLATES}payment.html"


class ContactBlock(blocks.StructBlock):
    text = blocks.TextBlock(
        label=_("Text"),
        required=False,
        help_text=_(
            "Empty: a sentence that asks to write. The issuer's e-mail address and telephone follow."
        ),
    )

    class Meta:
        icon = "mail"
        label = _("Contact")
        template = f"{_TEMPLATES}contact.html"


class ArrearsBlock(blocks.StreamBlock):
    """What is owed, why it locks and how to pay are there once each, wherever editors want them."""

    heading = blocks.CharBlock(label=_("Heading"), icon="title", template=f"{_TEMPLATES}heading.html")
    text = blocks.RichTextBlock(label=_("Text"), features=TEXT_FEATURES)
    owed = blocks.StaticBlock(
        label=_("Unpaid documents"),
        icon="list-ul",
        admin_text=_("The member's unpaid documents with their amounts."),
        template=f"{_TEMPLATES}owed.html",
    )
    reason = blocks.StaticBlock(
        label=_("Reason"),
        icon="lock",
        admin_text=_("Why the page is locked, the letters that were sent, and what opens it."),
        template=f"{_TEMPLATES}reason.html",
    )
    payment = PaymentBlock()
    offers = blocks.StaticBlock(
        label=_("Promise and instalments"),
        icon="date",
        admin_text=_(
            "What the issuer offers to those who cannot pay at once; nothing where it offers nothing."
        ),
        template=f"{_TEMPLATES}offers.html",
    )
    contact = ContactBlock()

    class Meta:
        block_counts = {
            "owed": {"min_num": 1, "max_num": 1},
            "reason": {"min_num": 1, "max_num": 1},
            "payment": {"min_num": 1, "max_num": 1},
        }
