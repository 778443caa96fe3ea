"""The page behind a receipt's QR code, for a phone: whole without JavaScript, nothing loaded from anywhere.

Style and the little script that copies the code stand in the page and are named by hash in its Content-Security-Policy; whatever else a
text of a one-stop system might smuggle in does not run.
"""

import base64
import hashlib
from pathlib import Path
from typing import NamedTuple

import jinja2
from markupsafe import Markup

from govchat.dossiers.status import STATUSES, Status, label_of, sentence_of
from govchat.kit import clock
from govchat.kit.phrases import fixed, phrases
from govchat.receipts.letters import ROOM, moment
from govchat.receipts.show import Shown
from govchat.tenants.registry import Tenant

PAGES = Path(__file__).parent / "pages"
STYLE = (PAGES / "status.css").read_text().strip()
SCRIPT = (PAGES / "copy.js").read_text().strip()
TEMPLATE = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
).from_string((PAGES / "status.html").read_text())

OA_ADDRESS = "https://zalo.me/"
# The way of a dossier, and the statuses that stand at each step; refused, withdrawn and stopped ones stand nowhere on it.
STEPS = (("step_received", (1, 2)), ("step_processed", (4, 5, 6)), ("step_ready", (9,)), ("step_returned", (10,)))


class Step(NamedTuple):
    """One step of the way: `tone` is done, now or ahead."""

    name: str
    tone: str


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_hash(STYLE)}'; script-src 'sha256-{_hash(SCRIPT)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def status_page(shown: Shown) -> str:
    """What a dossier's receipt leads to, in the words that are laid over the product's (`kit.phrases.overlaid`)."""
    status, said, province = STATUSES[shown.status], phrases(ROOM), shown.tenant.full_name
    return _page(
        title=said["page_title"].format(code=shown.code),
        province=province,
        said=said,
        more=said["more"].format(province=province),
        open_oa=said["open_oa"].format(province=province),
        shown=shown,
        label=label_of(status),
        sentence=sentence_of(status),
        tone=_tone(status),
        steps=_steps(shown.status),
        received=moment(shown.received_at),
        due=moment(shown.due_at),
        late=_late(shown, status),
        rests=_rests(shown, status),
        changed=moment(shown.changed_at),
        oa=oa_address(shown.tenant),
    )


def unknown_page() -> str:
    """One answer for codes that are unknown, damaged, revoked or another's."""
    return _nobodys("unknown")


def slowed_page(wait_s: int) -> str:
    """For an address that asks too often."""
    return _nobodys("slowed", wait=str(wait_s))


def away_page() -> str:
    """While the database does not answer, or when we fail."""
    return _nobodys("away")


def oa_address(tenant: Tenant) -> str:
    """Where the province's Official Account opens in Zalo."""
    return f"{OA_ADDRESS}{tenant.oa_id}"


def _nobodys(key: str, **facts: str) -> str:
    said = fixed(ROOM)
    lines = said[key].format(**facts).splitlines()
    return _page(title=said[f"{key}_title"], province=said["service"], shown=None, lines=lines)


def _page(**values: object) -> str:
    # Both are files of ours, and escaped they would not be what the hashes name.
    return TEMPLATE.render(style=Markup(STYLE), script=Markup(SCRIPT), **values)  # noqa: S704


def _tone(status: Status) -> str:
    if status.number in (9, 10):
        return "good"
    if status.waits_for_citizen:
        return "wait"
    return "stop" if status.terminal else "go"


def _steps(number: int) -> list[Step]:
    at = next((place for place, (_, numbers) in enumerate(STEPS) if number in numbers), None)
    if at is None:
        return []
    tones = ["done" if place < at else "now" if place == at else "ahead" for place in range(len(STEPS))]
    said = phrases(ROOM)
    return [Step(said[key], tone) for (key, _), tone in zip(STEPS, tones, strict=True)]


def _rests(shown: Shown, status: Status) -> str | None:
    """Said while the clock stands still for the citizen: the appointment printed on the paper may not be the last."""
    if not (status.paused and status.waits_for_citizen) or shown.due_at is None:
        return None
    return phrases(ROOM)["rests"]


def _late(shown: Shown, status: Status) -> str | None:
    """Said plainly while an office is at work past the day it named."""
    if not status.running or shown.due_at is None or shown.due_at >= clock.now():
        return None
    return phrases(ROOM)["late"]
