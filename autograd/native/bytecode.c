/* Bytecode: running, making and checking it. */

#include "bytecode.h"

#include <limits.h>
#include <math.h>

#define NAME(name, code, expression, may_raise) name,
const char *const code_names[CODES] = {EACH_FUNCTION(NAME)};

PyTypeObject *bytecode_type;

#define RUN(name, code, expression, may_raise) \
    case code: { \
        double r = expression; \
        if (may_raise) \
            return 0; \
        *result = r; \
        continue; \
    }

int
run_bytecode(Bytecode *bytecode)
{
    double *v = bytecode->cell, *result = v + bytecode->first;
    const Step *end = bytecode->step + bytecode->steps;
    for (const Step *step = bytecode->step; step < end; step++, result++) {
        double a = v[step->a], b = v[step->b], c = v[step->c];
        switch (step->code) { EACH_FUNCTION(RUN) }
    }
    return 1;
}

static void
bytecode_dealloc(PyObject *self)
{
    Bytecode *bytecode = (Bytecode *)self;
    PyMem_Free(bytecode->step);
    PyMem_Free(bytecode->output);
    PyMem_Free(bytecode->cell);
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

/* Fill zeroed bytecode from tuples. Python code may run meanwhile, but has no reference to it yet. */
static int
fill(Bytecode *bytecode, PyObject *constants, PyObject *steps, PyObject *outputs)
{
    int cells = bytecode->first + bytecode->steps;
    for (int i = bytecode->inputs; i < bytecode->first; i++) {
        bytecode->cell[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(constants, i - bytecode->inputs));
        if (bytecode->cell[i] == -1.0 && PyErr_Occurred())
            return -1;
    }
    for (int i = 0; i < bytecode->steps; i++) {
        Step *step = bytecode->step + i;
        PyObject *given = PyTuple_GET_ITEM(steps, i);
        unsigned made = (unsigned)(bytecode->first + i);
        if (!PyTuple_Check(given)) {
            PyErr_Format(PyExc_TypeError, "step %d of bytecode must be a tuple (code, a, b, c), got %R", i, given);
            return -1;
        }
        if (!PyArg_ParseTuple(given, "iiii", &step->code, &step->a, &step->b, &step->c))
            return -1;
        if ((unsigned)step->code >= CODES || (unsigned)step->a >= made || (unsigned)step->b >= made
            || (unsigned)step->c >= made) {
            PyErr_Format(PyExc_ValueError, "step %d of bytecode must take cells before it, by a known code, got %R", i, given);
            return -1;
        }
    }
    for (int i = 0; i < bytecode->outputs; i++) {
        long cell = PyLong_AsLong(PyTuple_GET_ITEM(outputs, i));
        if (cell == -1 && PyErr_Occurred())
            return -1;
        if (cell < -1 || cell >= cells) {
            PyErr_Format(PyExc_ValueError, "output %d of bytecode must be one of its %d cells or -1, got %ld", i, cells, cell);
            return -1;
        }
        bytecode->output[i] = (int)cell;
    }
    return 0;
}

/* Make bytecode from tuples. */
static Bytecode *
make(PyTypeObject *type, int inputs, PyObject *constants, PyObject *steps, PyObject *outputs)
{
    Py_ssize_t cells = inputs + PyTuple_GET_SIZE(constants) + PyTuple_GET_SIZE(steps);
    if (inputs < 0 || cells >= INT_MAX || PyTuple_GET_SIZE(outputs) >= INT_MAX) {
        PyErr_Format(PyExc_ValueError, "bytecode must have 0 inputs or more and fewer than 2**31 cells, got %d inputs", inputs);
        return NULL;
    }
    Bytecode *bytecode = (Bytecode *)type->tp_alloc(type, 0);
    if (bytecode == NULL)
        return NULL;
    bytecode->inputs = inputs;
    bytecode->first = inputs + (int)PyTuple_GET_SIZE(constants);
    bytecode->steps = (int)PyTuple_GET_SIZE(steps);
    bytecode->outputs = (int)PyTuple_GET_SIZE(outputs);
    bytecode->step = PyMem_Calloc((size_t)bytecode->steps + 1, sizeof(Step));
    bytecode->output = PyMem_Calloc((size_t)bytecode->outputs + 1, sizeof(int));
    bytecode->cell = PyMem_Calloc((size_t)cells + 1, sizeof(double));
    if (bytecode->step == NULL || bytecode->output == NULL || bytecode->cell == NULL)
        PyErr_NoMemory();
    else if (fill(bytecode, constants, steps, outputs) == 0)
        return bytecode;
    Py_DECREF((PyObject *)bytecode);
    return NULL;
}

/* Bytecode(inputs, constants, steps, outputs): lists of floats, of (code, a, b, c), and of cells. */

static PyObject *
bytecode_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named))
{
    int inputs;
    PyObject *list[3], *copy[3] = {NULL, NULL, NULL}; /* copies, because converting an item may run Python code that changes the list */
    if (!PyArg_ParseTuple(args, "iO!O!O!:Bytecode", &inputs, &PyList_Type, list, &PyList_Type, list + 1, &PyList_Type, list + 2))
        return NULL;
    Bytecode *bytecode = NULL;
    int copied = 1;
    for (int i = 0; copied && i < 3; i++)
        copied = (copy[i] = PyList_AsTuple(list[i])) != NULL;
    if (copied)
        bytecode = make(type, inputs, copy[0], copy[1], copy[2]);
    for (int i = 0; i < 3; i++)
        Py_XDECREF(copy[i]);
    return (PyObject *)bytecode;
}

int
is_bytecode_of(PyObject *x, Py_ssize_t inputs, Py_ssize_t outputs)
{
    return Py_IS_TYPE(x, bytecode_type) && ((Bytecode *)x)->inputs == inputs && ((Bytecode *)x)->outputs == outputs;
}

int
is_formula(PyObject *x, Py_ssize_t inputs)
{
    return is_bytecode_of(x, inputs, 1) && ((Bytecode *)x)->output[0] >= 0;
}

static PyType_Slot bytecode_slots[] = {
    {Py_tp_doc, "A formula as a list of steps."},
    {Py_tp_new, bytecode_new},
    {Py_tp_dealloc, bytecode_dealloc},
    {0, NULL}
};

PyType_Spec bytecode_spec = {
    .name = "autograd.native.core.Bytecode",
    .basicsize = sizeof(Bytecode),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = bytecode_slots,
};
