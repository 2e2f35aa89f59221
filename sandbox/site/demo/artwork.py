"""Cover pictures, drawn here: soft gradients and a few shapes, always the same for the same name."""

from collections.abc import Callable
from io import BytesIO
from math import pi, sin
from random import Random

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Size = tuple[int, int]

TEAL, DEEP, CREAM, SAND, OCHRE, RUST, ROSE, SKY, MOSS, NIGHT = (
    (23, 89, 90), (14, 52, 60), (251, 247, 238), (230, 214, 186), (214, 158, 72),
    (173, 88, 48), (222, 178, 160), (176, 206, 208), (108, 132, 92), (36, 40, 62),
)  # fmt: skip

PALETTES: dict[str, tuple[Colour, Colour, Colour, Colour]] = {
    "home": (TEAL, DEEP, OCHRE, CREAM),
    "waves": (SKY, TEAL, CREAM, DEEP),
    "strings": (RUST, (92, 40, 30), SAND, OCHRE),
    "steps": (SAND, OCHRE, RUST, CREAM),
    "leaves": (MOSS, (44, 66, 52), SAND, CREAM),
    "stage": (NIGHT, (18, 18, 34), OCHRE, ROSE),
    "tape": (ROSE, RUST, CREAM, NIGHT),
    "threads": (CREAM, SAND, TEAL, RUST),
    "moon": (NIGHT, (74, 84, 120), CREAM, ROSE),
    "course": (TEAL, (60, 120, 112), SAND, OCHRE),
    "book": (RUST, (120, 54, 34), CREAM, OCHRE),
    "month": (SKY, (118, 160, 164), TEAL, CREAM),
    "year": (TEAL, DEEP, SAND, OCHRE),
    "once": (OCHRE, RUST, CREAM, DEEP),
    "instalments": (SAND, ROSE, RUST, TEAL),
}


def draw_cover(name: str, *, size: Size = (1600, 900)) -> bytes:
    """A JPEG in the named palette."""
    top, bottom, first, second = PALETTES[name]
    picture = gradient(size, top, bottom)
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    motif(name)(ImageDraw.Draw(layer), size, first, second, Random(name))
    picture.paste(layer, (0, 0), layer)
    picture = picture.filter(ImageFilter.GaussianBlur(0.6))
    out = BytesIO()
    picture.save(out, "JPEG", quality=88, optimize=True)
    return out.getvalue()


def gradient(size: Size, top: Colour, bottom: Colour) -> Image.Image:
    """From ``top`` to ``bottom``, leaning a little; the turned mask is cut from its middle."""
    side = max(size) * 2
    mask = Image.linear_gradient("L").resize((side, side), Image.Resampling.BICUBIC).rotate(20)
    left, upper = (side - size[0]) // 2, (side - size[1]) // 2
    mask = mask.crop((left, upper, left + size[0], upper + size[1]))
    stretched = mask.point(lambda value: max(0, min(255, (value - 64) * 2)))
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), stretched)


def motif(name: str) -> Callable[..., None]:
    return MOTIFS.get(name, draw_circles)


