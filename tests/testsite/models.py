from django.db import models
from wagtail.admin.panels import FieldPanel
from wagtail.models import Page


class ArticlePage(Page):
    """The page kind that tests put behind the paywall: a teaser for everybody, a body for members."""

    # The sandbox has article pages too: one page model, two children of the same name.
    page_ptr = models.OneToOneField(
        Page, on_delete=models.CASCADE, parent_link=True, primary_key=True, related_name="tests_article"
    )
    teaser = models.TextField(blank=True)
    body = models.TextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("teaser"), FieldPanel("body")]
    template = "testsite/article_page.html"
