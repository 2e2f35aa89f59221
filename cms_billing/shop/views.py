from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from .models import PlanProduct


@require_safe
def plan_offer(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a teaser sends whoever wants the plan: to the product that sells it, wherever that is by now."""
    sold = PlanProduct.objects.filter(plan=pk, product__is_public=True).select_related("product")
    row = sold.order_by("pk").first()
    if row is None:
        raise Http404
    return redirect(row.product.get_absolute_url())
