"""The command: python -m autograd "1/(1+exp(-(w*x+b)))" w=2 x=-1 b=-3."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from . import __version__
from ._engine import description, hidden
from .arguments import truncated_repr
from .drawing import RenderingError, draw, explain, explore, playground
from .drawing.drawing import FORMATS
from .expression import CONSTANTS, ExpressionError, build
from .gate import GATES
from .notation import short_name
from .value import Value

PAGES = ("html", "htm")
ENDINGS = (*FORMATS, *PAGES)  # of the file that -o names
LONGEST_LINE = 600  # characters of an error message
EXAMPLE = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
EXAMPLE_VALUES = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
DESCRIPTION = f"""\
Record an expression gate by gate, run it backward, print the walk (each gate's
upstream x local = downstream) and write the picture of its graph.

  python -m autograd "{EXAMPLE}" w0=2 x0=-1 w1=-3 x1=-2 w2=-3
  python -m autograd "(x+y)*z" x=-2 y=5 z=-4 -o xyz.png
  python -m autograd "(x+y)*z" x=-2 y=5 z=-4 -o xyz.html   (a page that steps through it)
  python -m autograd --page play.html   (a page in which one types formulas)

Without arguments it shows the first of these, a sigmoid neuron."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ExpressionError(f"{message[:200]} (--help shows the usage)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        flush()
        super().exit(status, message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m autograd",
        description=DESCRIPTION,
        epilog=f"gates: {', '.join(GATES)}\noperators: + - * / ** and unary -\n"
        f"constants: numbers, and {', '.join(CONSTANTS)} unless given a value",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("expression", nargs="?", help="names, numbers, operators and gates, in quotes")
    parser.add_argument("values", nargs="*", metavar="name=number", help="a value for every name in the expression")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the picture: .svg, .png, .pdf, .dot, or the page: .html (default: graph.svg)",
    )
    parser.add_argument("--page", metavar="FILE", help="only write a page in which one types formulas: .html")
    parser.add_argument("--digits", type=int, default=2, metavar="N", help="decimals in the picture (default: 2)")
    parser.add_argument("--version", action="version", version=_version())
    return parser


def _version() -> str:
    other = hidden()
    hides = (
        f"; {Path(__file__).parent} hides the compiled engine of {other}: pip install -e . builds it here"
        if other
        else ""
    )
    return f"gatewise {__version__} ({description}{hides})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or 2 after printing one line with the error."""
    try:
        options = _parser().parse_intermixed_args(_protect_negatives(sys.argv[1:] if arguments is None else arguments))
        output = Path("graph.svg" if options.output is None else options.output)
        if output.suffix.lower().lstrip(".") not in ENDINGS:
            raise ExpressionError(
                f"-o {truncated_repr(str(output))}: the picture's name must end in .{', .'.join(ENDINGS)}"
            )
        if not 0 <= options.digits <= 17:
            raise ExpressionError(f"--digits must be a number from 0 to 17, got {options.digits}")
        if options.expression is None:
            text, values = EXAMPLE, EXAMPLE_VALUES
        else:
            text, values = options.expression.strip(), _values(options.values)
        if options.page is not None:
            _write(playground(formula=text, values=values, digits=options.digits).save, options.page)
            flush()
            return 0
        root = build(text, values)
        root.backward()
        _report(text, root, values)
        code = _picture(root, output, options.digits, asked=options.output is not None)
        flush()
        return code
    except (ExpressionError, ArithmeticError, ValueError, RuntimeError) as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return _failed("interrupted")
    except OSError as error:
        if error.filename is not None:
            return _failed(f"cannot write {error.filename}: {error.strerror}")
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # otherwise Python would flush stdout again at exit
        if isinstance(error, BrokenPipeError):  # the reader of the output, such as head, has closed it
            return 0
        return _failed(f"cannot write the output: {error.strerror}")


def flush() -> None:
    """Flush the output now, so that an error is raised where it can be handled."""
    if sys.stdout is not None:  # None if it was closed before the command started
        sys.stdout.flush()


def _failed(message: str) -> int:
    """Print a message on one line of limited length, without control characters from the input."""
    line = " ".join(message.split())
    line = line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
    printable = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)
    print("autograd:", printable, file=sys.stderr)
    return 2


def _protect_negatives(arguments: Sequence[str]) -> list[str]:
    """Add a space before arguments such as -x*2 and --x, which argparse would take for options."""
    protected: list[str] = []
    given = {argument.partition("=")[0].strip() for argument in arguments}  # names with a value
    for i, argument in enumerate(arguments):
        if argument == "--":
            return [*protected, *(f" {rest}" for rest in arguments[i + 1 :])]
        follows_output = i > 0 and arguments[i - 1] in ("-o", "--output", "--page")
        option = (
            argument == "-h"
            or re.fullmatch(rf"-o|-o.+\.({'|'.join(ENDINGS)})|--(output|digits|version|help|page)", argument)
            or (re.fullmatch(r"--[a-z]+(=.*)?", argument) and argument[2:] not in given)
            or follows_output
        )
        protected.append(f" {argument}" if argument.startswith("-") and not option else argument)
    return protected


def _values(assignments: Sequence[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for assignment in assignments:
        name, equals, number = (part.strip() for part in assignment.partition("="))
        name = unicodedata.normalize("NFKC", name)  # as Python reads names
        if not equals or not name.isidentifier():
            shown = truncated_repr(assignment.strip())
            raise ExpressionError(f"{shown} is not name=number (put the whole expression in quotes)")
        if name in values:
            raise ExpressionError(f"{name} is given twice")
        try:
            values[name] = float(number)
        except ValueError:
            raise ExpressionError(
                f"{name}={short_name(number)}: {truncated_repr(number)} is not a number: write {_corrected(name, number)}"
            ) from None
        if math.isinf(values[name]) and "inf" not in number.lower():
            raise ExpressionError(f"{name}={short_name(number)} is beyond the range of a float (about 1.8e308)")
    return values


def _corrected(name: str, number: str) -> str:
    """Return the correct form of a number that Python cannot parse."""
    plain = number.replace("−", "-")
    if not re.fullmatch(r"-?\d+([.,]\d+)?", plain):
        return f"{name}=0.5 or {name}=1e-3, for example"
    thousands = f" or {name}={plain.replace(',', '')}" if re.fullmatch(r"-?\d{1,3},\d{3}", plain) else ""
    return f"{name}={plain.replace(',', '.')}{thousands}"


def _report(text: str, root: Value, values: dict[str, float]) -> None:
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # if the encoding lacks a character such as ×, print ?
    text = " ".join(text.split())
    print(f"{root.label} = {text}, at {', '.join(f'{name} = {x:g}' for name, x in values.items())}\n")
    print(explain(root, names=False))
    print(f"\n{root.label} = {root.data:.12g}")


def _picture(root: Value, output: Path, digits: int, *, asked: bool) -> int:
    if output.suffix.lower().lstrip(".") in PAGES:
        _write(explore(root, digits=digits, names=False).save, output)
        return 0
    drawing = draw(root, digits=digits, names=False)
    try:
        _write(drawing.save, output)
        return 0
    except RenderingError as error:
        _write(drawing.save, output.with_suffix(".dot"), f" ({error})")
    return 2 * asked


def _write(save: Callable[[Path], Path], path: str | Path, hint: str = "") -> None:
    """Save a picture or a page, and say where it is."""
    path = Path(path)
    try:
        written = save(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    print(f"{'page' if path.suffix.lower().lstrip('.') in PAGES else 'picture'}: {written}{hint}")


if __name__ == "__main__":
    sys.exit(main())
