"""What one process has on its way: never more than it can say in time, and none of it promised twice."""

import pytest

from govchat.kit.ids import new_id
from govchat.sender.room import BUSY, HANDFUL, LEAST_AT_ONCE, MOST_AT_ONCE, ROOM_AGAIN, SLOTS, SLOTS_WHEN_BUSY, Room


def test_two_looks_at_once_never_share_the_same_room() -> None:
    room = Room(bulk=True)
    room.ask(MOST_AT_ONCE - 10)
    assert room.left == 10
    assert room.share(100) == 10, "what is left, although each should have all its slots"
    room.ask(10)
    assert room.left == 0
    assert not room.again, "another look has it: that one says when it is over"
    room.ask(-MOST_AT_ONCE)
    assert (room.left, room.again) == (MOST_AT_ONCE, True)


@pytest.mark.parametrize(("bulk", "when_busy"), [(False, SLOTS_WHEN_BUSY), (True, HANDFUL)])
def test_a_province_has_fewer_slots_while_the_process_is_busy_with_others(bulk: bool, when_busy: int) -> None:
    room, province, other = Room(bulk=bulk), new_id(), new_id()
    assert room.free(province) == SLOTS
    room.hold(other, BUSY)
    assert room.free(province) == when_busy
    room.hold(other, MOST_AT_ONCE - BUSY - 1)
    assert room.free(province) == 1
    room.hold(other, -MOST_AT_ONCE + 1)
    assert (room.busy(other), room.free(province)) == (0, SLOTS)


def test_of_a_campaign_the_next_are_claimed_when_there_is_room_for_a_handful() -> None:
    campaigns, replies, province = Room(bulk=True), Room(bulk=False), new_id()
    for room in (campaigns, replies):
        room.hold(province, SLOTS - HANDFUL + 1)
    assert (campaigns.free(province), replies.free(province)) == (0, HANDFUL - 1)
    campaigns.hold(province, -1)
    assert campaigns.free(province) == HANDFUL


@pytest.mark.parametrize(("bulk", "few"), [(False, SLOTS_WHEN_BUSY), (True, HANDFUL)])
def test_as_many_provinces_are_looked_at_again_as_there_is_room_for(bulk: bool, few: int) -> None:
    room, province = Room(bulk=bulk), new_id()
    assert room.places == MOST_AT_ONCE // few
    room.hold(province, MOST_AT_ONCE - 2 * few)
    assert room.places == 2
    room.hold(province, 2 * few)
    assert room.places == 1, "never nobody: a look that finds no room says so"


def test_who_is_too_slow_holds_fewer_and_those_without_room_are_looked_at_when_some_are_done() -> None:
    room, province = Room(bulk=True), new_id()
    room.hold(province, MOST_AT_ONCE)
    assert not room.again
    room.hold(province, -int(MOST_AT_ONCE * (1 - ROOM_AGAIN)) - 1)
    assert room.again
    for second in range(20):
        room.note(float(second), late=True)
        room.note(second + 0.1, late=True)  # not twice within a moment
    assert room.left == LEAST_AT_ONCE - int(MOST_AT_ONCE * ROOM_AGAIN) + 1
    for _ in range(100_000):
        room.note(100.0, late=False)
    room.hold(province, -room.busy(province))
    assert room.left == MOST_AT_ONCE
