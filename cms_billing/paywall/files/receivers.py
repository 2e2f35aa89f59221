"""What makes a file lie on the wrong side: uploads, changes of a collection, moves in the tree of collections."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_init, post_save, pre_save
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Collection

from ..models import CollectionRule
from ..rule_map import forget_rules
from .moving import keep_upload_private, settle_file, settle_files
from .names import is_private, rendition_folder


def connect() -> None:
    image = get_image_model()
    for model in (get_document_model(), image):
        pre_save.connect(_before_save, sender=model, dispatch_uid=f"paywall.upload.{model.__name__}")
        post_save.connect(_after_save, sender=model, dispatch_uid=f"paywall.filed.{model.__name__}")
    post_init.connect(_place_rendition, sender=image.get_rendition_model(), dispatch_uid="paywall.rendition")
    for signal in (post_save, post_delete):
        signal.connect(_tree_changed, sender=Collection, dispatch_uid=f"paywall.collection.{id(signal)}")


def _before_save(sender: type, *, instance: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw:
        keep_upload_private(instance)


def _after_save(sender: type, *, instance: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw and (is_private(instance.file.name) or CollectionRule.objects.exists()):
        settle_file(instance)


def _tree_changed(sender: type, *, raw: bool = False, **kwargs: Any) -> None:
    """A collection that is moved is saved first, in the same transaction: so wait for its end."""
    if not raw and CollectionRule.objects.exists():
        forget_rules()
        transaction.on_commit(settle_files)


def _place_rendition(sender: type, *, instance: Any, **kwargs: Any) -> None:
    """A new rendition lies on the side of its image. Wagtail makes some in bulk, which sends no other signal."""
    if instance.pk is not None:
        return
    image = instance._state.fields_cache.get("image")
    if image is not None and is_private(image.file.name):
        instance.get_upload_to = partial(private_upload_to, image.pk)


def private_upload_to(image_id: int, filename: str) -> str:
    return rendition_folder(image_id) + os.path.basename(filename)
