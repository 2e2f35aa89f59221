"""A site with holes: addresses that hand out what is closed, for the tests of the leak check."""

from django.contrib.syndication.views import Feed
from django.http import HttpResponse, JsonResponse
from django.urls import path
from wagtail.api.v2.router import WagtailAPIRouter
from wagtail.api.v2.views import PagesAPIViewSet

from tests.testsite.models import ArticlePage
from tests.urls import urlpatterns as clean

api = WagtailAPIRouter("wagtailapi")
api.register_endpoint("pages", PagesAPIViewSet)


class LatestFeed(Feed):
    title = "Latest"
    link = "/"

    def items(self):
        return ArticlePage.objects.live().order_by("pk")

    def item_title(self, item):
        return item.title

    def item_description(self, item):
        return item.body

    def item_link(self, item):
        return item.url


def search(request):
    """Shows the whole text of whatever it finds."""
    pages = ArticlePage.objects.live().filter(title__icontains=request.GET.get("q", "-"))
    return HttpResponse("".join(f"<h2>{page.title}</h2><p>{page.body}</p>" for page in pages))


def complete(request):
    return JsonResponse({"items": [{"hint": page.body[:80]} for page in ArticlePage.objects.live()]})


urlpatterns = [
    path("api/v2/", api.urls),
    path("latest/feed/", LatestFeed()),
    path("search/", search, name="search"),
    path("complete/", complete, name="complete"),
    *clean,
]
