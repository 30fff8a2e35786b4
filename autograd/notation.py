"""Explain why a text is not an expression: the index of the fault, and how to write mathematical notation here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from itertools import takewhile
from keyword import iskeyword

__all__ = [
    "ALLOWED",
    "BEYOND",
    "CONDITION",
    "ELSEWHERE",
    "SECOND_INPUT",
    "WORDS",
    "WRITTEN",
    "bad_character",
    "foreign_notation",
    "listing",
    "precedence_advice",
    "product_advice",
    "short_name",
    "syntax_fault",
]

BEYOND = "this number is beyond the range of a float (about 1.8e308)"
ALLOWED = "an expression is made of names, numbers, + - * / **, parentheses and gates such as exp(x)"
CONDITION = "a condition (where(x, a, b) gives a if x > 0, else b)"
WRITTEN = {
    "^": "**", "−": "-", "·": "*", "⋅": "*", "∙": "*", "•": "*", "×": "*", "∗": "*", "÷": "/", "∕": "/", "⁄": "/",
    "√": "sqrt(…)", "∛": "cbrt(…)", "∜": "(…)**(1/4)", "∑": "sum([…])", "∞": "a number",
    **dict.fromkeys("°º", "(…*pi/180)"),
    **dict.fromkeys("≤≥≠", "where(x, a, b), which gives a if x > 0 and else b,"),
    **dict.fromkeys("±∓", "+ or -, in one expression each,"),
}  # fmt: skip
# Functions that are not gates, written with gates; empty if gates cannot express one.
ELSEWHERE = {
    name: instead
    for names, instead in (
        ("tg", "tan(x)"),
        ("cot ctg", "cos(x)/sin(x)"),
        ("sec", "1/cos(x)"),
        ("csc cosec", "1/sin(x)"),
        ("coth", "1/tanh(x)"),
        ("sech", "2/(exp(x) + exp(-x))"),
        ("csch", "2/(exp(x) - exp(-x))"),
        ("sind", "sin(x*pi/180)"),
        ("cosd", "cos(x*pi/180)"),
        ("arsinh arcsinh", "asinh(x)"),
        ("arcosh arccosh", "acosh(x)"),
        ("artanh arctanh", "atanh(x)"),
        ("arcsin", "asin(x)"),
        ("arccos", "acos(x)"),
        ("arctan arctg", "atan(x)"),
        ("arctan2", "atan2(y, x)"),
        ("log_2 lb ld", "log2(x)"),
        ("log_10 lg", "log10(x)"),
        ("exp10", "10**x"),
        ("power", "x**y"),
        ("square sqr", "x**2"),
        ("min", "minimum(x, y)"),
        ("fabs", "abs(x)"),
        ("sgn signum", "sign(x)"),
        ("heaviside", "step(x)"),
        ("sigma σ logistic expit", "sigmoid(x)"),
        ("logit", "log(x/(1 - x))"),
        ("logsigmoid", "-softplus(-x)"),
        ("swish", "silu(x)"),
        ("product", "prod([x, y])"),
        ("sinc floor ceil round trunc mod fmod gamma lgamma selu celu softmax argmax argmin", ""),
    )
    for name in names.split()
}
# Functions that take a second input elsewhere, written with gates.
SECOND_INPUT = {
    "log": "log(x)/log(b) for the logarithm to the base b",
    "ln": "log(x)/log(b) for the logarithm to the base b",
    "sqrt": "x**(1/n) for the root of order n",
}
# Operators that are words elsewhere, and their advice.
WORDS = {"mod": "there is no operator mod, and no combination of gates gives it", "div": "write / instead of div"}
DIGITS = "0123456789."
TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>0[xXoObB]\w+|(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d[\d_]*)?)|(?P<name>[^\W\d]\w*)"
    r"|(?P<operator>\*\*|[-+*/])|(?P<comma>,)|(?P<open>[(\[])|(?P<close>[)\]])|(?P<other>.)"
)
# sin²(x) and sin^2(x): a function's name, a power, and perhaps its input.
RAISED = "⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹"  # \w matches some of them
POWER = re.compile(
    rf"\b(?P<name>[^\W\d{RAISED}][^\W{RAISED}]*)(?:\s*(?:\^|\*\*)\s*(?P<power>[-−]?\w+\b|[({{]\s*[-−]?\w+\s*[)}}])|(?P<raised>[{RAISED}]+)(?![{RAISED}]))"
    rf"\s*(?:\((?P<input>[^()]*)\)|(?P<word>[^\W{RAISED}]+)|(?=\())"
)


def foreign_notation(text: str, gates: Container[str]) -> tuple[int, str] | None:
    """Return the index of the first mathematical notation that is not allowed, and what to write instead.

    >>> foreign_notation("x² + sin²(x)", {"sin"}), foreign_notation("sin²(x)", {"sin"})
    ((1, 'write **2 instead of ²'), (0, 'write sin(x)**2 instead of sin²'))
    """
    found = [*filter(None, (_foreign_power(text, gates), _foreign_sign(text)))]
    return min(found, default=None)


def _foreign_power(text: str, gates: Container[str]) -> tuple[int, str] | None:
    """Return the first power written between a gate and its input, as in sin²(x). WRITTEN would give wrong advice for it."""
    for match in POWER.finditer(text):
        if match["name"] in gates:
            power = _as_ascii(match["power"] or match["raised"]).strip("(){} ")
            of, end = match["input"] or match["word"] or "…", match.end("power" if match["power"] else "raised")
            name, written = short_name(match["name"]), short_name(text[match.start() : end])
            call = f"{name}({short_name(of)})**{short_name(power)}"
            if power == "-1":
                return (
                    match.start(),
                    f"write {call} if {written} is 1/{name}; the inverse of {name} is another function",
                )
            return match.start(), f"write {call} instead of {written}"
    return None


def _foreign_sign(text: str) -> tuple[int, str] | None:
    for i, sign in enumerate(text):
        kind, start, run = _decomposition_tag(sign), i, sign
        if sign in WRITTEN:
            instead = WRITTEN[sign]
        elif kind == "<super>":
            run = _run(text, i)
            power = _as_ascii(run)
            instead = short_name(f"**{power}" if re.fullmatch(r"-?\w*|\(.*\)", power) else f"**({power})")
        elif kind == "<sub>" and _run(text, i).isdigit():
            run = _run(text, i)
            instead = short_name(_as_ascii(run))
        elif kind == "<fraction>" and (whole := re.search(r"(?<![\w.])\d+$", text[:i])):  # 1½ is a sum, not a product
            start, run = whole.start(), whole[0] + sign
            instead = short_name(f"({whole[0]}+{_as_ascii(sign)})")
        else:
            instead = _ascii_form(sign)
        if instead:
            return start, f"write {instead} instead of {short_name(run)}"
    return None


def _decomposition_tag(sign: str) -> str:
    """Return the tag of a character's Unicode decomposition: <super>, <sub>, <fraction>, … or an empty string."""
    return unicodedata.decomposition(sign).partition(" ")[0]


