"""The answers of the course's checks: an error in an exercise becomes a sentence, and a hint stays folded until it is opened.

`show` shows a plot with its alternative text.

The notebooks import this file from their own folder.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from io import BytesIO
from typing import Any

from autograd import Value

__all__ = ["checking", "not_yet", "show"]


def not_yet(verdict: str, hint: str = "") -> None:
    """Print that an exercise is not right yet, and offer a hint: folded in a notebook, else as a line.

    >>> not_yet("the gradient in y is wrong.", "What is upstream there?")
    not yet: the gradient in y is wrong.
    hint: What is upstream there?
    """
    print("not yet:", verdict)
    if not _in_notebook():
        print(*[f"hint: {hint}"] * bool(hint), end="\n" if hint else "")
    elif hint:
        from IPython.display import HTML, display

        display(HTML(f"<details><summary>a hint</summary>{escape(hint)}</details>"))


def show(words: str) -> None:
    """Show the current figure of matplotlib. In a notebook it is an image whose alternative text is `words`."""
    import matplotlib.pyplot as plt

    if not _in_notebook():
        plt.show()
        return
    from IPython.display import HTML, display

    image = BytesIO()
    plt.savefig(image, format="png")
    plt.close()
    display(HTML(f'<img alt="{escape(words)}" src="data:image/png;base64,{b64encode(image.getvalue()).decode()}">'))


def _in_notebook() -> bool:
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


@contextmanager
def checking(*answers: Callable[..., Any]) -> Iterator[None]:
    """Run a check of the functions that a reader wrote; if one of them raises, say so in a sentence.

    >>> def slope(x):
    ...     return y
    >>> with checking(slope):
    ...     slope(1.0)
    not yet: slope raises NameError: name 'y' is not defined
    hint: Use the parameters of the function, spelt as in its first line.
    """
    names = " or ".join(answer.__name__ for answer in answers)
    for answer in answers:
        code = answer.__code__
        taken = [name for name in code.co_names if isinstance(answer.__globals__.get(name), Value)]
        if taken:
            print(
                f"note: {answer.__name__} reads {taken[0]} from a cell above. Use the parameters of the function instead."
            )
    try:
        yield
    except Exception as problem:  # whatever a reader may write
        said = " ".join(str(problem).split())
        not_yet(f"{names} raises {type(problem).__name__}: {said}", _hint(problem, said))


def _hint(problem: Exception, said: str) -> str:
    """Return what to look for after an error."""
    if isinstance(problem, NameError):
        return "Use the parameters of the function, spelt as in its first line."
    if isinstance(problem, KeyError):
        return "The dictionary has no entry of that name. What belongs there before the first contribution has come?"
    if "None" in said:
        return "Does the function end in return, on every way through it?"
    if isinstance(problem, (IndexError, ValueError, TypeError)):
        return "Does the function return as many numbers as its docstring lists, each of them a number?"
    return "Call the function in a cell of its own, with the numbers of the example, and look at what it returns."
