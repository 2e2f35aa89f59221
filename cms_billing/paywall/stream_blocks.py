"""Blocks for the text of any page: where the free preview ends, and what only some visitors see.

class BodyBlock(blocks.StreamBlock):
    text = blocks.RichTextBlock()
    divider = PreviewDividerBlock()
    exercise = ExerciseBlock()                                   # class ExerciseBlock(VisibilityStructBlock)
    for_some = VisibilityBlock(blocks.StreamBlock([...]))

Put them into templates with ``{% include_block %}``, which hands them the request; whatever shows them without one
shows what guests see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import BlockGroup, StructBlockValidationError

if TYPE_CHECKING:
    from .visibility import Sight

OURS = ("visible_to", "visible_plans")
_TEMPLATES = "cms_billing/paywall/blocks/"


class Audience(StrEnum):
    """Whom a block is for."""

    EVERYONE = "everyone"
    MEMBERS = "members"
    PLANS = "plans"
    GUESTS = "guests"


AUDIENCES = [
    (Audience.EVERYONE.value, _("Everyone")),
    (Audience.MEMBERS.value, _("Members: anybody whose plan opens the page")),
    (Audience.PLANS.value, _("Members with one of these plans")),
    (Audience.GUESTS.value, _("Only guests: anybody without a plan for the page")),
]


def plan_choices() -> list[tuple[int, str]]:
    from cms_billing.memberships.models import Plan

    return [(plan.pk, plan.name) for plan in Plan.objects.order_by("name", "pk")]


class PreviewDividerBlock(blocks.StaticBlock):
    """What stands above it is the free preview, where the paywall rule says so. It shows nothing itself."""

    def render_basic(self, value: Any, context: Mapping[str, Any] | None = None) -> SafeString:
        """Editors see where guests stop reading."""
        from . import visibility

        if not visibility.is_shown_as_editor(context):
            return mark_safe("")
        return mark_safe(render_to_string(f"{_TEMPLATES}divider.html"))

    class Meta:
        icon = "cut"
        label = _("Preview ends here")
        admin_text = _(
            "Guests read what stands above, if the paywall rule shows everything above the preview divider."
        )


# Migrations of integrators keep no reference to this module.
DECONSTRUCT_ALIASES = {PreviewDividerBlock: "wagtail.blocks.StaticBlock"}


class PlansBlock(blocks.MultipleChoiceBlock):
    """Ids of plans. Whatever is stored is kept: a plan that is gone opens nothing."""

    def __init__(self, choices: Any = plan_choices, **kwargs: Any) -> None:
        super().__init__(choices=choices, **kwargs)

    def normalize_choice(self, value: Any) -> int | None:
        """Without looking the plan up: that would be a query for each block that is shown."""
        try:
            return int(value)
        except (TypeError, ValueError):
            return None


class VisibilityStructBlock(blocks.StructBlock):
    """A StructBlock whose editor chooses who sees it; derive your own blocks from it."""

    visible_to = blocks.ChoiceBlock(label=_("Visible to"), choices=AUDIENCES, default=Audience.EVERYONE.value)
    visible_plans = PlansBlock(
        label=_("Plans"), required=False, help_text=_("For members with one of these plans.")
    )

    def get_form_layout(self) -> BlockGroup:
        """Who sees it stands with the block's settings, behind its content."""
        layout = super().get_form_layout()
        return BlockGroup(
            [child for child in layout.children if child not in OURS],
            settings=[*(child for child in layout.settings if child not in OURS), *OURS],
        )

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        chosen = cleaned["visible_to"] == Audience.PLANS and not cleaned["visible_plans"]
        if chosen and not self.is_deferred_validation:
            problem = ValidationError(gettext("Choose at least one plan: otherwise nobody would see it."))
            raise StructBlockValidationError(block_errors={"visible_plans": problem})
        return cleaned

    def render(self, value: Any, context: Mapping[str, Any] | None = None) -> SafeString:
        sight = self.sight(value, context)
        if not sight.shown:
            return mark_safe("")
        html = super().render(value, context)
        if not sight.marked:
            return html
        seen_by = self.child_blocks["visible_to"].normalize_choice(value["visible_to"])
        label = dict(AUDIENCES).get(seen_by, "")
        return mark_safe(render_to_string(f"{_TEMPLATES}marked.html", {"html": html, "label": label}))

    def render_basic(self, value: Any, context: Mapping[str, Any] | None = None) -> SafeString:
        """Without a template of its own: the content, one after the other."""
        shown = (
            (name, child.render(value[name], context=context))
            for name, child in self.child_blocks.items()
            if name not in OURS and value.get(name) is not None
        )
        return format_html_join("\n", '<div class="block-{}">{}</div>', shown)

    def get_api_representation(self, value: Any, context: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Without its content for those who do not see it."""
        if not self.sight(value, context).shown:
            return {"visible_to": value["visible_to"]}
        return super().get_api_representation(value, context=context)

    def get_searchable_content(self, value: Any) -> list[str]:
        """The index is one for all."""
        if value.get("visible_to", Audience.EVERYONE) != Audience.EVERYONE:
            return []
        return [
            text
            for name, child in self.child_blocks.items()
            if name not in OURS
            for text in child.get_searchable_content(value.get(name, child.get_default()))
        ]

    def sight(self, value: Any, context: Mapping[str, Any] | None) -> Sight:
        # Integrators' models import this module, before all models are there.
        from . import visibility

        plans: Iterable[int] = (pk for pk in value.get("visible_plans") or () if pk is not None)
        return visibility.sight(value.get("visible_to") or Audience.EVERYONE, plans, context)


class VisibilityBlock(VisibilityStructBlock):
    """Put around any block: ``VisibilityBlock(blocks.StreamBlock([...]))``."""

    def __init__(self, content: Any = (), **kwargs: Any) -> None:
        inside = [("content", content)] if isinstance(content, blocks.Block) else content
        super().__init__(inside, **kwargs)

    def get_form_layout(self) -> BlockGroup:
        """Who sees it is what this block is about, so it comes first."""
        return BlockGroup([*OURS, *(name for name in self.child_blocks if name not in OURS)])

    class Meta:
        icon = "view"
        label = _("Visible to some")
        label_format = "{visible_to}"
