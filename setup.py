"""Builds the compiled engine where there is a C compiler; where there is none, the package is the pure Python engine.

Everything else about the package is in pyproject.toml. GATEWISE_ENGINE=pure builds without it, as for a wheel that runs
anywhere; GATEWISE_ENGINE=native makes it an error if it cannot be built.
"""

import importlib
import os
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

WANTED = os.environ.get("GATEWISE_ENGINE", "")
# The compiled engine relies on CPython's lock: one thread at a time.
FITS = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
if not FITS and WANTED == "native":
    sys.exit("gatewise: GATEWISE_ENGINE=native, but the compiled engine needs CPython with its global lock (GIL)")
if not FITS:
    print("gatewise: the compiled engine needs CPython with its global lock (GIL), so the pure Python engine runs")
FLAGS = {
    "autograd.native.core": ["-ffp-contract=off", "-fvisibility=hidden"],  # rounds as Python; its parts call directly
    "autograd.compiling._tape": [
        *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),  # so that loops become vectors
        "-fno-tree-pre",  # gcc would compute what is then not chosen, as in t > 0 ? x / t : 0, and find an error there
        *("--param", "max-completely-peeled-insns=40"),  # less of gcc's time; the code runs as fast
        *("-Wno-unused-command-line-argument", "-Wno-ignored-optimization-argument"),  # clang has neither
    ],
}
sys.modules["tables"] = tables = ModuleType("tables")  # two modules of the package without its face, which needs more
tables.__path__ = ["autograd"]
header = importlib.import_module("tables.symbols").header


class BuildIfPossible(build_ext):
    """Builds the extension, or says on one line that the pure Python engine will run."""

    def build_extension(self, ext):
        msvc = self.compiler.compiler_type == "msvc"
        folder = Path(self.build_temp)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "opcodes.h").write_text(header(), encoding="utf-8")
        ext.include_dirs.append(str(folder))
        ext.extra_compile_args = ["/std:c11", "/fp:precise"] if msvc else ["-O3", *FLAGS[ext.name]]
        try:
            super().build_extension(ext)
        except Exception as error:
            if WANTED == "native":
                raise
            reason = str(error).strip().splitlines() or [type(error).__name__]
            print(f"gatewise: the compiled engine could not be built, so the pure Python engine runs ({reason[0]})")


class Whole(sdist):
    """Puts tests, demos and C sources into the source distribution, beside the packages."""

    def make_distribution(self):
        for folder in ("autograd", "nn", "tests", "demos"):
            self.filelist.graft(folder)
        for pattern in ("*.py[cod]", "*.so", "*.pyd"):
            self.filelist.global_exclude(pattern)
        super().make_distribution()


def extension(name, *sources):
    """Return an extension of C files, which is built again where any header was changed, too."""
    return Extension(
        name,
        sources=list(map(str, sources)),
        depends=[*map(str, sorted(Path("autograd").glob("*/*.h"))), "autograd/functions.py", "autograd/symbols.py"],
        optional=WANTED != "native",
    )


extensions = [
    extension("autograd.native.core", *sorted(Path("autograd/native").glob("*.c"))),
    extension("autograd.compiling._tape", *sorted(Path("autograd/compiling").glob("*.c"))),
]
setup(
    ext_modules=extensions if FITS and WANTED != "pure" else [], cmdclass={"build_ext": BuildIfPossible, "sdist": Whole}
)
