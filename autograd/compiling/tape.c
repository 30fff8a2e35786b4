/* A tape: the operations of a scalar program, one after the other, each over the samples of a block.

   A slot holds a number for each sample of a block. The code of a tape is a list of runs of one operation: its number, how
   many there are, and for each of these where the result goes and what it takes, which are slots, or for the operations that
   move numbers in and out a place outside. `tape.py` writes the code. It is checked once, when a Code is made of it, so that
   running it checks no more than the sizes of the arrays. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <fenv.h>

#include "../native/abi.h"
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
            if (part == 1 && block.start >= block.batch) {
                part++;
                continue;
            }
            block.samples = part == 1 && block.batch - block.start < LANES ? (int)(block.batch - block.start) : LANES;
            feclearexcept(FE_ALL_EXCEPT);
            executor(sections[part], block);
            errors = check ? fetestexcept(FE_OVERFLOW | FE_DIVBYZERO | FE_INVALID) : 0;
            if (part == 1) block.start += LANES;
            else part++;
        }
        Py_END_ALLOW_THREADS;
        if (PyErr_CheckSignals()) return -1;
        if (errors) return 0;
    }
    return 1;
}

/* Checked code: its sections, constants, and how much of everything outside it takes. */
typedef struct {
    PyObject_HEAD
    int32_t *code[3];
    Py_ssize_t length[3];
    double *constants;
    Py_ssize_t slots, constant_count, parameters, inputs, outputs, results;
    int32_t *columns; /* of each input */
} Code;

/* Check one number of a step, and count what it refers to. */
static int fits(Code *code, int section, char kind, int32_t place, int32_t before) {
    Py_ssize_t most = kind == 's' ? code->slots : kind == 'c' ? code->constant_count : INT32_MAX;
    if (kind == '-') return 1;
    if (place < 0 || place >= most) return 0;
    if (kind == 'i' || kind == 'o') { /* which only blocks of samples have */
        if (section != 1) return 0;
    }
    Py_ssize_t *count = kind == 'p' ? &code->parameters : kind == 'i' ? &code->inputs : kind == 'o' ? &code->outputs
                      : kind == 'r' ? &code->results : NULL;
    if (count && place >= *count) *count = (Py_ssize_t)place + 1;
    if (kind == 'x' && code->columns && place >= code->columns[before]) code->columns[before] = place + 1;
    return 1;
}

/* Check the sections; the columns are counted the second time, when there is memory for them. */
static int check_code(Code *code) {
    for (int section = 0; section < 3; section++) {
        const int32_t *at = code->code[section], *end = at + code->length[section];
        while (at < end) {
            int known = end - at >= 2 && at[0] >= 0 && at[0] < OPERATIONS && at[1] >= 0;
            const char *shape = known ? SHAPES[at[0]] : "";
            ptrdiff_t size = (ptrdiff_t)strlen(shape);
            known = known && at[1] <= (end - at - 2) / size;
            int32_t n = known ? at[1] : 0;
            for (at += 2; known && n--; at += size)
                for (ptrdiff_t k = 0; known && k < size; k++) known = fits(code, section, shape[k], at[k], k ? at[k - 1] : 0);
            if (!known) {
                PyErr_Format(PyExc_ValueError, "section %d of the code must be runs of known operations on what there is", section);
                return -1;
            }
        }
    }
    return 0;
}

/* A copy of a buffer of things of some size; NULL with an error. */
static void *copied(const Py_buffer *view, Py_ssize_t size, Py_ssize_t *count) {
    if (view->len % size) {
        PyErr_Format(PyExc_ValueError, "code and constants must be arrays of whole numbers of %zd bytes", size);
        return NULL;
    }
    void *copy = PyMem_Malloc((size_t)view->len + 1);
    if (!copy) return PyErr_NoMemory();
    if (view->len) memcpy(copy, view->buf, (size_t)view->len);
    *count = view->len / size;
    return copy;
}

