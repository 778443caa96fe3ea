"""Made-up provinces by the thousand, each with a Zalo app and an Official Account of its own, and no hours of rest at night."""

from datetime import date, timedelta
from pathlib import Path

# There are fewer letter codes than provinces here: each holds its code for a day of its own, long ago.
LONG_AGO = date(1950, 1, 1)

MANIFEST = """\
slug = "{slug}"
name = "Đơn vị {number}"
full_name = "Tỉnh Đơn vị {number}"
type = "province"
official_code = "{code:02}"
official_code_vintage = "{vintage}/1950/QĐ-TTg"

[[h_codes]]
code = "H{letter:02}"
of = "Đơn vị {number}"
legacy_slug = "{slug}"
kind = "own"
valid_from = {day}
valid_to = {day}

[contact]
organisation = "Ủy ban nhân dân tỉnh Đơn vị {number}"

[zalo]
app_id = "{app}"
oa_id = "{oa}"
requests_per_minute = 2000
app_requests_per_minute = 4000
signature = "enforce"
pkce_mode = "per_request"

[quiet_hours]
from = "00:00"
to = "00:00"

[working_hours]
morning = "07:30-11:30"
afternoon = "13:00-17:00"

[[agencies]]
code = "ttpvhcc"
name = "Trung tâm Phục vụ hành chính công tỉnh Đơn vị {number}"
"""


def crowd(folder: Path, count: int) -> Path:
    """`count` manifests in `folder`; answers it."""
    for number in range(1, count + 1):
        home = folder / f"don-vi-{number}"
        home.mkdir(parents=True)
        text = MANIFEST.format(
            slug=home.name, number=number, app=10**18 + number, oa=2 * 10**18 + number, code=number % 90 + 1, vintage=number // 90 + 1,
            letter=number % 60 + 1, day=LONG_AGO + timedelta(days=number),
        )  # fmt: skip
        (home / "tenant.toml").write_text(text, encoding="utf-8")
    return folder
