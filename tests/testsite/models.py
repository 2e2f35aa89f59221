from django.db import models
from wagtail.admin.panels import FieldPanel
from wagtail.models import Page


class ArticlePage(Page):
    """The page kind that tests put behind the paywall: a teaser for everybody, a body for members."""

    teaser = models.TextField(blank=True)
    body = models.TextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("teaser"), FieldPanel("body")]
    template = "testsite/article_page.html"
