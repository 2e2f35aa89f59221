"""Addresses of protected files. The plain one asks who is logged in; the signed one stands for a person's login."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from cms_billing.core.file_links import FileLink, sign_link

from .moving import kind_of


def signed_url(file: Any, *, user: Any) -> str:
    """A link to a document or image for one person, for where no login travels along (a mail, an app, a television).

    It expires after ``CMS_BILLING["FILE_LINK_SECONDS"]``, and works only while the person has access; somebody else who
    is logged in gets nothing by it.
    """
    token = sign_link(FileLink(f"{kind_of(file)} {file.pk}", str(user.pk)))
    return reverse("cms_billing:signed_file", args=[token, file.filename])
