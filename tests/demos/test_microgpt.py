"""microgpt: compiled and eager training agree, it learns, and bad names are refused."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from autograd import draw, explain
from demos import microgpt
from demos.microgpt import GPT, encode, read_names, train

LETTERS = "abcdefghijklmnopqrstuvwxyz "


def names() -> list[list[int]]:
    return [
        encode(name, LETTERS) for name in ("london", "oslo", "rio branco", "yap", "port of spain", "comodrivadavia")
    ]


def test_compiled_and_eager_agree_over_20_steps() -> None:
    compiled, eager = GPT(28, Random(1)), GPT(28, Random(1))
    assert train(compiled, names(), 20) == pytest.approx(train(eager, names(), 20, eager=True), rel=1e-9)
    pairs = zip(compiled.parameters(), eager.parameters(), strict=True)
    assert all(p.data == pytest.approx(q.data, rel=1e-9, abs=1e-12) for p, q in pairs)


def test_it_learns_and_invents_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = microgpt.main(tmp_path)
    assert found["first"] > 3.1
    assert found["last"] < 2.65
    _, invented = capsys.readouterr().out.splitlines()
    assert len(invented.removeprefix("invented: ").split(", ")) == 10
    assert (tmp_path / "microgpt.png").exists()


def test_the_graph_of_six_letters_is_drawn_and_explained() -> None:
    model, (*tokens, end) = GPT(28, Random(1)), encode("london", LETTERS)
    loss = model.loss(tokens, [*tokens[1:], end], [1 / 7] * 7)
    loss.backward()
    picture = draw(loss, level="layer").source
    assert all(name in picture for name in ("embedding", "attention", "head", "MLP", "logits"))
    assert sum(" [" in line and "->" not in line for line in picture.splitlines()) <= 25
    assert "every path" in str(explain(loss, wrt=model.wq[0][0]))


@pytest.mark.parametrize("name", ["", "zürich", "a" * 16])
def test_names_that_it_does_not_take(name: str) -> None:
    with pytest.raises(ValueError, match="name must have 1 to 15 of the characters"):
        encode(name, LETTERS)


def test_names_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("ann\nbo\n", encoding="utf-8")
    assert read_names(path) == ["ann", "bo"]
    path.write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="must have a name on every line"):
        read_names(path)
    with pytest.raises(FileNotFoundError):
        read_names(tmp_path / "missing.txt")
    path.write_text("ann\n\nbo\n", encoding="utf-8")
    with pytest.raises(ValueError, match="name must have 1 to 15"):
        microgpt.main(tmp_path, path)


def test_it_is_read_in_one_go() -> None:
    assert len(Path(microgpt.__file__).read_text(encoding="utf-8").splitlines()) <= 150
