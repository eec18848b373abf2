"""Ways to spoil a file: bits, lengths, numbers, words, nesting. The same random numbers spoil it the same way."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

NUMBERS = (
    b"0", b"-1", b"1e308", b"1e-320", b"-1e400", b"nan", b"inf", b"2147483648", b"9223372036854775808", b"0.1",
    b"18446744073709551616", b"340282366920938463463374607431768211456", b"9" * 400, b"9" * 5000, b"1/0", b"0x10",
)  # fmt: skip
WORDS = (
    b"\0", b"\x1b[31m", b"\x1b]0;t\x07", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", "\u202e".encode(), b"\r\n",
    b"../../", b"/etc/passwd", b"null", b"true", b'""', b"'", b'"', b"\\", b"{}", b"[]", b"[" * 2000, b'{"a":' * 2000,
    b"a." * 2000, b"x" * 300, b"=", b"#", b",", b";", b"\t", "狐".encode(), b"%s%n", b"$(reboot)",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**400, 1e308, -0.0, "", "x", "\x1b[31m", "\udcff", "../../x", "/",
    "x" * 300, "a\0b", [], {}, [[]], [None], {"": None}, [0] * 50,
)  # fmt: skip
_SMALL = (0, 1, 0x7F, 0x80, 0xFF)
_WHOLE = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**63, 2**64 - 1)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_MOST = 4  # changes of one file


def mutated(content: bytes, other: bytes, random: Random) -> bytes:
    """`content` after one to four changes. other: a file of the same kind, of which a piece may be taken."""
    structured = _structured(content, random) if random.random() < 0.3 else None
    if structured is not None:
        return structured
    is_text = _is_text(content)
    for _ in range(random.randint(1, _MOST)):
        change = random.choice(_OF_TEXTS if is_text and random.random() < 0.7 else _OF_BYTES)
        content = change(content, other, random)
    return content


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content[:2000].decode("utf-8", "strict" if len(content) <= 2000 else "ignore")
    except UnicodeDecodeError:
        return False


def _flip(content: bytes, _other: bytes, random: Random) -> bytes:
    spoiled = bytearray(content)
    for _ in range(random.choice((1, 1, 4, 32))):
        if spoiled:
            spoiled[_place(spoiled, random)] ^= 1 << random.randrange(8)
    return bytes(spoiled)


def _byte(content: bytes, _other: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + bytes([random.choice(_SMALL)]) + content[at + 1 :]


def _whole(content: bytes, _other: bytes, random: Random) -> bytes:
    """A number of two, four or eight bytes overwritten by one at the edge of what fits."""
    width, at = random.choice((2, 4, 8)), _place(content, random)
    value = random.choice(_WHOLE) % (1 << 8 * width)
    return content[:at] + value.to_bytes(width, random.choice(("little", "big"))) + content[at + width :]


def _cut(content: bytes, _other: bytes, random: Random) -> bytes:
    return content[: _place(content, random)]


def _remove(content: bytes, _other: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + content[at + _length(content, random) :]


def _repeat(content: bytes, _other: bytes, random: Random) -> bytes:
    at, length = _place(content, random), _length(content, random)
    return content[: at + length] + content[at : at + length] * random.choice((1, 2, 30)) + content[at + length :]


def _splice(content: bytes, other: bytes, random: Random) -> bytes:
    at, there, length = _place(content, random), _place(other, random), _length(other, random)
    return content[:at] + other[there : there + length] + content[at + random.choice((0, length)) :]


def _word(content: bytes, _other: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + random.choice(WORDS) + content[at + random.choice((0, 0, 1)) :]


def _number(content: bytes, _other: bytes, random: Random) -> bytes:
    found = list(_NUMBER.finditer(content))
    if not found:
        return _word(content, _other, random)
    one = random.choice(found)
    return content[: one.start()] + random.choice(NUMBERS) + content[one.end() :]


def _line(content: bytes, other: bytes, random: Random) -> bytes:
    """A line removed, doubled, moved, or taken from the other file."""
    lines, others = content.split(b"\n"), other.split(b"\n")
    at = random.randrange(len(lines))
    kind = random.randrange(4)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[at])
    elif kind == 2:
        lines.insert(random.randrange(len(lines)), lines.pop(at))
    else:
        lines.insert(at, random.choice(others))
    return b"\n".join(lines)


_OF_BYTES = (_flip, _flip, _byte, _whole, _whole, _cut, _remove, _repeat, _splice, _word)
_OF_TEXTS = (_number, _number, _word, _word, _line, _line, _remove, _flip, _cut)


def _place(content: bytes | bytearray, random: Random) -> int:
    """Somewhere in a file; heads and ends, where formats keep their facts, more often than the middle."""
    size = len(content)
    if not size:
        return 0
    kind = random.random()
    if kind < 0.4:
        return random.randrange(min(size, 256))
    return size - 1 - random.randrange(min(size, 2048)) if kind < 0.6 else random.randrange(size)


def _length(content: bytes, random: Random) -> int:
    return random.choice((1, 2, 4, 8, 16, 100, 1000, max(1, len(content) // 3)))


def _structured(content: bytes, random: Random) -> bytes | None:
    """A value of JSON exchanged, dropped or renamed, in a file of JSON or the head of safetensors; None for others."""
    try:
        if content[:1] in b"{[":
            return json.dumps(_exchanged(json.loads(content), random)).encode()
        length = int.from_bytes(content[:8], "little")
        if not 2 <= length <= len(content) - 8:
            return None
        head = _exchanged(json.loads(content[8 : 8 + length]), random)
        text = json.dumps(head).encode()
        return len(text).to_bytes(8, "little") + text + content[8 + length :]
    except (ValueError, RecursionError):
        return None


def _exchanged(value: Any, random: Random) -> Any:
    """`value` with something in it changed, as deep as chance wants. Texts that hold JSON are gone into."""
    if isinstance(value, str) and value[:1] == "{" and random.random() < 0.9:
        return json.dumps(_exchanged(json.loads(value), random))
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(list(value))
        kind = random.random()
        rest = {key: item for key, item in value.items() if key != name}
        if kind < 0.1:
            return rest
        if kind < 0.2:
            return {**rest, f"{name}x": value[name]}
        return {**rest, name: _exchanged(value[name], random)}
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        if random.random() < 0.2:
            return [*value[:at], *value[at + 1 :]]
        return [*value[:at], _exchanged(value[at], random), *value[at + 1 :]]
    return random.choice(VALUES)