def _run(text: str, start: int) -> str:
    """Return the characters from `start` on that have the same decomposition tag."""
    kind = _decomposition_tag(text[start])
    return "".join(takewhile(lambda sign: _decomposition_tag(sign) == kind, text[start:]))


def _as_ascii(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("⁄", "/").replace("−", "-")


def _ascii_form(sign: str) -> str:
    """Return the ASCII form of a character. Empty if it is ASCII, allowed in a name, or has no such form."""
    if sign.isascii():
        return ""
    if unicodedata.category(sign) == "Pd":  # dashes
        return "-"
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    plain = _as_ascii(sign)
    if f"x{sign}".isidentifier() or not re.fullmatch(r"\d+(/\d+)?|[-+*/(),.=\[\]]", plain, re.ASCII):
        return ""
    return f"({plain})" if _decomposition_tag(sign) == "<fraction>" else plain


def syntax_fault(text: str, gates: Container[str]) -> tuple[int, str] | None:
    """Return the index of the first syntax fault in a text, and why; None if Python's own message is to be used.

    >>> syntax_fault("2x", ())
    (1, 'write 2*x')
    """
    last: re.Match[str] | None = None
    for token in TOKEN.finditer(text):
        kind, sign = token.lastgroup, token[0]
        before = last.lastgroup if last else "open"
        after_operand = before in ("number", "name", "close")
        if kind == "space":
            continue
        if kind == "other":
            return token.start(), bad_character(sign)
        if (
            kind == "number" and len(sign) > 308 and sign.replace("_", "").isdecimal()
        ):  # Python itself accepts 4,300 digits
            return token.start(), BEYOND
        if kind == "name" and iskeyword(sign):
            return token.start(), f"{sign} is a keyword of Python and cannot be a name"
        if last and after_operand and kind in ("number", "name", "open") and (before, kind) != ("name", "open"):
            if sign in WORDS:
                return token.start(), WORDS[sign]
            if last[0] in gates and kind != "open":
                word = re.match(r"\w+(\*\*-?\w+)?", text[token.start() :])
                return token.start(), f"write {last[0]}({short_name(word[0] if word else sign)})"
            return token.start(), product_advice(last[0], sign) + precedence_advice(text, last.end())
        missing = not after_operand and (kind == "comma" or (kind == "operator" and sign not in "+-"))
        if missing or (kind == "close" and before == "operator"):
            return token.start(), f"something is missing before {sign}"
        last = token
    if last and last.lastgroup == "operator":
        return last.end(), f"something is missing after {last[0]}"
    return None


def product_advice(left: str, right: str) -> str:
    """Return the advice for two operands without an operator between them."""
    if left[-1] in DIGITS and right[0] in DIGITS:
        return f"an operator is missing between {left[:40]} and {right[:40]}"
    if (left[-1] + right[0]).isalnum():
        return f"write {short_name(left)}*{short_name(right)}"
    return f"write * between {short_name(left)} and {short_name(right)}"


def precedence_advice(text: str, end: int) -> str:
    """Return an addition to product_advice where / or ** precedes the left operand, which ends at index `end`.

    >>> precedence_advice("1/2x", 3), precedence_advice("1/(x+1)(x-1)", 7), precedence_advice("1 + 2x", 5)
    (', in parentheses if / takes all of it', ', in parentheses if / takes all of it', '')
    """
    head, depth = text[:end].rstrip(), 0
    for i in reversed(range(len(head) if head.endswith(")") else 0)):
        depth += (head[i] == ")") - (head[i] == "(")
        if not depth:
            head = head[:i]
            break
    head = re.sub(r"[\w.]+$", "", head.rstrip()).rstrip("+- ")
    sign = next((sign for sign in ("/", "**") if head.endswith(sign)), "")
    return sign and f", in parentheses if {sign} takes all of it"


def short_name(name: str, width: int = 40) -> str:
    """Return a name cut to `width` characters."""
    return name if len(name) <= width else f"{name[: width - 1]}…"


def listing(names: Sequence[str], most: int) -> str:
    """Return the first `most` names, and the number of the others.

    >>> listing(["x", "y", "z"], 2)
    'x, y and 1 more'
    """
    rest = f" and {len(names) - most:,} more" * (len(names) > most)
    return ", ".join(map(short_name, names[:most])) + rest


def bad_character(sign: str) -> str:
    """Return why a character cannot stand in an expression, and what to write instead.

    >>> bad_character("|")
    'write abs(x) instead of |x|'
    """
    if sign == "|":
        return "write abs(x) instead of |x|"
    if sign == "%":
        return "write (…/100) instead of …%"
    if sign in "{}":
        return f"write {'(' if sign == '{' else ')'} instead of {sign}"
    if sign == "\\":
        return "\\ is not allowed: write sqrt(x), x/y and x*y for the commands of LaTeX"
    if sign in "<>":
        return f"{CONDITION} is not allowed: {ALLOWED}"
    if sign == "=":
        return 'the expression must not contain =: write values after it, as in "x*y" x=2 y=3'
    return f"{sign if sign.isprintable() else f'the character U+{ord(sign):04X}'} is not allowed: {ALLOWED}"
