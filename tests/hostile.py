"""Strings that break what takes them for harmless: each is refused with one sentence, or kept exactly.

They come in families, since what is wrong with one of them is wrong with all of its kind. None does harm where it is
taken for code: all that any of them would do is to create HARM, whose absence the tests assert.
"""

from __future__ import annotations

from pathlib import Path

HARM = Path("/tmp/virtfleet-hostile")  # noqa: S108 - nobody writes it
_TOUCH = f"touch {HARM}"

# Around the limits of an interface's name, of a file's name, a DNS label and name, a TXT string, dnsmasq's lines.
_LENGTHS = (15, 16, 63, 64, 249, 250, 253, 254, 255, 256, 1023, 1024, 1025, 4095, 4096, 65535, 65536)
_CONTROLS = [chr(code) for code in (*range(1, 32), *range(127, 160))]
_LINE_ENDS = ["\n", "\r", "\r\n", "\n\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
_BIDI = [chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
_INVISIBLE = ["\u00a0", "\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\u3000", "\ufeff", "\ufff9", "\U000e0041"]
_SURROGATES = ["\ud800", "\udfff", "\ud83d"]
_NONCHARACTERS = ["\ufdd0", "\ufffe", "\uffff", "\U0001ffff", "\U0010ffff"]
_LETTERS = ["é", "e\u0301", "ß", "İ", "ı", "ſ", "K", "А", "ο", "名", "عربى", "😀", "👨\u200d👩\u200d👧", "Z̴̨͍a", "\u0300"]
_NUMBERS = [
    "²",
    "１２",
    "٣",
    "१",
    "Ⅷ",
    "½",
    "1_000",
    "0x10",
    "010",
    "1e3",
    "+1",
    "-0",
    "1.0",
    "NaN",
    "inf",
    "99999999999999999999",
]
_ADDRESSES = [
    *("10.0.0.1/²", "010.0.0.1", "10.0.0", "10.0.0.256", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/", "0.0.0.0/0"),
    *("::ffff:10.0.0.1", "fe80::1%eth0", "fe80::1%25eth0", "::", "[::1]", "2001:db8::/129", "224.0.0.1/24", "1.2.3.4 "),
]
_SHELL = [
    f"$({_TOUCH})",
    f"`{_TOUCH}`",
    f"; {_TOUCH}",
    f"| {_TOUCH}",
    f"&& {_TOUCH}",
    f"a' ; {_TOUCH} ; '",
    "$IFS",
    "~root",
    "*",
    "-rf",
    "--help",
    "!!",
    "a\\",
]
_XML = [
    "<a/>",
    "</name><name>b",
    "]]>",
    "<![CDATA[x]]>",
    "&amp;",
    "&#10;",
    "&#x85;",
    "<!-- -->",
    "<?xml?>",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    "'\"",
    'x" onload="y',
    "&nope;",
]
_DNSMASQ = [
    *(
        f"x\ndhcp-script={HARM}",
        f"x\rdhcp-script={HARM}",
        "x #y",
        "#x",
        '"x',
        'x"y"',
        "x,y",
        ",",
        "=x",
        "/x/",
        "\\n",
        "\\",
        "x\\x",
    ),
    *("x" * length + f"dhcp-script={HARM}" for length in (1000, 1011, 1013, 1015, 1017, 1019, 1021, 1023, 1025, 4000)),
]
_JINJA = [
    "{{ 1 + 1 }}",
    "{% if 1 %}",
    "{# x #}",
    "{{ lookup('pipe', '" + _TOUCH + "') }}",
    "{{",
    "}}",
    "{{ undefined_name }}",
    "!unsafe x",
]
_YAML = [
    "yes",
    "null",
    "~",
    "no",
    "1:30",
    "12e03",
    "? x",
    "- x",
    "x: y",
    "&x",
    "*x",
    "!!python/object/apply:os.system ['" + _TOUCH + "']",
    "|",
    ">",
    "%x",
    "@x",
    "---",
    "...",
    "[x",
    "{x",
    "0o17",
    "2026-11-26",
]
_HTML = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "</style>",
    "</title>",
    "<svg onload=alert(1)>",
    '" onmouseover="x',
    "&lt;b&gt;",
]
_CSV = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", ";=1", '"=1"', "=cmd|' /C calc'!A0"]
_PATHS = [
    ".",
    "..",
    "/",
    "//",
    "../../etc/passwd",
    "/etc/../etc/passwd",
    "a/b",
    "a/",
    "\\..\\",
    "~",
    "/dev/null",
    "file:///etc/passwd",
    "a\x00b",
    "\x00",
    "." * 300,
]
_PLAIN = [
    "",
    " ",
    "  x  ",
    "x ",
    " x",
    "\t",
    "a b",
    "x" * 2,
    "%s",
    "%n%n",
    "{0}",
    "${x}",
    "None",
    "True",
    "[]",
    "{}",
    "null",
    "undefined",
]
_URIS = ["http://user:secret@host/", "qemu:///system?socket=/tmp/x", "//host", "x:y@z", "ssh://-oProxyCommand=x/"]


def _around(marks: list[str]) -> list[str]:
    """Each alone, within and at both ends of a name: what strips or splits sees only one of them."""
    return [text for mark in marks for text in (mark, f"a{mark}b", f"a{mark}", f"{mark}a")]


FAMILIES: dict[str, list[str]] = {
    "length": [
        *("x" * length for length in _LENGTHS),
        *("é" * (length // 2) for length in _LENGTHS),
        "a." * 127,
        "a" * 64 + ".b",
    ],
    "control": [f"a{mark}b" for mark in _CONTROLS],
    "line end": _around(_LINE_ENDS),
    "bidi": [f"a{mark}b" for mark in _BIDI],
    "invisible": _around(_INVISIBLE),
    "surrogate": _around(_SURROGATES),
    "noncharacter": [f"a{mark}b" for mark in _NONCHARACTERS],
    "letter": _around(_LETTERS),
    "number": _NUMBERS,
    "address": _ADDRESSES,
    "shell": _SHELL,
    "XML": _XML,
    "dnsmasq": _DNSMASQ,
    "Jinja": _JINJA,
    "YAML": _YAML,
    "HTML and SVG": _HTML,
    "CSV": _CSV,
    "path": _PATHS,
    "plain": _PLAIN,
    "URI": _URIS,
}
VALUES: list[str] = list(dict.fromkeys(value for family in FAMILIES.values() for value in family))


def is_one_sentence(text: str) -> bool:
    """Return whether people can read an error: a short line without what a terminal would obey or hide."""
    return 0 < len(text) < 2000 and text.isprintable() and "Traceback" not in text
