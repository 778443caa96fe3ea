"""Where a key stands in a TOML text: checked against hand-written texts and against tomllib on generated ones."""

import tomllib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.tenants.toml_lines import KeyPath, UnfinishedError, key_lines

TRICKY = '''# [not.a.table]
top = 1 # = 2

[a . "b.c"] # ]
'lit#eral' = "x # [y]"
"quo\\"ted\\u00e9" = \'\'\'
[inside] = "no key"
\'\'\'\'
d.e . f = [ # list
  1, # one
  { g = 2, h.i = [3] },
  """
  z = 1\\""" ]
  """"",
]
after = 1979-05-27 07:32:00

[[rows]]
x = 1
[[rows.inner]]
y = 1
[[rows.inner]]
y = 2
[rows.inner.deep]
z = 3

[[rows]]
x = 2
  [[rows.inner]]
  y = 3

[a]
last = true'''


def test_keys_are_found_through_everything_toml_can_write() -> None:
    lines = key_lines(TRICKY)
    expected: dict[KeyPath, int] = {
        (): 1,
        ("top",): 2,
        ("a",): 32,
        ("a", "b.c"): 4,
        ("a", "b.c", "lit#eral"): 5,
        ("a", "b.c", 'quo"tedé'): 6,
        ("a", "b.c", "d"): 9,
        ("a", "b.c", "d", "e"): 9,
        ("a", "b.c", "d", "e", "f"): 9,
        ("a", "b.c", "d", "e", "f", 0): 10,
        ("a", "b.c", "d", "e", "f", 1): 11,
        ("a", "b.c", "d", "e", "f", 1, "g"): 11,
        ("a", "b.c", "d", "e", "f", 1, "h"): 11,
        ("a", "b.c", "d", "e", "f", 1, "h", "i"): 11,
        ("a", "b.c", "d", "e", "f", 1, "h", "i", 0): 11,
        ("a", "b.c", "d", "e", "f", 2): 12,
        ("a", "b.c", "after"): 16,
        ("rows",): 18,
        ("rows", 0): 18,
        ("rows", 0, "x"): 19,
        ("rows", 0, "inner"): 20,
        ("rows", 0, "inner", 0): 20,
        ("rows", 0, "inner", 0, "y"): 21,
        ("rows", 0, "inner", 1): 22,
        ("rows", 0, "inner", 1, "y"): 23,
        ("rows", 0, "inner", 1, "deep"): 24,
        ("rows", 0, "inner", 1, "deep", "z"): 25,
        ("rows", 1): 27,
        ("rows", 1, "x"): 28,
        ("rows", 1, "inner"): 29,
        ("rows", 1, "inner", 0): 29,
        ("rows", 1, "inner", 0, "y"): 30,
        ("a", "last"): 33,
    }
    assert lines == expected
    assert set(lines) == paths_of(tomllib.loads(TRICKY))