static void code_dealloc(PyObject *self) {
    Code *code = (Code *)self;
    PyTypeObject *type = Py_TYPE(self);
    for (int i = 0; i < 3; i++) PyMem_Free(code->code[i]);
    PyMem_Free(code->constants);
    PyMem_Free(code->columns);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

PyDoc_STRVAR(code_doc, "Code(once, each, after, slots, constants)\n--\n\n\
Three sections of code that was checked: for before all samples, for each block of them, for after all.");

static PyObject *code_new(PyTypeObject *type, PyObject *args, PyObject *named) {
    static char *names[] = {"once", "each", "after", "slots", "constants", NULL};
    Py_buffer views[4];
    Py_ssize_t slots;
    if (!PyArg_ParseTupleAndKeywords(args, named, "y*y*y*ny*:Code", names, &views[0], &views[1], &views[2], &slots, &views[3]))
        return NULL;
    Code *code = (Code *)type->tp_alloc(type, 0);
    int made = code != NULL;
    if (made && (slots < 0 || slots > INT32_MAX)) {
        PyErr_Format(PyExc_ValueError, "slots must be from 0 to 2**31 - 1, got %zd", slots);
        made = 0;
    }
    for (int i = 0; made && i < 3; i++)
        made = (code->code[i] = copied(&views[i], (Py_ssize_t)sizeof(int32_t), &code->length[i])) != NULL;
    made = made && (code->constants = copied(&views[3], (Py_ssize_t)sizeof(double), &code->constant_count)) != NULL;
    for (int i = 0; i < 4; i++) PyBuffer_Release(&views[i]);
    if (made) {
        code->slots = slots;
        made = check_code(code) == 0;
    }
    if (made) {
        code->columns = PyMem_Calloc((size_t)code->inputs + 1, sizeof *code->columns);
        if (code->columns) made = check_code(code) == 0;
        else made = PyErr_NoMemory() != NULL;
    }
    if (!made) Py_CLEAR(code);
    return (PyObject *)code;
}

/* Take an input's buffer, of doubles with a row for each column and as many samples as the others have. */
static int take_input(const Code *code, Py_ssize_t i, PyObject *array, Py_buffer *view, Py_ssize_t *batch) {
    if (PyObject_GetBuffer(array, view, PyBUF_RECORDS_RO)) return -1;
    int columns = i < code->inputs ? code->columns[i] : 0;
    const char *format = view->format ? view->format : "";
    format += *format == '@' || *format == '=' || *format == '^'; /* as NumPy says that numbers may not be aligned */
    int doubles = view->itemsize == (Py_ssize_t)sizeof(double) && !strcmp(format, "d");
    if (doubles && view->ndim == 2 && view->shape[0] >= columns && (!i || view->shape[1] == *batch)) {
        *batch = view->shape[1];
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "input %zd must be a 2-dimensional array of doubles, with %d rows or more, and as many columns "
                 "as the other inputs", i, columns);
    PyBuffer_Release(view);
    return -1;
}

/* Whether a buffer holds so many doubles, or more, where a processor may read them. */
static int holds(const Py_buffer *view, Py_ssize_t rows, Py_ssize_t columns, const char *name) {
    Py_ssize_t there = view->len / (Py_ssize_t)sizeof(double);
    if ((!columns || rows <= there / columns) && !((uintptr_t)view->buf % sizeof(double))) return 1;
    PyErr_Format(PyExc_ValueError, "%s must be an aligned array of %zd times %zd doubles, got %zd bytes", name, rows, columns,
                 view->len);
    return 0;
}

PyDoc_STRVAR(run_doc, "run(parameters, inputs, outputs, results, check, generation)\n--\n\n\
Run the code. `inputs` are a tuple of arrays of doubles, a row for each of their columns. Return whether all went well: False,\n\
and nothing useful in outputs and results, where with `check` an operation overflowed or was undefined.");

static PyObject *code_run(PyObject *self, PyObject *args) {
    const Code *code = (Code *)self;
    Py_buffer parameters, outputs, results;
    int check, chosen, done = -1;
    PyObject *inputs;
    if (!PyArg_ParseTuple(args, "y*O!w*w*pi:run", &parameters, &PyTuple_Type, &inputs, &outputs, &results, &check, &chosen))
        return NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(inputs), taken = 0, batch = 0;
    Py_buffer *given = PyMem_Calloc((size_t)n + 1, sizeof *given);
    Input *found = PyMem_Calloc((size_t)n + 1, sizeof *found);
    char *memory = PyMem_RawMalloc((size_t)code->slots * LANES * sizeof(double) + 64);
    int fine = given && found && memory;
    if (!fine) PyErr_NoMemory();
    if (fine && n < code->inputs) {
        PyErr_Format(PyExc_ValueError, "inputs must be a tuple of %zd arrays, got %zd", code->inputs, n);
        fine = 0;
    }
    for (; fine && taken < n; taken += fine) {
        fine = !take_input(code, taken, PyTuple_GET_ITEM(inputs, taken), &given[taken], &batch);
        if (fine) found[taken] = (Input){given[taken].buf, given[taken].strides[0], given[taken].strides[1]};
    }
    if (fine && !n && code->outputs) batch = outputs.len / (Py_ssize_t)sizeof(double) / code->outputs;
    if (fine && holds(&parameters, code->parameters, 1, "parameters") && holds(&outputs, code->outputs, batch, "outputs")
        && holds(&results, code->results, 1, "results")) {
        double *aligned = (double *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
        Block block = {aligned, code->constants, parameters.buf, found, outputs.buf, results.buf, batch, 0, LANES};
        Section sections[3];
        for (int i = 0; i < 3; i++) sections[i] = (Section){code->code[i], code->length[i]};
        done = run_sections(sections, block, EXECUTORS[chosen < 0 || chosen > generation() ? generation() : chosen], check);
    }
    PyMem_RawFree(memory);
    PyMem_Free(found);
    while (taken) PyBuffer_Release(&given[--taken]);
    PyMem_Free(given);
    PyBuffer_Release(&parameters);
    PyBuffer_Release(&outputs);
    PyBuffer_Release(&results);
    return done < 0 ? NULL : PyBool_FromLong(done);
}

static PyMethodDef CODE_METHODS[] = {{"run", code_run, METH_VARARGS, run_doc}, {0}};
static PyType_Slot CODE_SLOTS[] = {
    {Py_tp_doc, (void *)code_doc}, {Py_tp_new, code_new}, {Py_tp_dealloc, code_dealloc}, {Py_tp_methods, CODE_METHODS}, {0, NULL}
};
static PyType_Spec CODE_SPEC = {
    .name = "autograd.compiling._tape.Code", .basicsize = sizeof(Code), .flags = Py_TPFLAGS_DEFAULT, .slots = CODE_SLOTS,
};

static int filled(PyObject *module) {
    PyObject *operations = PyDict_New();
    if (!operations) return -1;
    for (int i = 0; i < OPERATIONS; i++) {
        PyObject *known = Py_BuildValue("ii", i, (int)strlen(SHAPES[i]) - 1);
        int failed = !known || PyDict_SetItemString(operations, NAMES[i], known);
        Py_XDECREF(known);
        if (failed) {
            Py_DECREF(operations);
            return -1;
        }
    }
    PyObject *type = PyType_FromSpec(&CODE_SPEC);
    int failed = !type || PyModule_AddType(module, (PyTypeObject *)type) || PyModule_AddObjectRef(module, "OPERATIONS", operations);
    Py_DECREF(operations);
    Py_XDECREF(type);
    return failed || PyModule_AddIntConstant(module, "ABI", ABI) || PyModule_AddIntConstant(module, "LANES", LANES) ||
                   PyModule_AddIntConstant(module, "GENERATIONS", generation() + 1)
               ? -1
               : 0;
}

static PyModuleDef_Slot MODULE_SLOTS[] = {{Py_mod_exec, filled}, {0, NULL}};
static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, .m_name = "_tape", .m_doc = "A tape over blocks of samples.", .m_slots = MODULE_SLOTS,
};

PyMODINIT_FUNC PyInit__tape(void) { return PyModuleDef_Init(&MODULE); }
