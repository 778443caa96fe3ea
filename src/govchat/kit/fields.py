"""Which field a refusal of msgspec speaks of: the path from the top of what was sent, such as `applicant.phone`; and what it says."""

import re

FIELD = re.compile(r" - at `(?:key in )?\$\.?(?P<path>[^`]*)`$")
# What msgspec says of a field that is missing or too many, and structs of their own.
NAMED = re.compile(r"\bfield `(?P<name>\w+)`")

TYPES = {
    "array": "một danh sách",
    "object": "một đối tượng",
    "str": "chữ",
    "int": "số nguyên",
    "bool": "true hoặc false",
}
# What msgspec says, and how officers read it; `{most}` is "tối đa" or "ít nhất".
SAID = (
    (r"Expected `array` of length (?P<way>[<>]=) (?P<bound>\d+)", "cần {most} {bound} phần tử"),
    (r"Expected `\w+` of length (?P<way>[<>]=) (?P<bound>\d+)", "cần {most} {bound} ký tự"),
    (r"Expected `\w+` (?P<way>[<>]=) (?P<bound>-?\d+)", "cần {most} là {bound}"),
    (r"Expected `str` matching regex .*", "không được để trống hay có khoảng trắng thừa"),
    (r"expected exactly one of (?P<bound>.+)", "cần đúng một trong {bound}"),
    (r"Object missing required field .*", "còn thiếu"),
    (r"Invalid UUID", "cần một mã UUID"),
    (r"Invalid enum value .*", "không phải một giá trị được nhận"),
)
_TYPE = re.compile(r"Expected `(?P<wanted>[^`]+)`(, got `[^`]+`)?$")


def named(told: str, whole: str = "body") -> tuple[str, str]:
    """The field and what is wrong with it; `whole` stands for what was sent where no field is named."""
    where = FIELD.search(told)
    message = told[: where.start()] if where else told
    found = NAMED.search(message)
    parts = [where["path"] if where else "", found["name"] if found else ""]
    return ".".join(part for part in parts if part) or whole, message


def in_vietnamese(message: str) -> str:
    """What msgspec says is wrong with a value, for the officers who wrote it."""
    for pattern, words in SAID:
        if found := re.fullmatch(pattern, message):
            parts = found.groupdict()
            return words.format(most="tối đa" if parts.get("way") == "<=" else "ít nhất", bound=parts.get("bound"))
    if found := _TYPE.match(message):
        return "cần " + " hoặc ".join(TYPES.get(each, each) for each in found["wanted"].split(" | ") if each != "null")
    return f"giá trị không hợp lệ ({message})"