def test_windows_line_ends_count_as_one_line() -> None:
    assert key_lines(TRICKY.replace("\n", "\r\n")) == key_lines(TRICKY)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a = 1\nb = """\nc = 2\n', 2),
        ("a = [\n1,\n", 1),
        ("a = 1\n\nb = { c = [1, \n", 3),
        ("a = '''x''\n", 1),
        ('a = "x\nb = 1', 1),
    ],
)
def test_what_never_ends_is_blamed_where_it_begins(text: str, line: int) -> None:
    with pytest.raises(UnfinishedError) as caught:
        key_lines(text)
    assert caught.value.line == line


# ---- generated documents: every leaf holds a marker that occurs once, so the text itself tells the expected line

KEY = st.sampled_from(["k{}", '"q.{}"', "'l #{}'", '"\\u00e9[{}]"', "d{0}.e{0}", 'd{0} . "e={0}"', "-{}-", "7{}"])
BLANK = st.sampled_from(["", " ", "\t", "  "])
NOISE = st.sampled_from(["", "\n", "# k = [1\n", '  # """ {\n', "\n\n"])
TAIL = st.sampled_from(["", " # note ] }", " #'''"])


class Writer:
    """Writes one random TOML document; markers are numbers from 700000 on, keys are numbered too and so never collide."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 700_000

    def marker(self) -> str:
        self.count += 1
        return str(self.count)

    def scalar(self) -> str:
        mark = self.marker()
        forms = [
            mark,
            f'"m{mark} # ] }} \\" ,"',
            f"'m{mark} = [x'",
            f"{mark}.5e3",
            f'"""m{mark}\n[x]\nk = 1 \\"""\n"""""',
            f"'''m{mark}\n\\'''''",
        ]
        return self.draw(st.sampled_from(forms))

    def value(self, depth: int) -> str:
        kind = self.draw(st.sampled_from(["scalar", "scalar", "array", "inline"] if depth else ["scalar"]))
        if kind == "array":
            gap = self.draw(st.sampled_from([" ", "\n", " # , ]\n  "]))
            parts = [self.value(depth - 1) for _ in range(self.draw(st.integers(0, 3)))]
            comma = self.draw(st.sampled_from(["", ","])) if parts else ""
            return f"[{gap}{f',{gap}'.join(parts)}{comma}{gap}]"
        if kind == "inline":
            return f"{{ {', '.join(self.pair(0) for _ in range(self.draw(st.integers(0, 3))))} }}"
        return self.scalar()

    def pair(self, depth: int) -> str:
        key = self.draw(KEY).format(self.marker()[-4:])
        return f"{key}{self.draw(BLANK)}={self.draw(BLANK)}{self.value(depth)}"

    def body(self) -> str:
        rows = range(self.draw(st.integers(0, 3)))
        return "".join(f"{self.draw(NOISE)}{self.draw(BLANK)}{self.pair(2)}{self.draw(TAIL)}\n" for _ in rows)

    def document(self) -> str:
        text = self.body()
        for number in range(self.draw(st.integers(0, 4))):
            array = f"rows{self.draw(st.integers(0, 1))}"
            header = self.draw(
                st.sampled_from(
                    [f"[t{number}]", f'[ "t.{number}" . u ]', f"[[ {array} ]]", f"[[{array}]]\n[{array}.sub]"]
                )
            )
            text += f"{self.draw(NOISE)}{header}{self.draw(TAIL)}\n{self.body()}"
        return text


@st.composite
def documents(draw: st.DrawFn) -> str:
    return Writer(draw).document()


def paths_of(value: object, path: KeyPath = ()) -> set[KeyPath]:
    found: set[KeyPath] = {path}
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found |= paths_of(child, (*path, key))
    return found


def leaves(value: object, path: KeyPath = ()) -> list[tuple[KeyPath, object]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if children is None:
        return [(path, value)]
    return [leaf for key, child in children for leaf in leaves(child, (*path, key))]


@given(documents(), st.booleans())
def test_every_path_of_any_document_is_found_on_its_line(text: str, windows: bool) -> None:
    data = tomllib.loads(text)
    lines = key_lines(text.replace("\n", "\r\n") if windows else text)
    assert set(lines) == paths_of(data)
    for path, value in leaves(data):
        digits = "".join(char for char in str(value) if char.isdigit())[:6]
        expected = text[: text.index(digits)].count("\n") + 1
        assert lines[path] == expected, (path, value)


@given(st.text(alphabet="ab.=[]{}\"'#\\\n ,1", max_size=60))
def test_no_text_makes_the_scan_stand_still_or_fall_over(text: str) -> None:
    lines: dict[KeyPath, int] | None = None
    with suppress(UnfinishedError):
        lines = key_lines(text)
    with suppress(tomllib.TOMLDecodeError):
        data = tomllib.loads(text)
        assert lines is not None
        assert set(lines) == paths_of(data)
