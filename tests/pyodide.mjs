// Runs tests in WebAssembly: node tests/pyodide.mjs FOLDER FILE… with FOLDER the one that holds node_modules/pyodide
// (npm install --prefix FOLDER pyodide) and python/ with graphviz, mpmath and pytest (pip install --target FOLDER/python …).
// There the packages run unchanged, on the pure Python engine and without numpy.

import { resolve } from "node:path";

const [folder, ...files] = process.argv.slice(2);
const { loadPyodide } = await import(resolve(folder, "node_modules/pyodide/pyodide.mjs"));
const pyodide = await loadPyodide();
for (const [at, root] of [["/project", process.cwd()], ["/python", resolve(folder, "python")]]) {
  pyodide.FS.mkdir(at);
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root }, at);
}
pyodide.globals.set("files", pyodide.toPy(files));
process.exitCode = pyodide.runPython(`
import os, sys
sys.dont_write_bytecode = True
sys.path += ["/project", "/python"]
os.chdir("/project")
import pytest
from autograd._engine import description
assert sys.platform == "emscripten" and description.startswith("pure Python"), description
print("Python", sys.version.split()[0], "in WebAssembly,", description)
int(pytest.main(["-q", "--noconftest", "-p", "no:cacheprovider", *files]))  # the conftest needs hypothesis
`);
