"""Turns: everybody is seen in time, where something stirs at once."""

import time
from uuid import UUID

import pytest

from govchat.kit.ids import new_id
from govchat.kit.turns import STIRRED_S, Turns


class Hand:
    """A clock turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(time, "monotonic", hand)
    return hand


def places(count: int) -> dict[UUID, None]:
    return dict.fromkeys(new_id() for _ in range(count))


def test_few_places_are_all_looked_at_every_time(hand: Hand) -> None:
    all_ = places(34)
    turns = Turns(every_s=20)
    assert turns.next(all_) == turns.next(all_) == list(all_)


def test_every_one_of_many_places_is_seen_within_its_time(hand: Hand) -> None:
    all_, turns, seen = places(1000), Turns(every_s=20), set[UUID]()
    assert turns.next(all_) == list(all_), "a process that has just started knows of nothing"
    for _ in range(4):
        hand.now += 5
        found = turns.next(all_)
        assert len(found) < 300, "a look takes a share of them, not all"
        seen.update(found)
    assert seen == set(all_)


def test_a_long_pause_brings_everybody_at_once(hand: Hand) -> None:
    all_, turns = places(1000), Turns(every_s=20)
    turns.next(all_)
    hand.now += 60
    assert set(turns.next(all_)) == set(all_)


def test_where_something_stirred_is_looked_at_every_time_for_a_while(hand: Hand) -> None:
    all_, turns = places(1000), Turns(every_s=20)
    turns.next(all_)
    lively = list(all_)[-1]
    turns.stir(lively)
    for _ in range(5):
        hand.now += 1
        assert turns.next(all_)[0] == lively
    hand.now += STIRRED_S
    turns.next(all_)
    hand.now += 1
    assert turns.next(all_)[0] != lively


def test_who_is_gone_is_not_looked_at_any_more(hand: Hand) -> None:
    all_, turns = places(300), Turns(every_s=20)
    turns.next(all_)
    gone = list(all_)[150]
    turns.stir(gone)
    del all_[gone]
    for _ in range(10):
        hand.now += 5
        assert gone not in turns.next(all_)
