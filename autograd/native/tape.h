/* Formulas as flat tapes.

   What a row of the table says is not known here: a row's rule, run on symbols, writes its formula down, tape.py lists
   the formula's steps, and this runs the list. So a gate that a user adds runs as fast as one of the table, and nothing
   that was compiled can be older than a row. */

#include <math.h>

enum {
    ADD, SUB, MUL, DIV, NEGATIVE, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, WHERE,
    ABS, MAXIMUM, MINIMUM, POW, EXP, EXPM1, LOG, LOG1P, SQRT, SIN, COS, TANH, CODES
};

/* The names that symbols give them. */
static const char *const code_names[CODES] = {
    "+", "-", "*", "/", "negative", "<", "<=", ">", ">=", "where",
    "abs", "maximum", "minimum", "pow", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh"
};

typedef struct {
    int code;
    int a, b, c; /* the cells of its operands */
} Step;

/* Its cells hold the inputs, then the constants, then the result of each step. */
typedef struct {
    PyObject_HEAD
    int inputs, first, steps, outputs; /* first: the cell of the first step */
    Step *step;
    int *output; /* the cells of the results; -1 where there is none */
    double *cell;
} Tape;

/* Run a tape on the inputs in its cells. False where a function or a division may have refused its operands: Python's
   rule then decides, and words the error. Nothing here runs Python code, so the cells are never used twice at once. */
static int
run(Tape *tape)
{
    double *v = tape->cell, *result = v + tape->first;
    const Step *end = tape->step + tape->steps;
    for (const Step *step = tape->step; step < end; step++, result++) {
        double a = v[step->a], b = v[step->b];
        switch (step->code) {
        case ADD: *result = a + b; continue;
        case SUB: *result = a - b; continue;
        case MUL: *result = a * b; continue;
        case NEGATIVE: *result = -a; continue;
        case LESS: *result = a < b; continue;
        case LESS_EQUAL: *result = a <= b; continue;
        case GREATER: *result = a > b; continue;
        case GREATER_EQUAL: *result = a >= b; continue;
        case WHERE: *result = a != 0.0 ? b : v[step->c]; continue;
        case ABS: *result = fabs(a); continue;
        case MAXIMUM: *result = a > b || a != a ? a : b; continue;
        case MINIMUM: *result = a < b || a != a ? a : b; continue;
        case DIV:
            if (b == 0.0)
                return 0;
            *result = a / b;
            continue;
        case POW: *result = pow(a, b); break;
        case EXP: *result = exp(a); break;
        case EXPM1: *result = expm1(a); break;
        case LOG: *result = log(a); break;
        case LOG1P: *result = log1p(a); break;
        case SQRT: *result = sqrt(a); break;
        case SIN: *result = sin(a); break;
        case COS: *result = cos(a); break;
        case TANH: *result = tanh(a); break;
        }
        if (!isfinite(*result))
            return 0;
    }
    return 1;
}

static void
tape_dealloc(PyObject *self)
{
    Tape *tape = (Tape *)self;
    PyMem_Free(tape->step);
    PyMem_Free(tape->output);
    PyMem_Free(tape->cell);
    Py_TYPE(self)->tp_free(self);
}

/* Tape(inputs, constants, steps, outputs): lists of floats, of (code, a, b, c), and of cells. */
static PyObject *
tape_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named))
{
    int inputs;
    PyObject *constants, *steps, *outputs;
    if (!PyArg_ParseTuple(args, "iO!O!O!", &inputs, &PyList_Type, &constants, &PyList_Type, &steps, &PyList_Type, &outputs))
        return NULL;
    Tape *tape = (Tape *)type->tp_alloc(type, 0);
    if (tape == NULL)
        return NULL;
    tape->inputs = inputs;
    tape->first = inputs + (int)PyList_GET_SIZE(constants);
    tape->steps = (int)PyList_GET_SIZE(steps);
    tape->outputs = (int)PyList_GET_SIZE(outputs);
    int cells = tape->first + tape->steps;
    tape->step = PyMem_Calloc(tape->steps + 1, sizeof(Step));
    tape->output = PyMem_Calloc(tape->outputs + 1, sizeof(int));
    tape->cell = PyMem_Calloc(cells + 1, sizeof(double));
    if (tape->step == NULL || tape->output == NULL || tape->cell == NULL) {
        Py_DECREF(tape);
        return PyErr_NoMemory();
    }
    for (int i = inputs; i < tape->first; i++)
        tape->cell[i] = PyFloat_AsDouble(PyList_GET_ITEM(constants, i - inputs));
    for (int i = 0; i < tape->steps && !PyErr_Occurred(); i++) {
        Step *step = tape->step + i;
        int done = tape->first + i;
        if (PyArg_ParseTuple(PyList_GET_ITEM(steps, i), "iiii", &step->code, &step->a, &step->b, &step->c)
            && ((unsigned)step->code >= CODES || (unsigned)step->a >= (unsigned)done || (unsigned)step->b >= (unsigned)done
                || (unsigned)step->c >= (unsigned)done))
            PyErr_Format(PyExc_ValueError, "step %d of a tape names what comes after it", i);
    }
    for (int i = 0; i < tape->outputs && !PyErr_Occurred(); i++) {
        tape->output[i] = (int)PyLong_AsLong(PyList_GET_ITEM(outputs, i));
        if (tape->output[i] < -1 || tape->output[i] >= cells)
            PyErr_Format(PyExc_ValueError, "output %d of a tape is no cell of it", i);
    }
    if (PyErr_Occurred()) {
        Py_DECREF(tape);
        return NULL;
    }
    return (PyObject *)tape;
}

static PyTypeObject Tape_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "autograd.native.core.Tape",
    .tp_basicsize = sizeof(Tape),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "A formula as a list of steps.",
    .tp_new = tape_new,
    .tp_dealloc = tape_dealloc,
};