def draw_waves(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    for row in range(9):
        base = height * (0.34 + row * 0.075)
        reach = height * 0.11 * (1 - row / 12)
        shift = dice.random() * 2 * pi
        points = [
            (x, base + reach * sin(x / width * pi * (1.6 + row * 0.22) + shift))
            for x in range(0, width + 9, 8)
        ]
        colour = first if row % 3 else second
        pen.polygon([*points, (width, height), (0, height)], fill=(*colour, 26 + row * 9))
        pen.line(points, fill=(*first, 150), width=2)


def draw_strings(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    radius = height * 0.36
    centre = (width * 0.66, height * 0.52)
    for ring in range(5):
        reach = radius * (1 + ring * 0.1)
        box = (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)
        pen.ellipse(box, outline=(*second, 190 - ring * 34), width=5 if ring == 0 else 2)
    pen.ellipse(
        (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius),
        fill=(20, 14, 14, 150),
    )
    for string in range(6):
        y = centre[1] + (string - 2.5) * radius * 0.22
        pen.line([(0, y), (width, y)], fill=(*first, 225), width=2 + string)


def draw_steps(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    for step in range(10):
        left = width * (0.08 + step * 0.086)
        tall = height * (0.1 + 0.066 * step)
        pen.rounded_rectangle(
            (left, height * 0.88 - tall, left + width * 0.056, height * 0.88),
            radius=width * 0.012,
            fill=(*(first if step == 9 else second), 235 if step == 9 else 120 + step * 10),
        )


def draw_leaves(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    for _ in range(46):
        x, y = dice.uniform(0, width), dice.uniform(0, height)
        reach, lean = dice.uniform(0.05, 0.14) * height, dice.uniform(-0.5, 0.5)
        leaf = [
            (x, y), (x + reach * (0.5 + lean), y - reach), (x + reach * (0.1 + lean), y - reach * 2.1),
            (x - reach * (0.4 - lean), y - reach),
        ]  # fmt: skip
        pen.polygon(leaf, fill=(*(first if dice.random() < 0.6 else second), dice.randint(30, 120)))


def draw_stage(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    floor = height * 0.84
    for lamp, foot, colour in ((0.12, 0.42, first), (0.5, 0.5, second), (0.88, 0.58, first)):
        for spread, strength in ((0.2, 16), (0.15, 20), (0.1, 26)):
            pen.polygon(
                [
                    (width * lamp, -30),
                    (width * (foot - spread), floor),
                    (width * (foot + spread), floor),
                ],
                fill=(*colour, strength),
            )
    pen.rectangle((0, floor, width, height), fill=(12, 12, 24, 255))
    pen.ellipse((width * 0.3, floor - height * 0.05, width * 0.7, floor + height * 0.09), fill=(*first, 130))
    pen.line([(width * 0.5, height * 0.42), (width * 0.5, floor + 10)], fill=(14, 14, 24, 255), width=10)
    pen.ellipse((width * 0.48, height * 0.33, width * 0.52, height * 0.46), fill=(14, 14, 24, 255))


def draw_tape(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    pen.rounded_rectangle(
        (width * 0.2, height * 0.2, width * 0.8, height * 0.8), radius=height * 0.06, fill=(*second, 220)
    )
    pen.rounded_rectangle(
        (width * 0.27, height * 0.3, width * 0.73, height * 0.62), radius=height * 0.05, fill=(*first, 235)
    )
    for centre in (0.39, 0.61):
        for reach, colour in ((0.12, second), (0.05, first)):
            x, y = width * centre, height * 0.46
            pen.ellipse(
                (x - height * reach, y - height * reach, x + height * reach, y + height * reach),
                fill=(*colour, 255),
            )


def draw_threads(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    for thread in range(34):
        start, end = height * thread / 33, height * dice.random()
        points = [
            (x, start + (end - start) * (x / width) + sin(x / width * 3 * pi + thread) * height * 0.035)
            for x in range(0, width + 9, 8)
        ]
        pen.line(points, fill=(*(first if thread % 4 else second), 130), width=3)


def draw_moon(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    for _ in range(90):
        x, y, reach = dice.uniform(0, width), dice.uniform(0, height * 0.75), dice.uniform(0.8, 3)
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=(*first, dice.randint(90, 230)))
    for reach, strength in ((0.34, 26), (0.27, 40), (0.2, 245)):
        x, y = width * 0.66, height * 0.4
        pen.ellipse(
            (x - height * reach, y - height * reach, x + height * reach, y + height * reach),
            fill=(*first, strength),
        )
    hills = [(x, height * (0.82 + 0.05 * sin(x / width * 5))) for x in range(0, width + 9, 8)]
    pen.polygon([*hills, (width, height), (0, height)], fill=(16, 18, 30, 255))


def draw_circles(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    short = min(size)
    centre = (width * 0.58, height * 0.55)
    for ring in range(12, 0, -1):
        reach = short * 0.055 * ring
        box = (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)
        pen.ellipse(
            box, outline=(*(first if ring % 3 else second), 70 + ring * 12), width=max(2, short // 200)
        )
    for string in range(6):
        x = centre[0] + (string - 2.5) * short * 0.05
        pen.line([(x, 0), (x, height)], fill=(*second, 200), width=2 + string // 2)


def draw_book(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    left, top, right, bottom = width * 0.24, height * 0.12, width * 0.76, height * 0.88
    pen.rounded_rectangle((left + 16, top + 18, right + 16, bottom + 18), radius=10, fill=(40, 16, 10, 110))
    pen.rounded_rectangle((left, top, right, bottom), radius=10, fill=(*first, 255))
    pen.rectangle((left, top, left + width * 0.045, bottom), fill=(*second, 255))
    for line in range(5):
        y = top + (bottom - top) * (0.44 + line * 0.05)
        pen.line([(left + width * 0.11, y), (right - width * 0.07, y)], fill=(90, 60, 40, 200), width=2)
    for x, y in ((0.18, 0.6), (0.27, 0.5), (0.36, 0.56)):
        px, py = left + width * x, top + (bottom - top) * y
        pen.ellipse((px - 17, py - 12, px + 17, py + 12), fill=(60, 36, 26, 255))
        pen.line([(px + 15, py), (px + 15, py - height * 0.13)], fill=(60, 36, 26, 255), width=5)


def draw_bars(pen: ImageDraw.ImageDraw, size: Size, first: Colour, second: Colour, dice: Random) -> None:
    width, height = size
    for bar in range(6):
        left = width * (0.14 + bar * 0.123)
        pen.rounded_rectangle(
            (left, height * 0.3, left + width * 0.096, height * 0.7),
            radius=width * 0.02,
            fill=(*(first if bar < 2 else second), 240 if bar < 2 else 120),
        )


MOTIFS: dict[str, Callable[..., None]] = {
    "waves": draw_waves,
    "strings": draw_strings,
    "steps": draw_steps,
    "leaves": draw_leaves,
    "stage": draw_stage,
    "tape": draw_tape,
    "threads": draw_threads,
    "moon": draw_moon,
    "month": draw_waves,
    "year": draw_leaves,
    "once": draw_strings,
    "book": draw_book,
    "instalments": draw_bars,
}
