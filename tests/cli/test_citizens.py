"""The operator's commands: retention, sweeping, requests, petitions' rules, ratings, silence."""


async def test_a_province_is_settled_from_the_command_line(cli):
    assert (await cli("privacy", "retention", "hue", "--json")).json["inbox"] == 30
    assert (await cli("privacy", "retention", "hue", "--set", "inbox=14", "--json")).json["inbox"] == 14
    refused = await cli("privacy", "retention", "hue", "--set", "inbox=1")
    assert (refused.status, "expected 3 to 36500" in refused.refusal) == (1, True)
    assert "DỮ_LIỆU=SỐ_NGÀY" in (await cli("privacy", "retention", "hue", "--set", "inbox")).refusal
    assert "ĐÃ XÓA" in (await cli("privacy", "sweep", "hue")).out
    assert {one["what"] for one in (await cli("privacy", "sweep", "hue", "--json")).json} >= {"inbox", "messages"}
    assert "không có yêu cầu nào" in (await cli("privacy", "requests", "hue")).out
    rules = (await cli("petition", "rules", "hue", "--answer", "scene=3", "--most-reopens", "1", "--json")).json
    assert (rules["scene"]["answer_workdays"], rules["reflection"]["most_reopens"]) == (3, 1)
    assert "5 ngày làm việc" in (await cli("petition", "rules", "hue")).out
    assert (await cli("petition", "counts", "hue", "--json")).json == {"overdue": 0}
    assert (await cli("chat", "ratings", "hue", "--levels", "5", "--json")).json == {"levels": 5, "invite": "consented"}
    assert "45 phút" in (await cli("chat", "silence", "hue", "--minutes", "45")).out
    assert "không có ai đang chờ" in (await cli("chat", "waiting", "hue")).out
    assert "không có lượt đánh giá nào" in (await cli("report", "ratings", "hue")).out
    assert (await cli("report", "ratings", "hue", "--since", "2026-01-01", "--until", "2026-03-31", "--json")).json[
        "total"
    ] is None
