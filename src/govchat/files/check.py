"""What a file really is, told by its content; pictures are drawn anew, so that place, time, camera and hidden parts stay behind.

JPEG, PNG and WebP come out in their own format, upright, first frame only. PDFs pass as they are: they are handed to offices, never
opened here. Names and declared types of senders count for nothing. Slow for large pictures: call it in a thread.
"""

import io
import struct
import warnings
import zlib

import msgspec
from PIL import Image, ImageOps

from govchat.errors import DomainError

MOST_BYTES = 15 * 1024 * 1024
# A 48-megapixel phone is the largest that is meant; its picture takes 150 MB of memory while it is drawn anew.
MOST_PIXELS = 50_000_000
QUALITY = 90
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
PDF = "application/pdf"
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")


class FileRefused(DomainError):
    """The content is none that is taken."""

    status = 422
    code = "file_refused"
    title = "This file can't be taken"


class FileTooLarge(DomainError):
    """More bytes or pixels than are taken."""

    status = 413
    code = "file_too_large"
    title = "The file is too large"


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it will be kept."""

    media_type: str
    content: bytes
    width: int | None = None
    height: int | None = None


def check(content: bytes) -> Checked:
    """The file, cleaned; raises `FileRefused`, `FileTooLarge`."""
    if len(content) > MOST_BYTES:
        raise FileTooLarge(f"the file has {len(content)} bytes: at most {MOST_BYTES} are taken, send a smaller picture")
    kind = sniff(content)
    if kind == "PDF":
        return _pdf(content)
    if kind == "HEIF":
        raise FileRefused("the picture is HEIC: send it as JPEG (on an iPhone: Settings → Camera → Most Compatible)")
    if kind is None:
        raise FileRefused("the content is no JPEG, PNG, WebP or PDF: send one of those")
    return _picture(content, kind)


def sniff(content: bytes) -> str | None:
    """JPEG, PNG, WEBP, HEIF or PDF by the first bytes; None for everything else."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and content[8:12] in HEIF_BRANDS:
        return "HEIF"
    return "PDF" if content.startswith(b"%PDF-") else None


def _pdf(content: bytes) -> Checked:
    if b"%%EOF" not in content[-2048:]:
        raise FileRefused("the PDF is cut off: send it again")
    if b"/Encrypt" in content:
        raise FileRefused("the PDF is protected by a password: send it without")
    return Checked(media_type=PDF, content=content)


def _picture(content: bytes, kind: str) -> Checked:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which are judged here before a pixel is drawn
            opened = Image.open(io.BytesIO(content), formats=[kind])
        width, height = opened.size
        if width * height > MOST_PIXELS or width * height == 0:
            raise FileTooLarge(f"the picture has {width} × {height} pixels: at most {MOST_PIXELS} are taken")
        upright = ImageOps.exif_transpose(opened)
        # Pixels alone go into the new picture: profiles, comments and thumbnails hang on the old one.
        plain = upright.convert("RGBA" if kind != "JPEG" and upright.has_transparency_data else "RGB")
        drawn = Image.frombytes(plain.mode, plain.size, plain.tobytes())
    except Image.DecompressionBombError:
        raise FileTooLarge(f"the picture has too many pixels: at most {MOST_PIXELS} are taken") from None
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, EOFError, struct.error, zlib.error) as error:
        raise FileRefused(f"the {kind} can't be read ({type(error).__name__}): it is damaged, send it again") from None
    held = io.BytesIO()
    drawn.save(held, kind, **({} if kind == "PNG" else {"quality": QUALITY}))
    return Checked(media_type=FORMATS[kind], content=held.getvalue(), width=drawn.width, height=drawn.height)
