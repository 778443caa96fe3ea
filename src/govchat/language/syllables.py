"""What can be a Vietnamese syllable, and words as they are compared: one spelling of tones and of i and y, and the shadow without marks.

Used by `keyboards` to tell a word from keystrokes, and by everything that compares words.
"""

import re
import unicodedata
from functools import lru_cache

from govchat.kit.text import fold, toned

_ONSET = "ngh|ng|nh|gh|gi|kh|ch|th|tr|ph|qu|[bcdghklmnprstvx]"
_RIME = (
    "uyen|uyet|uynh|uych|uyt|uya|uyu|uy"
    "|uong|uoc|uom|uon|uop|uot|uoi|uou|uon|uo"
    "|ieng|iec|iem|ien|iep|iet|ieu|yem|yen|yet|yeu|yeng"
    "|oang|oac|oanh|oach|oam|oan|oap|oat|oai|oay|oao|oang|oeo|oen|oet|oem|oe|oa|oong|ooc"
    "|uang|uanh|uan|uat|uay|uach|uec|uen|uet|uenh|ueh|ue|ua|uai|uau"
    "|ang|anh|ach|ac|am|an|ap|at|ai|ay|ao|au|a"
    "|eng|enh|ech|ec|em|en|ep|et|eo|eu|e"
    "|inh|ich|im|in|ip|it|iu|ia|i"
    "|ong|oc|om|on|op|ot|oi|o"
    "|ung|uc|um|un|up|ut|ui|uu|u|y|yt|ynh"
)
_SYLLABLE = re.compile(rf"(?:{_ONSET})?(?:{_RIME})")
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
_HOOK_OR_TILDE = frozenset("\u0309\u0303")

# ký and kí, lý and lí are one word; quí and quý too.
_Y_AFTER = re.compile(r"([hklmstv])([yýỳỷỹỵ])")
_I_AFTER_QU = re.compile(r"(qu)([iíìỉĩị])")
_Y_TO_I = str.maketrans("yýỳỷỹỵ", "iíìỉĩị")
_I_TO_Y = str.maketrans("iíìỉĩị", "yýỳỷỹỵ")


@lru_cache(maxsize=20_000)
def is_syllable(shadow: str) -> bool:
    """Whether a word without marks can be a Vietnamese syllable."""
    return _SYLLABLE.fullmatch(shadow) is not None


@lru_cache(maxsize=20_000)
def spelled(word: str) -> str:
    """A word in its one spelling: lower case, tones where the newer spelling puts them, i for y where both are written."""
    word = toned(word)
    if _Y_AFTER.fullmatch(word):
        return word.translate(_Y_TO_I)
    if _I_AFTER_QU.fullmatch(word):
        return word.translate(_I_TO_Y)
    return word


@lru_cache(maxsize=20_000)
def shadow(word: str) -> str:
    """A word without its marks."""
    return fold(word)


@lru_cache(maxsize=20_000)
def marks(word: str) -> tuple[frozenset[tuple[int, str]], frozenset[str]]:
    """The marks of a word: those of quality by place (đ counts as one), and its tones."""
    quality: set[tuple[int, str]] = set()
    tones: set[str] = set()
    place = -1
    for character in unicodedata.normalize("NFD", word):
        if character in _TONES:
            tones.add(character)
        elif unicodedata.combining(character):
            quality.add((place, character))
        else:
            place += 1
            if character == "đ":
                quality.add((place, "đ"))
    return frozenset(quality), frozenset(tones)


SAME, PLAIN, HOOK_FOR_TILDE, SOME_MARKS, OTHER_MARKS = 1.0, 0.86, 0.84, 0.76, 0.2


@lru_cache(maxsize=50_000)
def likeness(typed: str, wanted: str) -> float:
    """How well a typed word stands for a wanted one of the same shadow.

    The same word fully; without marks less; with hook and tilde confused, as southern speakers do, or with some marks left out
    less again; a word of other marks is hardly that word.
    """
    if typed == wanted:
        return SAME
    quality, tones = marks(typed)
    if not quality and not tones:
        return PLAIN
    wanted_quality, wanted_tones = marks(wanted)
    if (
        quality == wanted_quality
        and tones
        and tones <= _HOOK_OR_TILDE
        and wanted_tones
        and wanted_tones <= _HOOK_OR_TILDE
    ):
        return HOOK_FOR_TILDE
    if quality <= wanted_quality and tones <= wanted_tones:
        return SOME_MARKS
    return OTHER_MARKS
