"""Damage that files meet, as values: what is done, where, and to how much.

A mutation is chosen by a random generator (recorded runs) or by hypothesis (tests, which find the
smallest one that fails).
"""

import random
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import strategies as st

OPERATIONS = (
    "flip",
    "byte",
    "extreme",
    "cut_end",
    "cut_out",
    "insert",
    "repeat",
    "swap",
    "blank",
    "word",
)
SHARE = 4096  # `at` and `size` are shares of the file in these parts
LARGEST_BLOCK = 4096  # bytes that one mutation inserts, repeats or blanks
EXTREMES = tuple(
    struct.pack(order + kind, value)
    for order in "<>"
    for kind, values in {
        "b": (-1, 0, 127),
        "h": (-1, 0, 2**15 - 1, -(2**15)),
        "i": (-1, 0, 1, 2**31 - 1, -(2**31), 2**24),
        "q": (-1, 0, 2**63 - 1, -(2**63), 2**40),
        "f": (0.0, -1.0, float("nan"), float("inf"), 1e30, -3.4e38, 1e-40),
        "d": (0.0, -1.0, float("nan"), float("-inf"), 1e300, 5e-324),
    }.items()
    for value in values
)
WORDS = (
    *(b'"', b"'", b"\n", b"\r\n", b"\r", b"\0", b",", b";", b"\t", b" ", b"#", b"=", b"{", b"]"),
    *(b"nan", b"NaN", b"inf", b"-inf", b"1e309", b"-1", b"1,5", b"1.234,5", b"0x1F", b"null"),
    *(
        b"../../x",
        b"/etc/passwd",
        b"%s",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe9",
        b"=1+1",
        b"$\\frac$",
    ),
    *(b"=1+1", b"$\\frac$", b"\x1b[31m", b"9" * 400, b"[" * 2000, b"true", b"\xe2\x80\xae"),
)


@dataclass(frozen=True)
class Mutation:
    """`at` and `size` are of SHARE, `value` picks what is written."""

    operation: str
    at: int
    size: int
    value: int

    def apply(self, content: bytes) -> bytes:
        begin = len(content) * self.at // SHARE
        end = min(len(content), begin + 1 + min(len(content) * self.size // SHARE, LARGEST_BLOCK))
        head, block, tail = content[:begin], content[begin:end], content[end:]
        match self.operation:
            case "flip":
                return _replaced(
                    content, begin, bytes([_byte(content, begin) ^ 1 << self.value % 8])
                )
            case "byte":
                return _replaced(content, begin, bytes([self.value % 256]))
            case "extreme":
                return _replaced(content, begin - begin % 4, EXTREMES[self.value % len(EXTREMES)])
            case "cut_end":
                return head
            case "cut_out":
                return head + tail
            case "insert":
                return head + random.Random(self.value).randbytes(len(block)) + block + tail
            case "repeat":
                return head + block * (2 + self.value % 3) + tail
            case "swap":
                return tail[: len(block)] + head + block + tail[len(block) :]
            case "blank":
                return head + bytes([(0, 255, 32)[self.value % 3]]) * len(block) + tail
            case "word":
                return head + WORDS[self.value % len(WORDS)] + block + tail
        raise ValueError(self.operation)


def mutated(content: bytes, mutations: Iterable[Mutation]) -> bytes:
    for mutation in mutations:
        content = mutation.apply(content)
    return content


def drawn(rng: random.Random) -> list[Mutation]:
    """One to four; small blocks more often than large ones."""
    return [
        Mutation(
            rng.choice(OPERATIONS),
            min(SHARE, int(SHARE * rng.random() ** rng.choice((1, 1, 4)))),  # headers come first
            int(SHARE * rng.random() ** 6),
            rng.getrandbits(16),
        )
        for _ in range(rng.choice((1, 1, 1, 2, 3, 4)))
    ]


MUTATIONS = st.lists(
    st.builds(
        Mutation,
        st.sampled_from(OPERATIONS),
        st.integers(0, SHARE),
        st.integers(0, SHARE),
        st.integers(0, 2**16 - 1),
    ),
    min_size=1,
    max_size=4,
)


def _replaced(content: bytes, begin: int, block: bytes) -> bytes:
    return content[:begin] + block + content[begin + len(block) :]


def _byte(content: bytes, at: int) -> int:
    return content[at] if at < len(content) else 0
