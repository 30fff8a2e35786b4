"""Colours of pictures. DOT text is written with a private-use character for each colour; a theme replaces them.

No label contains such a character, because text that is not printable is replaced in labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ..arguments import truncated_repr

__all__ = [
    "BACK", "BLUE", "CARD", "FOLD", "FORMULA", "GRADIENT", "INK", "NEGATIVE", "NOW", "PALE", "POSITIVE", "ROOT", "THEMES",
    "Theme", "check_theme", "paint",
]  # fmt: skip

Theme = Literal["light", "dark", "transparent"]

CODES = [chr(0xE000 + i) for i in range(12)]
BACK, CARD, INK, PALE, GRADIENT, FORMULA, BLUE, FOLD, ROOT, NOW, POSITIVE, NEGATIVE = CODES
LIGHT = (
    "#ffffff", "#ffffff", "#1b1f24", "#6b7280", "#b3311d", "#2f5d8a", "#d6e6f5", "#eceff3", "#ffedb8", "#ffd75e",
    "#1d5fa8", "#c05a00",
)  # fmt: skip
DARK = (
    "#13161a", "#1c2127", "#e9ecef", "#a3adb8", "#ff9f88", "#8fc2ff", "#24425f", "#2a313a", "#574a1c", "#6b5500",
    "#7db8ff", "#ffb057",
)  # fmt: skip
COLOURS: Mapping[Theme, Sequence[str]] = {"light": LIGHT, "dark": DARK, "transparent": ("transparent", *LIGHT[1:])}
THEMES = {name: {ord(code): x for code, x in zip(CODES, colours, strict=True)} for name, colours in COLOURS.items()}


def paint(template: str, theme: Theme) -> str:
    """Return DOT text with the colours of a theme."""
    return template.translate(THEMES[theme])


def check_theme(theme: object) -> None:
    """Raise a ValueError unless theme is the name of one."""
    if theme not in THEMES:
        raise ValueError(f"theme must be 'light', 'dark' or 'transparent', got {truncated_repr(theme)}")
