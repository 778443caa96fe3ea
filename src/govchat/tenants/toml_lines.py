"""Where each key of a TOML text stands, which `tomllib` does not tell.

A text that `tomllib` accepts comes in; out goes the line of every table, key and array element, so that a finding can point at it.
"""

from bisect import bisect_left
from dataclasses import dataclass, field

# ("zalo", "oa_id"), ("h_codes", 1, "code"): keys of tables and positions in arrays, from the top of the document.
KeyPath = tuple[str | int, ...]

_BLANKS = " \t"
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", '"': '"', "\\": "\\"}
_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}


class UnfinishedError(Exception):
    """The text ends inside a string, an array or a table; `line` is where that began."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every key path in a TOML text; the empty path is line 1.

    A table that has a header of its own stands at the header; one that only dotted names bring about, at the first of them.
    Raises `UnfinishedError` when the text ends too early; other texts that are not TOML give lines of no meaning.
    """
    scan = _Scan(text.replace("\r\n", "\n"))
    table: KeyPath = ()
    while scan.skip_to_content():
        if scan.peek() == "[":
            table = _header(scan)
        else:
            _pair(scan, table)
    return scan.lines


@dataclass
class _Scan:
    text: str
    at: int = 0
    lines: dict[KeyPath, int] = field(default_factory=lambda: {(): 1})
    sizes: dict[KeyPath, int] = field(default_factory=dict)  # how many [[headers]] an array of tables has so far
    newlines: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.newlines = [at for at, char in enumerate(self.text) if char == "\n"]

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def line(self, at: int | None = None) -> int:
        return bisect_left(self.newlines, self.at if at is None else at) + 1

    def skip(self, chars: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in chars:
            self.at += 1

    def skip_to_content(self) -> bool:
        """Pass blanks, newlines and comments; False at the end of the text."""
        while self.at < len(self.text):
            self.skip(_BLANKS + "\n")
            if self.peek() != "#":
                break
            self.skip_past("\n")
        return self.at < len(self.text)

    def skip_past(self, mark: str) -> None:
        found = self.text.find(mark, self.at)
        self.at = len(self.text) if found < 0 else found + len(mark)

    def note(self, path: KeyPath, line: int) -> None:
        self.lines.setdefault(path, line)


def _header(scan: _Scan) -> KeyPath:
    line = scan.line()
    is_array = scan.peek(2) == "[["
    scan.at += 2 if is_array else 1
    names = _key(scan)
    scan.skip(_BLANKS + "]")
    path: KeyPath = ()
    for name in names[:-1]:
        path = _newest(scan, (*path, name))
        scan.note(path, line)
    path = (*path, names[-1])
    if is_array:
        scan.note(path, line)
        scan.sizes[path] = scan.sizes.get(path, 0) + 1
    path = _newest(scan, path)
    scan.lines[path] = line
    return path


def _newest(scan: _Scan, path: KeyPath) -> KeyPath:
    """A header that names an array of tables means its newest element."""
    size = scan.sizes.get(path)
    return path if size is None else (*path, size - 1)


def _pair(scan: _Scan, table: KeyPath) -> None:
    start, line = scan.at, scan.line()
    path = table
    for name in _key(scan):
        path = (*path, name)
        scan.note(path, line)
    scan.skip(_BLANKS)
    if scan.peek() == "=":
        scan.at += 1
        scan.skip(_BLANKS)
        _value(scan, path)
    if scan.at == start:
        scan.at += 1  # never stand still, whatever the text


def _key(scan: _Scan) -> list[str]:
    """A key with its dots: `zalo.oa_id`, `"a.b" . c`."""
    names = []
    while True:
        scan.skip(_BLANKS)
        if scan.peek() in ('"', "'"):
            names.append(_short_string(scan))
        else:
            start = scan.at
            while scan.at < len(scan.text) and (scan.text[scan.at].isalnum() or scan.text[scan.at] in "_-"):
                scan.at += 1
            names.append(scan.text[start : scan.at])
        scan.skip(_BLANKS)
        if scan.peek() != ".":
            return names
        scan.at += 1


def _value(scan: _Scan, path: KeyPath) -> None:
    first = scan.peek()
    if scan.peek(3) in ('"""', "'''"):
        _long_string(scan)
    elif first and first in "\"'":
        _short_string(scan)
    elif first == "[":
        _array(scan, path)
    elif first == "{":
        _inline_table(scan, path)
    else:
        while scan.at < len(scan.text) and scan.text[scan.at] not in ",]}#\n":
            scan.at += 1


def _array(scan: _Scan, path: KeyPath) -> None:
    opened = scan.line()
    scan.at += 1
    index = 0
    while scan.skip_to_content():
        if scan.peek() == "]":
            scan.at += 1
            return
        if scan.peek() == ",":
            scan.at += 1
            continue
        start = scan.at
        scan.note((*path, index), scan.line())
        _value(scan, (*path, index))
        index += 1
        scan.at += scan.at == start
    raise UnfinishedError(opened)


def _inline_table(scan: _Scan, path: KeyPath) -> None:
    opened = scan.line()
    scan.at += 1
    while scan.skip_to_content():
        if scan.peek() == "}":
            scan.at += 1
            return
        if scan.peek() == ",":
            scan.at += 1
            continue
        _pair(scan, path)
    raise UnfinishedError(opened)


def _short_string(scan: _Scan) -> str:
    """A string on one line, unescaped: keys may be written so too."""
    opened, quote = scan.line(), scan.peek()
    scan.at += 1
    chars: list[str] = []
    while (char := scan.peek()) != quote:
        if char in ("", "\n"):
            raise UnfinishedError(opened)
        scan.at += 1
        chars.append(_escape(scan) if char == "\\" and quote == '"' else char)
    scan.at += 1
    return "".join(chars)


def _escape(scan: _Scan) -> str:
    char = scan.peek()
    scan.at += 1
    length = _HEX_ESCAPES.get(char)
    if length is None:
        return _ESCAPES.get(char, char)
    digits = scan.peek(length)
    scan.at += length
    try:
        return chr(int(digits, 16))
    except (ValueError, OverflowError):
        return digits


def _long_string(scan: _Scan) -> None:
    opened, mark = scan.line(), scan.peek(3)
    scan.at += 3
    while scan.peek(3) != mark:
        if scan.at >= len(scan.text):
            raise UnfinishedError(opened)
        scan.at += 2 if scan.peek() == "\\" and mark == '"""' else 1
    scan.at += 3
    # Up to two quotes may stand right before the closing three.
    for _ in range(2):
        scan.at += scan.peek() == mark[0]
