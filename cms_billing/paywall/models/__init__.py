"""Which pages are sold, the page that locked members get, and what readers leave behind. One module a topic; import
from here."""

from .access_rules import AccessRule, AccessRuleQuerySet
from .arrears_page import ArrearsPage
from .collection_rules import (
    CollectionRule,
    CollectionRuleQuerySet,
    FileMove,
    FileRemoval,
    changeable_collections,
)
from .leak_checks import LeakCheckRun
from .lessons import Certificate, LessonProgress
from .outputs import CachePurge, FeedAddress
from .sharing import FreeRead, GiftLink

__all__ = [
    "AccessRule",
    "AccessRuleQuerySet",
    "ArrearsPage",
    "CachePurge",
    "Certificate",
    "CollectionRule",
    "CollectionRuleQuerySet",
    "FeedAddress",
    "FileMove",
    "FileRemoval",
    "FreeRead",
    "GiftLink",
    "LeakCheckRun",
    "LessonProgress",
    "changeable_collections",
]
