"""The command: python -m demos lists the demos, python -m demos xor runs one, python -m demos --all -o out/ runs all."""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import inspect
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

from autograd.drawing import RenderingError
from autograd.files import replace_file

from . import ALL, CHAPTERS, WITH_MORE
from .page import Entry, page


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 2 with one line that says what is wrong."""
    try:
        run_command(arguments)
    except ImportError as error:
        extras = "demos,jax" if error.name in ("jax", "optax") else "demos"
        print(f'demos: {error}; pip install "gatewise[{extras}]" brings what they need', file=sys.stderr)
        return 2
    except OSError as error:
        reason = "it is a file, and figures go into a folder" if isinstance(error, FileExistsError) else error.strerror
        print(f"demos: cannot read or write {error.filename or 'a figure'}: {reason}", file=sys.stderr)
        return 2
    except RenderingError as error:
        print(f"demos: {error}", file=sys.stderr)
        return 2
    return 0


def run_command(arguments: Sequence[str] | None) -> None:
    """List demos, or run those that the arguments name."""
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    common.add_argument("names", nargs="*", metavar="demo", help="which to run, such as xor")
    common.add_argument("--all", action="store_true", help="run all, and write index.html, which shows them")
    common.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="where figures go (default: .)"
    )
    every = (*ALL, *WITH_MORE)
    options, more = common.parse_known_args(arguments)
    parents, named = [common], [name for name in options.names if name in every]
    if more and len(named) == 1:
        own = getattr(importlib.import_module(f"demos.{named[0]}"), "OPTIONS", None)
        parents += [own] if own else []
    parser = argparse.ArgumentParser(
        prog="python -m demos",
        description="Short programs with figures, from one gate to trained networks. Without arguments it lists them.",
        parents=parents,
        conflict_handler="resolve",  # the options of a demo have a -h too
        allow_abbrev=False,
    )
    options = parser.parse_args(arguments)
    given = {name: value for name, value in vars(options).items() if name not in ("names", "all", "output")}
    names = ALL if options.all else options.names
    if unknown := [name for name in options.names if name not in every]:
        close = [f"did you mean {name}? " for name in difflib.get_close_matches(unknown[0], every, n=1)]
        parser.error(f"there is no demo {unknown[0]!r}; {''.join(close)}python -m demos lists all")
    if options.all and options.names:
        parser.error(f"--all runs every demo: leave out {' '.join(options.names)}, or leave out --all")
    if not names:
        width = max(map(len, every))
        for name in every:
            print(f"{name:{width}}  {first_line(name)}")
        return
    options.output.mkdir(parents=True, exist_ok=True)
    if options.all:
        print(f"{write_page(options.output)}")
        return
    for name in names:
        demo = importlib.import_module(f"demos.{name}")
        try:
            demo.main(options.output, **given)
        except ValueError as error:
            if not given:
                raise
            parser.error(f"{name}: {error}")


def first_line(name: str) -> str:
    """Return the first line of a demo's docstring, without importing it."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def write_page(out: Path) -> Path:
    """Run all demos into a folder and write the index page; return its path."""
    chapters: dict[str, list[Entry]] = {}
    for chapter, names in CHAPTERS.items():
        for name in names:
            print(f"{name} …", flush=True)
            chapters.setdefault(chapter, []).append(run(importlib.import_module(f"demos.{name}"), out))
    path = out / "index.html"
    replace_file(path, page(chapters).encode())
    return path


def run(demo: ModuleType, out: Path) -> Entry:
    """Run a demo and return its entry on the index page."""
    name = demo.__name__.rpartition(".")[2]
    printed = io.StringIO()
    with redirect_stdout(printed):
        demo.main(out)
    figures = [path for path in out.iterdir() if path.suffix in (".png", ".svg", ".gif") and belongs(path.stem, name)]
    figures.sort(key=lambda path: path.stat().st_mtime_ns)  # in the order in which they were drawn
    return Entry(
        name, inspect.getdoc(demo) or "", printed.getvalue(), [path.name for path in figures], inspect.getsource(demo)
    )


def belongs(stem: str, name: str) -> bool:
    """Tell whether a figure belongs to a demo, as xor.png and xor-graph.svg belong to xor."""
    return stem == name or stem.startswith(f"{name}-")


if __name__ == "__main__":
    sys.exit(main())
