"""The wire of `/v1/campaigns`: what is asked for, and how a campaign is shown."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from govchat.kit.paging import Page
from govchat.outbox.tally import Counts

Class = Literal["announcement", "promotion", "emergency"]
State = Literal["draft", "approved", "scheduled", "running", "paused", "cancelled", "done"]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset, such as 2026-11-22T08:00:00+07:00")]
Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
UserId = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^\S+$")]
Words = Annotated[list[Line], Meta(min_length=1, max_length=500)]
Days = Annotated[int, Meta(ge=1, le=3650)]
MOST_USER_IDS = 100_000


class Target(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Where a button written in Zalo's own shape leads."""

    url: str | None = None
    phone_code: str | None = None


class ButtonIn(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A button: a title, and a page (`url`), a number to call (`phone`) or a text to send back (`query`); or as Zalo writes it."""

    title: Line
    url: str | None = None
    phone: str | None = None
    query: str | None = None
    type: Literal["oa.open.url", "oa.query.show", "oa.query.hide", "oa.open.phone"] | None = None
    payload: str | Target | None = None


class TemplateIn(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An approved template for those who are outside the window of consultation messages; values may hold fields."""

    template_id: Line
    data: Annotated[dict[str, str], Meta(min_length=1, max_length=30)]


class PartIn(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A part of an article: a paragraph (`text`), or a picture that Zalo fetches (`image_url`, with a `caption`)."""

    text: str | None = None
    image_url: str | None = None
    caption: str | None = None

    def __post_init__(self) -> None:
        if (self.text is None) == (self.image_url is None):
            raise ValueError("expected exactly one of text, image_url")
        if self.caption is not None and self.image_url is None:
            raise ValueError("a caption belongs to an image_url")


class ArticleIn(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An article that Zalo broadcasts to every follower where law allows that; titles up to 150, authors up to 50, descriptions up to
    300 characters, pictures by https."""

    title: Annotated[str, Meta(min_length=1, max_length=150)]
    author: Annotated[str, Meta(min_length=1, max_length=50)]
    description: Annotated[str, Meta(min_length=1, max_length=300)]
    cover_url: Annotated[str, Meta(max_length=2000)]
    body: Annotated[list[PartIn], Meta(min_length=1, max_length=50)]


class MessageIn(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What is said. `{ten}` and `{xa}` in the text become what is known of each recipient, else a polite general word. With an `article`,
    the rest is what each is told one by one when Zalo may not broadcast it."""

    text: Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"\S")]
    image_url: Annotated[str, Meta(max_length=2000)] | None = None
    picture_id: UUID | None = None
    buttons: Annotated[list[ButtonIn], Meta(max_length=5)] = []
    template: TemplateIn | None = None
    article: ArticleIn | None = None


class Segment(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Followers of whom everything given holds; of several values of one field any may. What is said of dossiers holds for one dossier."""

    communes: Words | None = None
    tags: Words | None = None
    fields: Words | None = None
    procedures: Words | None = None
    dossier_states: Annotated[list[Annotated[int, Meta(ge=1, le=10)]], Meta(min_length=1, max_length=10)] | None = None
    dossier_units: Words | None = None
    interacted_within_days: Days | None = None
    not_interacted_within_days: Days | None = None
    list_id: UUID | None = None


class AudienceIn(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """To whom: exactly one of the three."""

    all_followers: Literal[True] | None = None
    user_ids: Annotated[list[UserId], Meta(min_length=1, max_length=MOST_USER_IDS)] | None = None
    segment: Segment | None = None

    def __post_init__(self) -> None:
        if sum(each is not None for each in (self.all_followers, self.user_ids, self.segment)) != 1:
            raise ValueError("expected exactly one of all_followers, user_ids, segment")


class CampaignIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A draft. `max_cost` is what may be spent, in đồng: 0 sends what is free alone."""

    name: Line
    class_: Class = field(name="class")
    message: MessageIn
    audience: AudienceIn
    send_at: Moment | None = None
    max_cost: Annotated[int, Meta(ge=0, le=2_000_000_000)] = 0


class CampaignOut(Struct, kw_only=True):
    """A campaign as it stands."""

    id: UUID
    name: str
    class_: Class = field(name="class")
    state: State
    counts: Counts
    message: MessageIn
    audience: dict[str, object]
    send_at: datetime | None
    max_cost: int
    spent: int
    test: bool
    created_by: str
    created_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    planning: bool
    trouble: str | None
    way: Literal["personal", "broadcast"] | None


class CampaignPage(Page[CampaignOut]):
    """Some campaigns, newest first."""


class Excluded(Struct, kw_only=True):
    """Who is in the audience but may not be told."""

    not_following: int
    opted_out: int
    no_consent: int
    phone_only: int


class Ways(Struct, kw_only=True):
    """How recipients would be reached now: free within 48 hours, paid until the seventh day, by template, by Zalo's broadcast of an
    article, or not at all."""

    cs: int
    cs_paid: int
    uid: int
    broadcast: int
    none: int


class Estimate(Struct, kw_only=True):
    """What sending would mean now. `cost` in đồng; `seconds` at the account's rate, hours of rest not counted."""

    recipients: int
    excluded: Excluded
    channels: Ways
    cost: int
    max_cost: int
    rate_per_minute: int
    seconds: int
    testers_only: bool
    warnings: list[str]


class TestIn(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Which testers get it; nobody named: all of them."""

    user_ids: Annotated[list[UserId], Meta(min_length=1, max_length=50)] | None = None


class TestOut(Struct, kw_only=True):
    """How many testers are being sent the message now; `simulated` when a test key asked and nothing goes to Zalo."""

    queued: int
    simulated: int
    skipped: int


class RowProblem(Struct, kw_only=True):
    """A line of a list that names nobody here."""

    line: int
    problem: str


class ListOut(Struct, kw_only=True):
    """A list as it was read: `known` people are on it, `problems` says what is wrong with the other lines (the first 1,000)."""

    list_id: UUID
    lines: int
    known: int
    problems: list[RowProblem]


class LabelsOut(Struct, kw_only=True):
    """What a table of labels did."""

    lines: int
    labelled: int
    problems: list[RowProblem]


LabelKind = Literal["commune", "tag"]
Label = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\S")]


class LabelOut(Struct, kw_only=True):
    """A label and how many citizens carry it."""

    kind: LabelKind
    label: str
    citizens: int


class AllLabels(Struct, kw_only=True):
    """Every label of the province."""

    items: list[LabelOut]


class PersonLabels(Struct, kw_only=True):
    """The labels of one citizen: where they live, and tags."""

    commune: Label | None = None
    tags: Annotated[list[Label], Meta(max_length=100)] = []


class Dropped(Struct, kw_only=True):
    """From how many citizens a label was taken."""

    citizens: int


class PictureOut(Struct, kw_only=True):
    """A picture that messages can carry; `ready` once Zalo has it."""

    picture_id: UUID
    ready: bool
    trouble: str | None


class PersonLabelsIn(PersonLabels, forbid_unknown_fields=True, kw_only=True):
    """All labels that somebody is to have from now on."""
