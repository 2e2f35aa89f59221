"""The form of a letterhead: what is inherited is shown, uploads are cleaned before anything of them is kept."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm

from ..archive import ArchiveDamaged
from ..models import DocumentKind, Letterhead
from ..models.letterheads import inherited
from ..rendering.design import DesignData
from ..rendering.designs import designs
from ..rendering.fonts import fonts
from ..rendering.footers import validate_footer
from ..rendering.page_images import page_images
from ..services.letterheads import keep_logo
from ..uploads import store
from ..uploads.exceptions import UploadRefused

YES_NO = {True: gettext_lazy("yes"), False: gettext_lazy("no")}


class ColorInput(forms.TextInput):
    """A field for # and six digits, and a picker beside it. Empty: inherited."""

    template_name = "cms_billing/faktura/widgets/color.html"


class BackgroundInput(forms.HiddenInput):
    """The SHA-256 of a kept background, and beside it where to upload another one: the preview shows it at once."""

    template_name = "cms_billing/faktura/widgets/background.html"
    input_type = "hidden"

    @property
    def is_hidden(self) -> bool:
        return False

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["upload_url"] = reverse("billing-letterhead:upload")
        context["thumbnail"] = thumbnail(value) if value else ""
        return context


class InheritedOr(forms.NullBooleanSelect):
    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs)
        self.choices = [("unknown", ""), ("true", YES_NO[True]), ("false", YES_NO[False])]


@lru_cache(maxsize=64)
def thumbnail(sha256: str) -> str:
    """A kept background as a small picture; empty where it cannot be shown."""
    try:
        [picture] = page_images(store.read(sha256), width=240, max_pages=1)
    except (ArchiveDamaged, ValueError):
        return ""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


class LetterheadForm(WagtailAdminModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        below = DesignData.from_stored({**inherited(_below(self.instance)), "logo": ""})
        if kind := self.fields.get("kind"):
            kind.choices = [("", _("all documents")), *DocumentKind.choices]
        self._offer("template", designs(), below.template)
        self._offer("font", {key: font.label for key, font in fonts().items()}, below.font)
        self._offer("logo_position", dict(Letterhead.Position.choices), below.logo_position)
        self._offer("line_details", dict(Letterhead.LineDetails.choices), below.line_details)
        for name in ("show_header", "show_footer", "show_bank", "show_qr"):
            self._name_inherited(name, YES_NO[getattr(below, name)])
        self._name_inherited("show_background", YES_NO[True])
        for name, field in self.fields.items():
            if isinstance(field.widget, (forms.TextInput, forms.NumberInput)) and hasattr(below, name):
                field.widget.attrs["placeholder"] = str(getattr(below, name))

    def _offer(self, name: str, labels: dict[str, Any], of_below: str) -> None:
        if field := self.fields.get(name):
            empty = _inherited(labels.get(of_below, _("the design's own")))
            field.widget.choices = [("", empty), *labels.items()]
            field.choices = field.widget.choices

    def _name_inherited(self, name: str, value: Any) -> None:
        if field := self.fields.get(name):
            field.widget.choices = [("unknown", _inherited(value)), *field.widget.choices[1:]]

    def clean_template(self) -> str:
        return self._one_of("template", designs())

    def clean_font(self) -> str:
        return self._one_of("font", fonts())

    def _one_of(self, name: str, known: dict[str, Any]) -> str:
        value = self.cleaned_data[name]
        if value and value not in known:
            raise ValidationError(
                _("“%(value)s” is not there any more. Choose another one."), params={"value": value}
            )
        return value

    def clean_first_background(self) -> str:
        return self._kept("first_background")

    def clean_next_background(self) -> str:
        return self._kept("next_background")

    def _kept(self, name: str) -> str:
        """The field holds a hash that the upload view gave out; of nothing else there is a file."""
        value = self.cleaned_data[name]
        if value and not store.is_kept(value):
            raise ValidationError(_("This background is not there. Upload it again."))
        return value

    def clean_logo(self) -> Any:
        image = self.cleaned_data["logo"]
        if image is None:
            self.instance.logo_sha256 = self.instance.logo_source = ""
            return None
        try:
            self.instance.logo_sha256, self.instance.logo_source = keep_logo(image)
        except UploadRefused as error:
            raise ValidationError(str(error)) from error
        except OSError as error:
            raise ValidationError(
                _("The file of this picture is missing. Upload the picture again.")
            ) from error
        return image

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for name in ("footer_1", "footer_2", "footer_3", "footer_4", "footer_line"):
            try:
                validate_footer(data.get(name) or "")
            except ValidationError as error:
                self.add_error(name, error)
        if data.get("issuer"):
            same = Letterhead.objects.filter(issuer=data["issuer"], kind=data.get("kind", ""))
            if same.exclude(pk=self.instance.pk).exists():
                self.add_error(
                    "kind", _("These documents of the issuer have a letterhead already: change that one.")
                )
        return data


def _inherited(value: Any) -> str:
    return _("inherited: %(value)s") % {"value": value}


def _below(letterhead: Letterhead) -> list[Letterhead]:
    if not letterhead.kind or not letterhead.issuer_id:
        return []
    return Letterhead.objects.for_documents(letterhead.issuer, "")
