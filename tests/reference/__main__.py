"""Writes the API reference from the docstrings, as HTML: python -m tests.reference FOLDER. Needs pdoc (extra `docs`)."""

from __future__ import annotations

import sys
import warnings
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pdoc.doc
import pdoc.render

import autograd

from .. import surface
from .markdown import markdown

HERE = Path(__file__).parent
# What a reader meets first; the rest follows in the order of the package, gates at the end.
FIRST = {
    "autograd": "Value gate Gate Kink draw explain explore to_dot check_gradients finite_differences grad value_and_grad "
    "jacobian hessian jvp vjp hvp linearize compile CompiledProgram no_grad detect_anomaly scope topological_order adjoints "
    "is_stale Page",
    "nn": "Module Neuron Layer MLP Sequential Concat Activation fit History evaluate Optimiser SGD Adam AdamW "
    "clip_gradients squared_error mean_squared_error binary_cross_entropy binary_cross_entropy_with_logits "
    "cross_entropy cross_entropy_with_logits negative_log_likelihood hinge binary_hinge",
}


class Written:
    """An annotation as its author wrote it, which tells a reader more than what it resolves to."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def as_written(annotation: Any, *_: Any) -> Any:
    return Written(getattr(annotation, "__forward_arg__", annotation)) if _is_text(annotation) else annotation


def _is_text(annotation: Any) -> bool:
    return isinstance(annotation, str) or hasattr(annotation, "__forward_arg__")


class Module(pdoc.doc.Module):
    """A module with what is public in it: gates as the functions that they are."""

    @cached_property
    def members(self) -> dict[str, pdoc.doc.Doc[Any]]:
        every = dict(surface.public(self.obj))
        first = FIRST.get(self.fullname, "").split()
        assert set(first) <= set(every), sorted(set(first) - set(every))
        rest = [name for name in every if name not in first]
        order = [*first, *sorted(rest, key=lambda name: isinstance(every[name], autograd.Gate))]
        return {name: self.described(name, every[name]) for name in order}

    def described(self, name: str, thing: Any) -> pdoc.doc.Doc[Any]:
        if isinstance(thing, type):
            found = pdoc.doc.Class(self.modulename, name, thing, (thing.__module__, thing.__qualname__))
            for member in [m.name for m in found.members.values() if m.kind == "variable" and not m.docstring]:
                del found.members[member]  # fields are told of in the docstring of the class
            return found
        return pdoc.doc.Function(self.modulename, name, thing, (self.modulename, name))

    @cached_property
    def submodules(self) -> list[pdoc.doc.Module]:
        return [Module(import_module(name)) for name in surface.MODULES if name.startswith(f"{self.fullname}.")]


def write(folder: Path) -> list[Path]:
    """Write the pages, and return them."""
    vars(pdoc.doc)["safe_eval_type"] = as_written
    pdoc.render.env.filters["to_markdown"] = markdown
    pdoc.render.configure(docformat="markdown", template_directory=HERE, footer_text=f"gatewise {autograd.__version__}")
    modules: dict[str, pdoc.doc.Module] = {name: Module(import_module(name)) for name in surface.MODULES}
    texts = {
        f"{name.replace('.', '/')}.html": pdoc.render.html_module(module, modules) for name, module in modules.items()
    }
    texts["index.html"] = pdoc.render.html_index(modules)
    texts["search.js"] = pdoc.render.search_index(modules)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in surface.names():
        module = next(m for m in sorted(modules, key=len, reverse=True) if name.startswith(f"{m}."))
        place = f'<section id="{name.removeprefix(module + ".")}">'
        if place not in texts[f"{module.replace('.', '/')}.html"]:
            raise LookupError(f"{name} is not in the reference")
    return [folder / name for name in texts]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python -m tests.reference FOLDER")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pages = write(Path(sys.argv[1]))
    print(f"{len(pages)} files; open {pages[-2]}")
