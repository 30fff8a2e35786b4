"""Says whether built packages hold every file of the import packages: python -m tests.packages dist/*."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILT = (".pyc", ".so", ".pyd")


def missing(package: Path) -> list[str]:
    """Return the files of autograd and nn that a wheel or an sdist lacks: Python, and what the pages are made of."""
    if package.suffix == ".whl":
        names = set(zipfile.ZipFile(package).namelist())
    else:
        with tarfile.open(package) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
    files = [path for folder in ("autograd", "nn") for path in (ROOT / folder).rglob("*")]
    wanted = [path.relative_to(ROOT).as_posix() for path in files if path.is_file() and path.suffix not in BUILT]
    return [name for name in wanted if name not in names]


if __name__ == "__main__":
    for package in map(Path, sys.argv[1:]):
        lacks = missing(package)
        print(f"{package.name}: {'lacks ' + ', '.join(lacks) if lacks else 'complete'}")
        if lacks:
            sys.exit(1)
