"""QR codes and bar codes in a photo as phones take them: tilted, blurred, dark, far away. Slow: call it in a thread.

A few looks, each cheaper than the patience of a citizen: as it is, with its light evened out, and smaller or larger, since blur hides at
another size.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator

import zxingcpp
from PIL import Image, ImageFilter, ImageOps

from govchat.files.check import MOST_PIXELS, sniff

FORMATS = zxingcpp.BarcodeFormats(
    [zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.DataMatrix]
)
LONGEST = 2000  # characters of one code
MOST = 5  # codes of one picture
_SIDE = 2000  # pixels of the longer side that is looked at
# What lies in a shadow drawn apart: a hand or a phone between the lamp and the paper.
_LIFTED = [round(255 * (value / 255) ** 0.5) for value in range(256)]
_KINDS = frozenset({"JPEG", "PNG", "WEBP"})


def read_marks(content: bytes) -> tuple[str, ...] | None:
    """The texts of the codes in a picture; none when it shows no code, None when it is no picture that can be opened."""
    opened = _open(content)
    if opened is None:
        return None
    for look in _looks(opened):
        found = zxingcpp.read_barcodes(look, formats=FORMATS, try_rotate=True, try_downscale=True, try_invert=True)
        texts = tuple(dict.fromkeys(one.text[:LONGEST] for one in found if one.valid and one.text.strip()))[:MOST]
        if texts:
            return texts
    return ()


def _open(content: bytes) -> Image.Image | None:
    """The picture upright and grey, no larger than it is looked at; None for what is none."""
    kind = sniff(content)
    if kind not in _KINDS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which are judged here before a pixel is drawn
            opened = Image.open(io.BytesIO(content), formats=[kind])
        if not 0 < opened.width * opened.height <= MOST_PIXELS:
            return None
        opened.draft("L", (_SIDE, _SIDE))  # a JPEG is unpacked at a fraction of its size
        grey = ImageOps.exif_transpose(opened).convert("L")
        grey.thumbnail((_SIDE, _SIDE))
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, EOFError, struct.error, zlib.error):
        return None
    except Image.DecompressionBombError:
        return None
    return grey


def _looks(grey: Image.Image) -> Iterator[Image.Image]:
    yield grey
    even = ImageOps.autocontrast(grey, cutoff=1)
    yield even
    yield grey.point(_LIFTED)
    side = max(grey.size)
    if side > 900:
        smaller = even.copy()
        smaller.thumbnail((900, 900))
        yield ImageOps.autocontrast(smaller.filter(ImageFilter.MedianFilter(3)), cutoff=2)
    if side <= 1200:
        larger = even.resize((even.width * 2, even.height * 2), Image.Resampling.BICUBIC)
        yield larger.filter(ImageFilter.UnsharpMask(radius=4, percent=250, threshold=0))
    yield even.filter(ImageFilter.UnsharpMask(radius=6, percent=300, threshold=0))
