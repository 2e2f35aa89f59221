"""What editors can put into an article, a lesson or a legal page."""

from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.images.blocks import ImageChooserBlock

from cms_billing.paywall.stream_blocks import PreviewDividerBlock, VisibilityBlock

TEXT_FEATURES = ["bold", "italic", "link", "document-link", "ol", "ul", "h3"]


class QuoteBlock(blocks.StructBlock):
    text = blocks.TextBlock(label=_("Quote"))
    source = blocks.CharBlock(label=_("Source"), required=False)

    class Meta:
        icon = "openquote"
        label = _("Quote")
        template = "sandbox_site/blocks/quote.html"


class PictureBlock(blocks.StructBlock):
    image = ImageChooserBlock(label=_("Image"))
    caption = blocks.CharBlock(label=_("Caption"), required=False)

    class Meta:
        icon = "image"
        label = _("Image")
        template = "sandbox_site/blocks/picture.html"


class ExerciseBlock(blocks.StructBlock):
    title = blocks.CharBlock(label=_("Title"))
    text = blocks.RichTextBlock(label=_("Exercise"), features=TEXT_FEATURES)

    class Meta:
        icon = "pick"
        label = _("Exercise")
        template = "sandbox_site/blocks/exercise.html"


class TextBlocks(blocks.StreamBlock):
    heading = blocks.CharBlock(label=_("Heading"), icon="title", template="sandbox_site/blocks/heading.html")
    text = blocks.RichTextBlock(label=_("Text"), features=TEXT_FEATURES)
    quote = QuoteBlock()
    picture = PictureBlock()
    exercise = ExerciseBlock()


class BodyBlock(TextBlocks):
    divider = PreviewDividerBlock()
    for_some = VisibilityBlock(TextBlocks())
