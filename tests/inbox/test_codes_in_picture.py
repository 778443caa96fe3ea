"""Receipts as phones photograph them: tilted, blurred, dark, far away, on a busy table. And what is no receipt."""

import io
import random

import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from govchat.inbox.codes_in_picture import read_marks

TEXT = "https://zalo.dongnai.gov.vn/q/AbCdEfGhIjKlMnOpQrStUvWx"
CODE = "H19.12-261103-0007"


def symbol(text: str, kind: zxingcpp.BarcodeFormat) -> Image.Image:
    """A printed code."""
    made = zxingcpp.create_barcode(text, kind)
    return Image.fromarray(zxingcpp.write_barcode_to_image(made, scale=8)).convert("L")


def receipt(
    text: str = TEXT, kind: zxingcpp.BarcodeFormat = zxingcpp.BarcodeFormat.QRCode, size: int = 420
) -> Image.Image:
    """A sheet of paper with lines of writing and a code, on a table."""
    drawn = random.Random(7)
    table = Image.new("L", (1600, 1200), 96)
    paper = Image.new("L", (1200, 1000), 246)
    pen = ImageDraw.Draw(paper)
    for line in range(18):
        pen.line((60, 60 + line * 50, 60 + drawn.randint(300, 620), 60 + line * 50), fill=60, width=5)
    mark = symbol(text, kind)
    mark = mark.resize((size, size * mark.height // mark.width))
    paper.paste(mark, (1200 - size - 80, 120))
    table.paste(paper, (200, 100))
    return table


def jpeg(picture: Image.Image, quality: int = 75) -> bytes:
    held = io.BytesIO()
    picture.convert("RGB").save(held, "JPEG", quality=quality)
    return held.getvalue()


def shadowed(picture: Image.Image) -> Image.Image:
    """A shadow that falls across the paper, darkest where the code is."""
    mask = Image.linear_gradient("L").resize(picture.size).rotate(90, expand=False)
    return Image.composite(picture, ImageEnhance.Brightness(picture).enhance(0.25), mask)


def askew(picture: Image.Image) -> Image.Image:
    """Photographed from the side: the far edge is shorter than the near one."""
    wide, high = picture.size
    corners = (-0.05 * wide, -0.12 * high, 0.12 * wide, 1.18 * high, 0.95 * wide, 1.02 * high, 1.1 * wide, -0.04 * high)
    return picture.transform((wide, high), Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=90)


def glaring(picture: Image.Image, at: tuple[int, int], radius: int) -> Image.Image:
    """A lamp mirrored on the paper."""
    light = Image.new("L", picture.size, 0)
    ImageDraw.Draw(light).ellipse((at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius), fill=255)
    return Image.composite(
        Image.new("L", picture.size, 255), picture, light.filter(ImageFilter.GaussianBlur(radius / 3))
    )


def noisy(picture: Image.Image, strength: int) -> Image.Image:
    noise = Image.effect_noise(picture.size, strength)
    return Image.blend(picture, noise, 0.25)


PHOTOS = {
    "as it is": receipt(),
    "upside down": receipt().rotate(180, expand=True),
    "lying on its side": receipt().rotate(90, expand=True),
    "tilted": receipt().rotate(33, expand=True, fillcolor=90, resample=Image.Resampling.BICUBIC),
    "blurred": receipt().filter(ImageFilter.GaussianBlur(5)),
    "dark": ImageEnhance.Brightness(receipt()).enhance(0.18),
    "dark and noisy": noisy(ImageEnhance.Brightness(receipt()).enhance(0.35), 40),
    "without contrast": ImageEnhance.Contrast(receipt()).enhance(0.2),
    "far away": receipt(size=150),
    "small and pressed hard": receipt().resize((640, 480)),
    "in a shadow": shadowed(receipt(size=240)),
    "from the side": askew(receipt()),
    "from the side, tilted, dark, pressed hard": ImageEnhance.Brightness(
        askew(receipt()).rotate(30, expand=True, fillcolor=90, resample=Image.Resampling.BICUBIC).resize((1280, 1060))
    ).enhance(0.3),
    "a lamp on the middle of the code": glaring(receipt(), (1110, 430), 50),
    "a lamp on its corner": glaring(receipt(), (1260, 570), 60),
    "tilted, blurred and dark": ImageEnhance.Brightness(
        receipt().rotate(-20, expand=True, fillcolor=90).filter(ImageFilter.GaussianBlur(3))
    ).enhance(0.4),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_a_receipts_qr_code_is_read_as_phones_photograph_it(name: str) -> None:
    assert read_marks(jpeg(PHOTOS[name], quality=40)) == (TEXT,)


def test_a_bar_code_with_the_dossiers_code_is_read() -> None:
    photo = receipt(CODE, zxingcpp.BarcodeFormat.Code128, size=600).rotate(4, expand=True, fillcolor=90)
    assert read_marks(jpeg(photo)) == (CODE,)


def test_a_large_photo_is_read_at_a_fraction_of_its_size() -> None:
    assert read_marks(jpeg(receipt().resize((4800, 3600)))) == (TEXT,)


def test_a_picture_without_a_code_has_none_and_rubbish_is_no_picture() -> None:
    assert read_marks(jpeg(Image.effect_noise((800, 600), 60))) == ()
    whole = jpeg(receipt())
    for content in (b"", b"GIF89a", b"%PDF-1.7 %%EOF", whole[:2000], b"\xff\xd8\xff" + bytes(1000)):
        assert read_marks(content) is None


def test_a_bomb_is_not_unpacked() -> None:
    held = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(held, "PNG")
    assert read_marks(held.getvalue()) is None
