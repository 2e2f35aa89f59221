"""Which pages are sold, and the page that locked members get. One module a topic; import from here."""

from .access_rules import AccessRule, AccessRuleQuerySet
from .arrears_page import ArrearsPage
from .collection_rules import (
    CollectionRule,
    CollectionRuleQuerySet,
    FileMove,
    FileRemoval,
    changeable_collections,
)

__all__ = [
    "AccessRule",
    "AccessRuleQuerySet",
    "ArrearsPage",
    "CollectionRule",
    "CollectionRuleQuerySet",
    "FileMove",
    "FileRemoval",
    "changeable_collections",
]
