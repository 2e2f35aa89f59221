"""The shop's shelves, straight from the database.

Oscar lists products through a search engine. The sandbox starts without one, so these two views take
the addresses of Oscar's and use its templates.
"""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.generic import ListView
from oscar.core.loading import get_model


class CatalogueView(ListView):
    template_name = "oscar/catalogue/browse.html"
    context_object_name = "products"
    paginate_by = 24

    def get_queryset(self) -> QuerySet:
        products = get_model("catalogue", "Product").objects.browsable().base_queryset().order_by("pk")
        query = self.request.GET.get("q", "").strip()
        return products.filter(title__icontains=query) if query else products

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(
            summary=_("Shop"), query=self.request.GET.get("q", "").strip(), **kwargs
        )


class CategoryView(CatalogueView):
    template_name = "oscar/catalogue/category.html"

    def get_queryset(self) -> QuerySet:
        categories = get_model("catalogue", "Category")
        self.category = get_object_or_404(categories.objects.browsable(), pk=self.kwargs["pk"])
        return (
            super().get_queryset().filter(categories__in=self.category.get_descendants_and_self()).distinct()
        )

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(category=self.category, **kwargs)
