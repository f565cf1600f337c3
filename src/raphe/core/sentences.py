"""Words for a reader: counts with their plural, numbers as people write them, lists."""

import math
import unicodedata
from collections.abc import Iterable

UNREADABLE = 1e12  # a number with more digits than a reader counts
UNPRINTABLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, format, surrogate, private, line …


def counted(noun: str, n: int, plural: str | None = None) -> str:
    """A number and its noun; `plural` for one that takes no s.

    >>> counted("cell", 1), counted("spike", 12_300), counted("recording day", 0)
    ('1 cell', '12 300 spikes', '0 recording days')
    >>> counted("class", 2, "classes")
    '2 classes'
    """
    return f"{whole(n)} {noun if n == 1 else plural or noun + 's'}"


def whole(n: int) -> str:
    """A whole number, its thousands apart from five digits on.

    >>> whole(9999), whole(43_327)
    ('9999', '43 327')
    """
    return f"{n:,}".replace(",", " ") if abs(n) >= 10_000 else str(n)


def number(value: float, digits: int = 3, least: float = 0.0) -> str:
    """A value of so many significant digits without an exponent, – for none; for readers alone.

    Of one that no reader could count the digits of, its power of ten.

    One of a size below `least`, other than 0, is told to be less: "0" would hide a wrong unit.

    >>> number(1e-12, least=1e-6), number(0.0, least=1e-6)
    ('less than 0.000001', '0')
    >>> number(1130.4), number(-0.04567), number(123_456), number(float("nan"))
    ('1130', '−0.0457', '123 456', '–')
    >>> number(4.6e38)
    '10^38 or more'
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else f"{'−' if value < 0 else ''}∞"
    if value == 0:
        return "0"
    if abs(value) < least:
        return f"less than {number(least, 1)}"
    if abs(value) >= UNREADABLE:
        return f"{'−' if value < 0 else ''}10^{math.floor(math.log10(abs(value)))} or more"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{abs(value):.{decimals}f}"
    whole_part, point, fraction = text.partition(".")
    text = f"{whole_part}.{fraction}" if point else whole(int(whole_part))
    return f"−{text}" if value < 0 else text


def typographic(text: str) -> str:
    """A number's text with a minus where programs write a hyphen.

    >>> typographic(f"{-50.0:g}")
    '−50'
    """
    return text.replace("-", "−")


def p_value(p: float) -> str:
    """The p of a test as people write it, nothing for none.

    >>> p_value(0.0123), p_value(2e-5), p_value(float("nan"))
    ('0.012', '<0.001', '')
    """
    if math.isnan(p):
        return ""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(0.25), duration(45), duration(150), duration(9000)
    ('0.25 s', '45 s', '2 min 30 s', '2 h 30 min')
    """
    if seconds < 60:
        return f"{number(seconds, 2)} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest_s} s" if rest_s else f"{minutes} min"
    hours, rest_min = divmod(minutes, 60)
    return f"{hours} h {rest_min} min" if rest_min else f"{hours} h"


def file_size(n_bytes: float) -> str:
    """Of a file or a disk, as people write it.

    >>> file_size(0), file_size(999), file_size(1_234_567), file_size(56_000_000_000)
    ('0 B', '999 B', '1.2 MB', '56 GB')
    """
    size, units = float(n_bytes), ["TB", "GB", "MB", "kB", "B"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        units.pop()
    digits = 1 if units[-1] != "B" and size < 9.95 else 0
    return f"{size:.{digits}f} {units[-1]}"


def listed(words: Iterable[object], last: str = "and") -> str:
    """Words in a row.

    >>> listed(["a", "b", "c"]), listed(["SER", "NSER"], "or"), listed(["a"])
    ('a, b and c', 'SER or NSER', 'a')
    """
    *before, end = map(str, words)
    return f"{', '.join(before)} {last} {end}" if before else end


def printable(text: object) -> str:
    r"""A text from outside on one line, with an escape for whatever a terminal would obey or hide.

    Control characters, the marks that turn the direction of writing, and bytes of a file's name
    that are no UTF-8.

    >>> print(printable("caf\udce9\x1b[31m.abf"), printable("spikes\n\u202efba"))
    caf\xe9\x1b[31m.abf spikes\n\u202efba
    """
    return "".join(map(_visible, str(text)))


def _visible(letter: str) -> str:
    if unicodedata.category(letter) not in UNPRINTABLE:
        return letter
    if 0xDC80 <= ord(letter) <= 0xDCFF:  # a byte of a name, as Python decodes it
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def first_line(error: BaseException, most: int | None = None) -> str:
    """What an error says first, cut after `most` characters; "no reason given" of a mute one.

    >>> first_line(ValueError("no number\\nin line 3")), first_line(TimeoutError())
    ('no number', 'no reason given')
    """
    line = next(iter(str(error).strip().splitlines()), "no reason given")
    return line if most is None or len(line) <= most else f"{line[:most]}…"
