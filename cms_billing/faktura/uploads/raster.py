"""Pictures: decoded within limits and encoded anew, so that only pixels remain."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

from .refusal import Refused

MEGAPIXELS = 40
PAGE_WIDTH, PAGE_HEIGHT = 2480, 3508  # A4 at 300 dots an inch
_FORMATS = ("PNG", "JPEG", "WEBP")
_LOGO = (1600, 800)


def page_picture(content: bytes) -> Image.Image:
    """An A4 page upright, on white, no larger than 300 dots an inch."""
    picture = _opened(content)
    width, height = picture.size
    # As with a PDF: a picture of another shape would be stretched, or leave a margin nobody meant.
    if not 0.68 <= width / height <= 0.735:
        raise Refused("not_a4", width=f"{width} px", height=f"{height} px")
    if width < PAGE_WIDTH // 6:
        raise Refused("too_small")
    if width > PAGE_WIDTH:
        picture = picture.resize((PAGE_WIDTH, PAGE_HEIGHT), Image.Resampling.LANCZOS)
    return _on_white(picture)


def logo_picture(content: bytes) -> bytes:
    """PNG with its transparency, small enough to be carried by every letter."""
    picture = _opened(content)
    picture.thumbnail(_LOGO, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    Image.merge(picture.mode, picture.split()).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _opened(content: bytes) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = MEGAPIXELS * 1_000_000
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
            if picture.width * picture.height > Image.MAX_IMAGE_PIXELS:
                raise Refused("too_many_pixels", limit=MEGAPIXELS)
            picture.load()
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise Refused("too_many_pixels", limit=MEGAPIXELS) from None
    picture = ImageOps.exif_transpose(picture)
    has_alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    return picture.convert("RGBA" if has_alpha else "RGB")


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground
