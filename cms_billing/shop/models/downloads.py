"""Files that come with a product. They lie in the private storage and have no address of their own."""

from __future__ import annotations

import os
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from cms_billing.core.private_files import private_storage
from cms_billing.faktura.models import Issuer
from cms_billing.memberships.models import Plan


class ProductDownloadQuerySet(models.QuerySet["ProductDownload"]):
    def visible_to(self, user: Any) -> ProductDownloadQuerySet:
        """Of products that issuers of the user sell; a site with one issuer sells all of them."""
        issuers = Issuer.objects.visible_to(user)
        if (user.is_active and user.is_superuser) or not Issuer.objects.exclude(pk__in=issuers).exists():
            return self
        sold = Q(product__stockrecords__partner__billing_issuer__issuer__in=issuers)
        sold |= Q(product__children__stockrecords__partner__billing_issuer__issuer__in=issuers)
        sold |= Q(product__plan_product__plan__issuer__in=issuers)
        return self.filter(pk__in=self.model._default_manager.filter(sold).values("pk"))


def download_place(download: ProductDownload, filename: str) -> str:
    return f"downloads/{get_random_string(8)}/{os.path.basename(filename)}"


class ProductDownload(models.Model):
    """A file for the buyers of a product and of its variants, and for members with a plan."""

    class Opens(models.TextChoices):
        PAID = "paid", _("when the order is paid")
        ORDERED = "ordered", _("with the order; not while its invoice is overdue")

    product = models.ForeignKey(
        "catalogue.Product",
        verbose_name=_("product"),
        on_delete=models.CASCADE,
        related_name="billing_downloads",
        help_text=_("A product with variants: the buyers of each of them get the file."),
    )
    title = models.CharField(_("title"), max_length=120)
    file = models.FileField(_("file"), storage=private_storage, upload_to=download_place, max_length=255)
    opens = models.CharField(_("buyers get it"), max_length=8, choices=Opens.choices, default=Opens.PAID)
    plans = models.ManyToManyField(
        Plan,
        verbose_name=_("plans"),
        blank=True,
        related_name="product_downloads",
        help_text=_(
            "Members with one of these plans get the file too. A product that sells a plan has its own."
        ),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = ProductDownloadQuerySet.as_manager()

    class Meta:
        verbose_name = _("download of a product")
        verbose_name_plural = _("downloads of products")
        ordering = ["product", "position", "pk"]

    def __str__(self) -> str:
        return self.title

    @property
    def filename(self) -> str:
        return os.path.basename(self.file.name or "")
