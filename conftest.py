"""What holds for every test, and for the examples of the README, of the pages and of the docstrings."""

from collections.abc import Iterator

import pytest

from autograd import GATES


@pytest.fixture(autouse=True)
def same_gates() -> Iterator[None]:
    """Take the gates that a test or an example added out of the table again."""
    known = {*GATES}
    yield
    for name in GATES.keys() - known:
        del GATES[name]
