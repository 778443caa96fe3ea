"""Whole dialogues from tests/dialogues, run through the pure step with a small set of dossiers in place of the database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from govchat.conversation import events
from govchat.conversation.context import Context, TenantFacts
from govchat.conversation.say import Link, LookUp, Outcome, Say
from govchat.conversation.state import State, dump, load
from govchat.conversation.step import step

BEGIN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
OTHERS = {"H26": "Thành phố Hà Nội", "H14": "Tỉnh Cao Bằng"}
TENANTS = {
    "dong-nai": TenantFacts(
        slug="dong-nai",
        name="Đồng Nai",
        full_name="Thành phố Đồng Nai",
        hotline="0251 1022",
        portal_url="https://dichvucong.dongnai.gov.vn",
        address="02 Nguyễn Văn Trị",
        h_codes=frozenset({"H10", "H19"}),
        other_h_codes=OTHERS,
        main_h_code="H19",
    ),
    "bare": TenantFacts(
        slug="bare", name="Trần", full_name="Tỉnh Trần", h_codes=frozenset({"H19"}), other_h_codes=OTHERS
    ),
}
EVENTS: dict[str, events.Event] = {
    "followed": events.Followed(),
    "unfollowed": events.Unfollowed(),
    "opened_chat": events.OpenedChat(),
    "picture": events.Picture(),
    "place": events.Place(),
    "sticker": events.Sticker(),
    "other_media": events.OtherMedia(),
    "shared_contact": events.SharedContact(phone_known=True),
    "shared_no_phone": events.SharedContact(phone_known=False),
}


def recorded() -> list[Any]:
    folder = Path(__file__).parent.parent / "dialogues"
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))]
    return [pytest.param(dialogue, id=dialogue["name"]) for file in files for dialogue in file["dialogues"]]


def at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class Archive:
    """The dossiers of a dialogue: answers as the database side does, one answer for "not found" and "wrong secret"."""

    def __init__(self, dossiers: dict[str, dict[str, Any]]) -> None:
        self.dossiers = dossiers
        self.phone_shared = False

    def answer(self, ask: LookUp) -> events.LookedUp:
        return events.LookedUp(tuple(self._one(code, ask.secret) for code in ask.codes))

    def _one(self, code: str, secret: str | None) -> events.DossierAnswer:
        row = self.dossiers.get(code)
        if row and "slowed" in row:
            return events.Slowed(code, row["slowed"])
        if row is None or (secret and secret.upper() != row["secret"]):
            return events.Unknown(code)
        return events.Shown(
            code=code,
            status=row["status"],
            unit=row["unit"],
            received_at=at(row.get("received_at")),
            due_at=at(row.get("due_at")),
            changed_at=at(row.get("changed_at")),
            proven=self._proven(row) if secret or (self.phone_shared and row.get("phone_matches")) else None,
        )

    @staticmethod
    def _proven(row: dict[str, Any]) -> events.Proven:
        return events.Proven(
            applicant_name=row["applicant_name"],
            procedure_name=row.get("procedure_name"),
            officer=row.get("officer"),
            status_note=row.get("status_note"),
            results=tuple(events.ResultItem(**item) for item in row.get("results", ())),
        )


@pytest.mark.parametrize("dialogue", recorded())
def test_a_recorded_dialogue_goes_as_recorded(dialogue: dict[str, Any]) -> None:
    archive = Archive(dialogue.get("dossiers") or {})
    tenant = TENANTS[dialogue.get("tenant", "dong-nai")]
    state, now = State(), BEGIN
    for turn in dialogue["turns"]:
        now += timedelta(seconds=5, minutes=turn.get("wait_minutes", 0))
        heard = turn.get("citizen", turn.get("event"))
        event = events.Text(turn["citizen"]) if "citizen" in turn else EVENTS[turn["event"]]
        archive.phone_shared |= heard == "shared_contact"
        outcome = step(state, event, Context(now, tenant))
        asked = outcome.ask
        assert list(asked.codes if asked else ()) == turn.get("ask", []), f"{heard}: asked {asked}"
        assert (asked.secret if asked else None) == turn.get("secret"), f"{heard}: asked {asked}"
        if asked:
            assert not outcome.say, f"{heard}: an answer before the look-up"
            outcome = step(load(dump(outcome.state)), archive.answer(asked), Context(now, tenant))
        check(turn, heard, outcome)
        state = load(dump(outcome.state))


def check(turn: dict[str, Any], heard: str, outcome: Outcome) -> None:
    if turn.get("silent"):
        assert outcome.say == (), heard
        return
    assert len(outcome.say) == 1, heard
    said: Say = outcome.say[0]
    for piece in turn.get("says", []):
        assert piece in said.text, f"{heard}: {piece!r} is not in\n{said.text}"
    for piece in turn.get("hides", []):
        assert piece not in said.text, f"{heard}: {piece!r} must not be in\n{said.text}"
    offered = [button.url if isinstance(button, Link) else button.payload for button in said.buttons]
    assert set(turn.get("buttons", [])) <= set(offered), f"{heard}: offered {offered}"
    assert bool(said.form) == turn.get("form", False), heard


def test_there_are_enough_dialogues() -> None:
    assert len(recorded()) >= 25
