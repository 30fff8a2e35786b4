"""A determinant by expansion along the first row; its gradient is the matrix of cofactors."""

from typing import Any


def det(rows: list[list[Any]]) -> Any:
    if len(rows) == 1:
        return rows[0][0]
    total, sign = 0.0, 1
    for j, a in enumerate(rows[0]):
        minor = det([row[:j] + row[j + 1 :] for row in rows[1:]])
        total, sign = total + sign * a * minor, -sign
    return total
