"""Articles (bài viết) of an OA and their broadcast to its followers: built so that Zalo takes them, as bytes for the wire.

An article is made in the background: `create` answers a token, `verify` the id once it is there. A broadcast goes to followers by Zalo's
own choice: nobody can be left out of it. Limits as seen in Zalo's documentation in 2026.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from govchat.zalo.errors import MessageInvalid
from govchat.zalo.messages import check_id, check_line, check_url

TITLE_LIMIT, AUTHOR_LIMIT, DESCRIPTION_LIMIT = 150, 50, 300
# Nobody has written down how long a paragraph may be; what offices write is far below this.
PARAGRAPH_LIMIT = 5000
BLOCK_LIMIT = 50


class Cover(msgspec.Struct, frozen=True):
    """The picture on top, which Zalo fetches."""

    photo_url: str
    cover_type: Literal["photo"] = "photo"
    status: Literal["show", "hide"] = "show"


class Paragraph(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """A piece of text."""

    content: str


class Picture(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="image"):
    """A picture between paragraphs, which Zalo fetches."""

    url: str
    caption: str | None = None


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST v2.0/article/create`; shown to everybody as soon as it is made, without comments."""

    title: str
    author: str
    cover: Cover
    description: str
    body: tuple[Paragraph | Picture, ...]
    type: Literal["normal"] = "normal"
    status: Literal["show", "hide"] = "show"
    comment: Literal["show", "hide"] = "hide"


def article(
    *,
    title: str,
    author: str,
    description: str,
    cover_url: str,
    body: Sequence[Paragraph | Picture],
    allow_insecure: bool = False,
) -> Article:
    """An article that Zalo will take; raises `MessageInvalid` naming the part."""
    if not 1 <= len(body) <= BLOCK_LIMIT:
        raise MessageInvalid("body", f"expected 1 to {BLOCK_LIMIT} parts", length=len(body), limit=BLOCK_LIMIT)
    return Article(
        title=check_line("title", title, TITLE_LIMIT),
        author=check_line("author", author, AUTHOR_LIMIT),
        description=check_line("description", description, DESCRIPTION_LIMIT),
        cover=Cover(check_url("cover_url", cover_url, allow_insecure)),
        body=tuple(_part(place, each, allow_insecure) for place, each in enumerate(body)),
    )


def _part(place: int, given: Paragraph | Picture, allow_insecure: bool) -> Paragraph | Picture:
    if isinstance(given, Paragraph):
        return Paragraph(check_line(f"body[{place}].text", given.content, PARAGRAPH_LIMIT))
    caption = None if given.caption is None else check_line(f"body[{place}].caption", given.caption, DESCRIPTION_LIMIT)
    return Picture(check_url(f"body[{place}].image_url", given.url, allow_insecure), caption)


def broadcast_of(article_id: str) -> dict[str, Any]:
    """Body of `POST v2.0/oa/message` that sends an article to every follower: a target without conditions narrows nobody out."""
    element = {"media_type": "article", "attachment_id": check_id("article_id", article_id)}
    payload = {"template_type": "media", "elements": [element]}
    return {"recipient": {"target": {}}, "message": {"attachment": {"type": "template", "payload": payload}}}
