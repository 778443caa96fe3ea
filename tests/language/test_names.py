"""A procedure that is called by its whole official name is the one that is meant, whatever is asked about it."""

import pytest
from tests.language.given import codes, read

from govchat.procedures.catalogue import starter

# What complaints, denunciations and disputes are answered with is settled by the law, not by the name of a procedure.
GRIEVANCES = ("Giải quyết ",)
CALLED = [
    (each.code, each.name)
    for each in starter()
    if "." in each.code and not each.name.startswith(GRIEVANCES) and len(each.name.split()) > 2
]


@pytest.mark.parametrize("asked", ["cần giấy tờ gì", "lệ phí bao nhiêu", "mất bao lâu", "nộp ở đâu"])
def test_a_name_said_whole_is_meant(asked: str) -> None:
    wrong = [
        (name, reading.intent, codes(reading)[:2], reading.ask_why)
        for code, name in CALLED
        if (reading := read(f"{name} {asked}")).ask_back
        or (reading.intent, codes(reading)[:1]) != ("procedure_info", [code])
    ]
    assert wrong == []
    assert len(CALLED) > 90
