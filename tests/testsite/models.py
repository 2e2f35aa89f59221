from django.db import models
from wagtail import blocks
from wagtail.admin.panels import FieldPanel
from wagtail.api import APIField
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page
from wagtail.search import index

from cms_billing.paywall.lessons.pages import CourseMixin, LessonMixin
from cms_billing.paywall.previewing import ViewAsMixin
from cms_billing.paywall.stream_blocks import PreviewDividerBlock, VisibilityBlock, VisibilityStructBlock


class ArticlePage(Page):
    """The page kind that tests put behind the paywall: a teaser for everybody, a body for members."""

    # The sandbox has article pages too: one page model, two children of the same name.
    page_ptr = models.OneToOneField(
        Page, on_delete=models.CASCADE, parent_link=True, primary_key=True, related_name="tests_article"
    )
    teaser = models.TextField(blank=True)
    body = models.TextField(blank=True)

    # A page as a field of another: APIs follow it.
    see_also = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    api_fields = ["teaser", "body", "see_also"]
    content_panels = [*Page.content_panels, FieldPanel("teaser"), FieldPanel("body")]
    template = "testsite/article_page.html"


class QuoteBlock(VisibilityStructBlock):
    text = blocks.TextBlock()

    class Meta:
        template = "testsite/quote_block.html"


class StoryBlock(blocks.StreamBlock):
    text = blocks.RichTextBlock()
    line = blocks.CharBlock()
    quote = QuoteBlock()
    divider = PreviewDividerBlock()
    for_some = VisibilityBlock(
        blocks.StreamBlock(
            [
                ("line", blocks.CharBlock()),
                ("text", blocks.RichTextBlock()),
                ("divider", PreviewDividerBlock()),
            ]
        )
    )


class StoryPage(ViewAsMixin, Page):
    """A text of blocks, with a divider and blocks that only some see."""

    page_ptr = models.OneToOneField(
        Page, on_delete=models.CASCADE, parent_link=True, primary_key=True, related_name="tests_story"
    )
    intro = RichTextField(blank=True)
    body = StreamField(StoryBlock(), blank=True)

    content_panels = [*Page.content_panels, FieldPanel("intro"), FieldPanel("body")]
    search_fields = [*Page.search_fields, index.SearchField("body")]
    api_fields = [APIField("intro"), APIField("body")]
    template = "testsite/story_page.html"


class ChapterPage(Page):
    """A text that is one field of rich text."""

    page_ptr = models.OneToOneField(
        Page, on_delete=models.CASCADE, parent_link=True, primary_key=True, related_name="tests_chapter"
    )
    body = RichTextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("body")]
    template = "testsite/article_page.html"


class SeminarPage(CourseMixin, Page):
    """A course, with the shipped templates."""

    content_panels = [*Page.content_panels, *CourseMixin.certificate_panels]
    template = "cms_billing/paywall/lessons/course_page.html"


class SessionPage(LessonMixin, Page):
    body = models.TextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("body")]
    template = "cms_billing/paywall/lessons/lesson_page.html"
