"""Addresses that hand out what is closed, one for each door of the leak check; ``leaky`` has search, feed and API."""

from django.http import HttpResponse, JsonResponse
from django.urls import path
from wagtail.models import Page, Revision

from cms_billing.paywall.views_guard import requires_plans
from tests.testsite.models import ArticlePage
from tests.urls import urlpatterns as clean


def shared(request, revision_id, page_id=None):
    """A preview that is shared: whoever has the number of a version."""
    page = Revision.objects.get(pk=revision_id).as_object()
    return HttpResponse(f"<h1>{page.title}</h1><p>{page.body}</p>")


def printed(request, pk):
    page = Page.objects.get(pk=pk).specific
    return HttpResponse(f"<p>{page.body}</p>")


def moved(request):
    """Nothing here, all of it there."""
    return HttpResponse(status=302, headers={"Location": "/new-place/7/"})


def new_place(request, number):
    return HttpResponse("".join(page.body for page in ArticlePage.objects.live()))


def sitemap(request):
    rows = "".join(
        f"<url><loc>{page.url}</loc><caption>{page.body}</caption></url>"
        for page in ArticlePage.objects.live()
    )
    return HttpResponse(f"<urlset>{rows}</urlset>", content_type="application/xml")


def autocomplete(request):
    return JsonResponse([page.body for page in ArticlePage.objects.live()], safe=False)


@requires_plans("workshop")
def tuner(request):
    return HttpResponse("The tuner.")


def open_tuner(request):
    """Somebody has turned the guard off and left its sign."""
    return HttpResponse("The tuner.")


open_tuner.paywall_guard = tuner.paywall_guard  # type: ignore[attr-defined]


def members(request):
    return HttpResponse("For members.")


urlpatterns = [
    path("shared/<int:revision_id>/", shared),
    path("print/<int:pk>/", printed),
    path("moved/", moved),
    path("new-place/<int:number>/", new_place),
    path("sitemap.xml", sitemap),
    path("autocomplete/", autocomplete),
    path("tuner/", tuner),
    path("open-tuner/", open_tuner),
    path("members/", members),
    path("members/tools/", members),
    *clean,
]
