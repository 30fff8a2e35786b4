"""Why a text is not an expression: the column, and what to write instead of the notation of school."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from keyword import iskeyword

__all__ = ["ALLOWED", "BEYOND", "fault", "foreign", "listing", "product", "short_name"]

BEYOND = "this number is beyond the range of a float (about 1.8e308)"
ALLOWED = "an expression is made of names, numbers, + - * / **, parentheses and gates such as exp(x)"
WRITTEN = {
    "^": "**", "−": "-", "·": "*", "⋅": "*", "∙": "*", "•": "*", "×": "*", "∗": "*", "÷": "/", "∕": "/", "⁄": "/",
    "√": "sqrt(…)", "∑": "sum([…])", "∞": "a number",
    **dict.fromkeys("≤≥≠", "where(x, a, b), which gives a if x > 0 and else b,"),
}  # fmt: skip
DIGITS = "0123456789."
TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>0[xXoObB]\w+|(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d[\d_]*)?)|(?P<name>[^\W\d]\w*)"
    r"|(?P<operator>\*\*|[-+*/])|(?P<comma>,)|(?P<open>[(\[])|(?P<close>[)\]])|(?P<other>.)"
)
# sin²(x) and sin^2(x): a function's name, a power, and perhaps its input.
RAISED = "⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹"  # some of which are letters or digits to \w
POWER = re.compile(
    rf"\b(?P<name>[^\W\d{RAISED}][^\W{RAISED}]*)(?:\s*(?:\^|\*\*)\s*(?P<power>[-−]?\w+)\b|(?P<raised>[{RAISED}]+)(?![{RAISED}]))"
    rf"\s*(?:\((?P<input>[^()]*)\)|(?P<word>[^\W{RAISED}]+)|(?=\())"
)


def foreign(text: str, gates: Container[str]) -> tuple[int, str] | None:
    """Return the first notation that an expression writes otherwise, by its index, and what to write instead.

    >>> foreign("x² + sin²(x)", {"sin"}), foreign("sin²(x)", {"sin"})
    ((1, 'write **2 instead of ²'), (0, 'write sin(x)**2 instead of sin²'))
    """
    found = [*filter(None, (_foreign_power(text, gates), _foreign_sign(text)))]
    return min(found, default=None)


def _foreign_power(text: str, gates: Container[str]) -> tuple[int, str] | None:
    """Return the first power between a gate and its input, which the table of signs would advise to write with **."""
    for match in POWER.finditer(text):
        if match["name"] in gates:
            power = unicodedata.normalize("NFKC", match["power"] or match["raised"]).replace("−", "-")
            of, end = match["input"] or match["word"] or "…", match.end("power" if match["power"] else "raised")
            call = f"{match['name']}({short_name(of)})**{short_name(power)}"
            return match.start(), f"write {call} instead of {short_name(text[match.start() : end])}"
    return None


def _foreign_sign(text: str) -> tuple[int, str] | None:
    for i, sign in enumerate(text):
        instead = WRITTEN.get(sign) or _plain(sign)
        if instead:
            return i, f"write {instead} instead of {sign}"
    return None


def _plain(sign: str) -> str:
    """Return a sign beyond ASCII as ASCII, or nothing where it can stand for itself or for nothing."""
    if sign.isascii():
        return ""
    if unicodedata.category(sign) == "Pd":  # dashes
        return "-"
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    plain = unicodedata.normalize("NFKC", sign).replace("⁄", "/").replace("−", "-")
    if f"x{sign}".isidentifier() or not re.fullmatch(r"\d+(/\d+)?|[-+*/(),.=\[\]]", plain, re.ASCII):
        return ""
    kind = unicodedata.decomposition(sign).partition(" ")[0]
    return f"**{plain}" if kind == "<super>" else f"({plain})" if kind == "<fraction>" else plain


def fault(text: str, gates: Container[str]) -> tuple[int, str] | None:
    """Return where a text that cannot be parsed stops being an expression, and why; None where Python knows better.

    >>> fault("2x", ())
    (1, 'write 2*x')
    """
    last: re.Match[str] | None = None
    for token in TOKEN.finditer(text):
        kind, sign = token.lastgroup, token[0]
        before = last.lastgroup if last else "open"
        operand = before in ("number", "name", "close")  # ends here
        if kind == "space":
            continue
        if kind == "other":
            return token.start(), _stranger(sign)
        if kind == "number" and len(sign) > 308 and sign.replace("_", "").isdecimal():  # Python reads 4,300 digits
            return token.start(), BEYOND
        if kind == "name" and iskeyword(sign):
            return token.start(), f"{sign} is a word of Python, which cannot be a name"
        if last and operand and kind in ("number", "name", "open") and (before, kind) != ("name", "open"):
            if last[0] in gates and kind != "open":
                return token.start(), f"write {last[0]}({short_name(sign)})"
            return token.start(), product(last[0], sign)
        missing = not operand and (kind == "comma" or (kind == "operator" and sign not in "+-"))
        if missing or (kind == "close" and before == "operator"):
            return token.start(), f"something is missing before {sign}"
        last = token
    if last and last.lastgroup == "operator":
        return last.end(), f"something is missing after {last[0]}"
    return None


def product(left: str, right: str) -> str:
    """Return the advice for two operands without an operator between them."""
    if left[-1] in DIGITS and right[0] in DIGITS:
        return f"an operator is missing between {left[:40]} and {right[:40]}"
    if (left[-1] + right[0]).isalnum():
        return f"write {short_name(left)}*{short_name(right)}"
    return f"write * between {short_name(left)} and {short_name(right)}"


def short_name(name: str, width: int = 40) -> str:
    """Return the beginning of a name."""
    return name if len(name) <= width else f"{name[: width - 1]}…"


def listing(names: Sequence[str], most: int) -> str:
    """Return the first of some names, and how many there are beyond them.

    >>> listing(["x", "y", "z"], 2)
    'x, y and 1 more'
    """
    rest = f" and {len(names) - most:,} more" * (len(names) > most)
    return ", ".join(map(short_name, names[:most])) + rest


def _stranger(sign: str) -> str:
    if sign == "|":
        return "write abs(x) instead of |x|"
    if sign == "=":
        return 'the expression has no =; values come behind it, as in "x*y" x=2 y=3'
    return f"{sign if sign.isprintable() else f'the character U+{ord(sign):04X}'} is not allowed: {ALLOWED}"
