/* A tape: the operations of a scalar program, one after the other, each over the samples of a block.

   A slot holds a number for each sample of a block. The code of a tape is a list of runs of one operation: its number, how
   many there are, and for each of these where the result goes and what it takes, which are slots, or for the operations that
   move numbers in and out a place outside. `tape.py` writes the code; it is trusted here. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <fenv.h>

#include "operations.h"

#define PATIENCE 4000000 /* operations on blocks between two looks for an interrupt: about 20 ms */

/* The same code for processors of several generations; the last that this one is, runs. */
typedef void Executor(Section, Block);
static void plain(Section section, Block block) { execute(section, block); }
#if defined(__GNUC__) && defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void avx2(Section section, Block block) { execute(section, block); }
__attribute__((target("avx2,fma,avx512f,avx512dq,avx512vl"))) static void avx512(Section section, Block block) {
    execute(section, block);
}
static Executor *const EXECUTORS[] = {plain, avx2, avx512};
static int generation(void) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") ? 2 : 1;
}
#else
static Executor *const EXECUTORS[] = {plain};
static int generation(void) { return 0; }
#endif

/* Run the sections, those of samples block by block. Return -1 with an exception, 0 if a check fails, 1 if all is well. */
static int run_sections(const Section sections[3], Block block, Executor *executor, int check) {
    Py_ssize_t patience = 1 + PATIENCE / (1 + sections[1].length);
    for (int part = 0, errors = 0; part < 3;) {
        Py_BEGIN_ALLOW_THREADS;
        for (Py_ssize_t i = 0; i < patience && part < 3 && !errors; i++) {
            block.samples = part == 1 && block.batch - block.start < LANES ? (int)(block.batch - block.start) : LANES;
            feclearexcept(FE_ALL_EXCEPT);
            executor(sections[part], block);
            errors = check ? fetestexcept(FE_OVERFLOW | FE_DIVBYZERO | FE_INVALID) : 0;
            if (part == 1) block.start += LANES;
            part += part != 1 || block.start >= block.batch;
        }
        Py_END_ALLOW_THREADS;
        if (PyErr_CheckSignals()) return -1;
        if (errors) return 0;
    }
    return 1;
}

PyDoc_STRVAR(run_doc, "run(once, each, after, slots, constants, parameters, inputs, outputs, results, check, generation)\n--\n\n\
Run three sections of code: before all samples, for each block of them, after all. `inputs` are a tuple of arrays of doubles,\n\
a row for each of their columns. Return whether all went well: False, and nothing useful in outputs and results, where with\n\
`check` an operation overflowed or was undefined.");

static PyObject *run(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer views[7];
    Py_ssize_t slots;
    int check, chosen, done = -1;
    PyObject *inputs;
    if (!PyArg_ParseTuple(args, "y*y*y*ny*y*O!w*w*pi", &views[0], &views[1], &views[2], &slots, &views[3], &views[4],
                          &PyTuple_Type, &inputs, &views[5], &views[6], &check, &chosen))
        return NULL;
    Section sections[3];
    for (int i = 0; i < 3; i++) sections[i] = (Section){views[i].buf, views[i].len / (Py_ssize_t)sizeof(int32_t)};
    Py_ssize_t n = PyTuple_GET_SIZE(inputs), taken = 0, batch = 0;
    Py_buffer *given = PyMem_Calloc((size_t)n + 1, sizeof *given);
    Input *found = PyMem_Calloc((size_t)n + 1, sizeof *found);
    char *memory = PyMem_RawMalloc((size_t)slots * LANES * sizeof(double) + 64);
    if (!given || !found || !memory) PyErr_NoMemory();
    else
        for (; taken < n && !PyObject_GetBuffer(PyTuple_GET_ITEM(inputs, taken), &given[taken], PyBUF_STRIDED_RO); taken++) {
            found[taken] = (Input){given[taken].buf, given[taken].strides[0], given[taken].strides[1]};
            batch = given[taken].shape[1];
        }
    if (!PyErr_Occurred()) {
        double *aligned = (double *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
        Block block = {aligned, views[3].buf, views[4].buf, found, views[5].buf, views[6].buf, batch, 0, LANES};
        done = run_sections(sections, block, EXECUTORS[chosen < 0 || chosen > generation() ? generation() : chosen], check);
    }
    PyMem_RawFree(memory);
    PyMem_Free(found);
    while (taken) PyBuffer_Release(&given[--taken]);
    PyMem_Free(given);
    for (int i = 0; i < 7; i++) PyBuffer_Release(&views[i]);
    return done < 0 ? NULL : PyBool_FromLong(done);
}

static PyMethodDef METHODS[] = {{"run", run, METH_VARARGS, run_doc}, {NULL, NULL, 0, NULL}};

#ifndef SOURCE
#define SOURCE "" /* built without the project's setup.py */
#endif

static int filled(PyObject *module) {
    PyObject *operations = PyDict_New();
    if (!operations) return -1;
    for (int i = 0; i < OPERATIONS; i++) {
        PyObject *known = Py_BuildValue("ii", i, i < ADD ? 1 : i < WHERE ? 2 : 3);
        int failed = !known || PyDict_SetItemString(operations, NAMES[i], known);
        Py_XDECREF(known);
        if (failed) {
            Py_DECREF(operations);
            return -1;
        }
    }
    int failed = PyModule_AddObjectRef(module, "OPERATIONS", operations);
    Py_DECREF(operations);
    return failed || PyModule_AddStringConstant(module, "SOURCE", SOURCE) || PyModule_AddIntConstant(module, "LANES", LANES) ||
                   PyModule_AddIntConstant(module, "GENERATIONS", generation() + 1)
               ? -1
               : 0;
}

static PyModuleDef_Slot MODULE_SLOTS[] = {{Py_mod_exec, filled}, {0, NULL}};
static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, .m_name = "_tape", .m_doc = "A tape over blocks of samples.", .m_methods = METHODS,
    .m_slots = MODULE_SLOTS,
};

PyMODINIT_FUNC PyInit__tape(void) { return PyModuleDef_Init(&MODULE); }
