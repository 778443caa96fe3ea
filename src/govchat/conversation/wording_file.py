"""`tenants/SLUG/wording.toml`: a province's own sentences as a file, checked with line numbers, and written.

The file looks as the product's own does: a table per section, a sentence per key. Needs no database.
"""

import difflib
from pathlib import Path
from typing import Any

from govchat.conversation.wording import KEYS
from govchat.conversation.wording_flaws import flaw_of
from govchat.tenants.findings import Finding, finding
from govchat.tenants.part_file import read_part
from govchat.tenants.write import paragraph, string

FILE = "wording.toml"
_HEAD = """\
# Lời nhắn riêng của đơn vị; câu nào không ghi ở đây thì dùng câu chung của sản phẩm.
# Xem các câu và chỗ điền: govchat wording show {slug}
"""


def check(path: Path) -> list[Finding]:
    """Every mistake of a wording file; none when there is no such file."""
    return read_wordings(path)[1]


def read_wordings(path: Path) -> tuple[dict[str, str], list[Finding]]:
    """The sound sentences of a wording file by key, and its mistakes; neither when there is no such file."""
    parsed, findings = read_part(path)
    texts: dict[str, str] = {}
    for section, entries in parsed.data.items():
        if not isinstance(entries, dict):
            message = "khóa này phải nằm trong một bảng; mở bảng bằng một dòng như [front]"
            findings.append(finding(path, parsed.lines[section,], (section,), None, message))
            continue
        for name, value in entries.items():
            line = parsed.lines[section, name]
            if line in parsed.faulty_lines:
                continue
            flaw = _flaw(f"{section}.{name}", value)
            if flaw is None:
                texts[f"{section}.{name}"] = value.strip()
            else:
                findings.append(finding(path, line, (section, name), value, flaw))
    return texts, sorted(findings, key=lambda each: each.line)


def _flaw(key: str, value: Any) -> str | None:
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        return (
            f"khóa không được biết; {f'có phải ý là {string(near[0])}?' if near else 'xem: govchat wording show SLUG'}"
        )
    return flaw_of(key, value)


def wording_text(texts: dict[str, str], slug: str) -> str:
    """A wording file for these sentences, in the order in which the product has them."""
    order = {key: number for number, key in enumerate(KEYS)}
    sections: dict[str, list[str]] = {}
    for key in sorted(texts, key=lambda each: (order.get(each, len(order)), each)):
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"{name} = {paragraph(texts[key])}")
    blocks = ["\n".join([f"[{section}]", *lines]) for section, lines in sections.items()]
    return "\n".join([_HEAD.format(slug=slug), "\n\n".join(blocks)]).rstrip("\n") + "\n"
