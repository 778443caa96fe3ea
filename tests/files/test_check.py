"""What is taken, what comes out of it, and what never gets as far as being drawn."""

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from govchat.files.check import MOST_BYTES, FileRefused, FileTooLarge, check

SECRET = b"10.762622,106.660172 iPhone of Hien"


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **how: object) -> bytes:
    held = io.BytesIO()
    image = Image.new(mode, size, 200 if mode == "L" else "red")
    image.putpixel((0, 0), 0 if mode == "L" else (0, 0, 255, 255)[: len(mode)])
    image.save(held, kind, **how)
    return held.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010E] = SECRET.decode()
    made.get_ifd(0x8825)[1] = "N"
    made.get_ifd(0x8825)[2] = (10.0, 45.0, 45.0)
    return made


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (picture("JPEG", exif=exif()), "image/jpeg"),
        (picture("WEBP", exif=exif()), "image/webp"),
        (picture("PNG", exif=exif()), "image/png"),
        (picture("JPEG", comment=SECRET), "image/jpeg"),
        (picture("PNG", icc_profile=SECRET), "image/png"),
    ],
    ids=["jpeg", "webp", "png", "comment", "profile"],
)
def test_where_and_with_what_a_picture_was_taken_stays_behind(content, media_type):
    assert SECRET in content or "icc_profile" in Image.open(io.BytesIO(content)).info
    taken = check(content)
    assert taken.media_type == media_type
    assert SECRET not in taken.content
    opened = Image.open(io.BytesIO(taken.content))
    assert not opened.getexif()
    assert "icc_profile" not in opened.info
    assert (taken.width, taken.height) == opened.size == (60, 40)


def test_text_in_a_png_and_whatever_is_glued_behind_a_picture_stays_behind():
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", SECRET.decode())
    assert SECRET not in check(picture("PNG", pnginfo=told)).content
    assert b"<?php" not in check(picture("JPEG") + b"<?php system($_GET[0]) ?>").content


def test_a_picture_taken_sideways_stands_upright():
    taken = check(picture("JPEG", exif=exif(orientation=6)))
    assert (taken.width, taken.height) == (40, 60)


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "LA"), ("PNG", "1"), ("WEBP", "RGBA")]
)
def test_every_way_of_colouring_is_taken(kind, mode):
    held = io.BytesIO()
    Image.new("RGBA" if mode in ("RGBA", "LA") else "RGB", (20, 10), "green").convert(mode).save(held, kind)
    assert check(held.getvalue()).width == 20


def test_only_the_first_picture_of_a_moving_one_is_kept():
    held = io.BytesIO()
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    frames[0].save(held, "WEBP", save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(check(held.getvalue()).content)).n_frames == 1


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(20_000, 20_000), (65_000, 65_000), (8_000, 8_000)])
def test_a_bomb_is_refused_before_it_is_drawn(size):
    with pytest.raises(FileTooLarge, match="pixels"):
        check(bomb(*size))


def test_too_many_bytes_are_refused_before_they_are_looked_at():
    with pytest.raises(FileTooLarge, match="bytes"):
        check(b"\xff\xd8\xff" + b"\0" * MOST_BYTES)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"x", b"GIF89a" + b"\0" * 99, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"PK\x03\x04" + b"\0" * 99,
        b"MZ" + b"\0" * 99, b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x18ftypheic" + b"\0" * 99,
        picture("JPEG")[:200], picture("PNG")[:60], b"%PDF-1.7 cut off", b"%PDF-1.7 /Encrypt 5 0 R %%EOF",
        b"\xff\xd8\xff" + picture("PNG"),
    ],
)  # fmt: skip
def test_what_is_no_sound_picture_or_pdf_is_refused_with_a_way_out(content):
    with pytest.raises(FileRefused, match="send"):
        check(content)


def test_a_pdf_passes_as_it_is():
    content = b"%PDF-1.4\n1 0 obj<<>>endobj\n%%EOF\n"
    assert (check(content).media_type, check(content).content) == ("application/pdf", content)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"]))
def test_no_bytes_whatever_end_in_a_fault(content, begins):
    with contextlib.suppress(FileRefused, FileTooLarge):
        check(begins + content)
