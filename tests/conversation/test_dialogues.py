"""Whole dialogues from tests/dialogues, run through the pure steps with a small set of dossiers in place of the database."""

from pathlib import Path

import pytest

from govchat.conversation.replay import Dialogue, load_dialogues, play

FOLDER = Path(__file__).parent.parent / "dialogues"
RECORDED = [dialogue for path in sorted(FOLDER.glob("*.yaml")) for dialogue in load_dialogues(path)]


@pytest.mark.parametrize("dialogue", [pytest.param(dialogue, id=dialogue.name) for dialogue in RECORDED])
def test_a_recorded_dialogue_goes_as_recorded(dialogue: Dialogue) -> None:
    for turn in play(dialogue):
        assert not turn.wrong, f"{turn.heard}: {'; '.join(turn.wrong)}\n{turn.said}\n{turn.offered}"


def test_there_are_enough_dialogues_each_with_a_name_of_its_own() -> None:
    names = [dialogue.name for dialogue in RECORDED]
    assert len(names) == len(set(names)) >= 60
