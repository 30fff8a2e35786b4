/* Formulas as flat tapes.

   What a row of the table says is not known here: a row's rule, run on symbols, writes its formula down, tape.py lists
   the formula's steps, and this runs the list. So a gate that a user adds runs as fast as one of the table, and nothing
   that was compiled can be older than a row. */

#include <limits.h>
#include <math.h>

#include "opcodes.h" /* the table of functions, as setup.py writes it */

#define EACH_FUNCTION(X) ONE_OPERAND(X) TWO_OPERANDS(X) THREE_OPERANDS(X)
#define CODE(name, code, expression, refused) code,
#define NAME(name, code, expression, refused) name,
enum { EACH_FUNCTION(CODE) CODES };

/* The names that symbols give them. */
static const char *const code_names[CODES] = {EACH_FUNCTION(NAME)};

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

#define RUN(name, code, expression, refused) \
    case code: { \
        double r = expression; \
        if (refused) \
            return 0; \
        *result = r; \
        continue; \
    }

/* Run a tape on the inputs in its cells. False where a function or a division may have refused its operands: Python's
   rule then decides, and words the error. Nothing here runs Python code, so the cells are never used twice at once. */
static int
run(Tape *tape)
{
    double *v = tape->cell, *result = v + tape->first;
    const Step *end = tape->step + tape->steps;
    for (const Step *step = tape->step; step < end; step++, result++) {
        double a = v[step->a], b = v[step->b], c = v[step->c];
        switch (step->code) { EACH_FUNCTION(RUN) }
    }
    return 1;
}

static PyTypeObject Tape_Type;

static void
tape_dealloc(PyObject *self)
{
    Tape *tape = (Tape *)self;
    PyMem_Free(tape->step);
    PyMem_Free(tape->output);
    PyMem_Free(tape->cell);
    Py_TYPE(self)->tp_free(self);
}

/* Fill a tape, whose memory is zero, from tuples. Python code may run meanwhile, which does not see the tape. */
static int
fill_tape(Tape *tape, PyObject *constants, PyObject *steps, PyObject *outputs)
{
    int cells = tape->first + tape->steps;
    for (int i = tape->inputs; i < tape->first; i++) {
        tape->cell[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(constants, i - tape->inputs));
        if (tape->cell[i] == -1.0 && PyErr_Occurred())
            return -1;
    }
    for (int i = 0; i < tape->steps; i++) {
        Step *step = tape->step + i;
        PyObject *given = PyTuple_GET_ITEM(steps, i);
        unsigned made = (unsigned)(tape->first + i);
        if (!PyTuple_Check(given)) {
            PyErr_Format(PyExc_TypeError, "step %d of a tape must be a tuple (code, a, b, c), got %R", i, given);
            return -1;
        }
        if (!PyArg_ParseTuple(given, "iiii", &step->code, &step->a, &step->b, &step->c))
            return -1;
        if ((unsigned)step->code >= CODES || (unsigned)step->a >= made || (unsigned)step->b >= made
            || (unsigned)step->c >= made) {
            PyErr_Format(PyExc_ValueError, "step %d of a tape must take cells before it, by a known code, got %R", i, given);
            return -1;
        }
    }
    for (int i = 0; i < tape->outputs; i++) {
        long cell = PyLong_AsLong(PyTuple_GET_ITEM(outputs, i));
        if (cell == -1 && PyErr_Occurred())
            return -1;
        if (cell < -1 || cell >= cells) {
            PyErr_Format(PyExc_ValueError, "output %d of a tape must be one of its %d cells or -1, got %ld", i, cells, cell);
            return -1;
        }
        tape->output[i] = (int)cell;
    }
    return 0;
}

/* Make a tape from tuples. */
static Tape *
make_tape(PyTypeObject *type, int inputs, PyObject *constants, PyObject *steps, PyObject *outputs)
{
    Py_ssize_t cells = inputs + PyTuple_GET_SIZE(constants) + PyTuple_GET_SIZE(steps);
    if (inputs < 0 || cells >= INT_MAX || PyTuple_GET_SIZE(outputs) >= INT_MAX) {
        PyErr_Format(PyExc_ValueError, "a tape must have 0 inputs or more and fewer than 2**31 cells, got %d inputs", inputs);
        return NULL;
    }
    Tape *tape = (Tape *)type->tp_alloc(type, 0);
    if (tape == NULL)
        return NULL;
    tape->inputs = inputs;
    tape->first = inputs + (int)PyTuple_GET_SIZE(constants);
    tape->steps = (int)PyTuple_GET_SIZE(steps);
    tape->outputs = (int)PyTuple_GET_SIZE(outputs);
    tape->step = PyMem_Calloc((size_t)tape->steps + 1, sizeof(Step));
    tape->output = PyMem_Calloc((size_t)tape->outputs + 1, sizeof(int));
    tape->cell = PyMem_Calloc((size_t)cells + 1, sizeof(double));
    if (tape->step == NULL || tape->output == NULL || tape->cell == NULL)
        PyErr_NoMemory();
    else if (fill_tape(tape, constants, steps, outputs) == 0)
        return tape;
    Py_DECREF((PyObject *)tape);
    return NULL;
}

/* Tape(inputs, constants, steps, outputs): lists of floats, of (code, a, b, c), and of cells. */
static PyObject *
tape_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named))
{
    int inputs;
    PyObject *list[3], *copy[3] = {NULL, NULL, NULL}; /* copies, because numbers of the lists' items may run Python code */
    if (!PyArg_ParseTuple(args, "iO!O!O!:Tape", &inputs, &PyList_Type, list, &PyList_Type, list + 1, &PyList_Type, list + 2))
        return NULL;
    Tape *tape = NULL;
    int copied = 1;
    for (int i = 0; copied && i < 3; i++)
        copied = (copy[i] = PyList_AsTuple(list[i])) != NULL;
    if (copied)
        tape = make_tape(type, inputs, copy[0], copy[1], copy[2]);
    for (int i = 0; i < 3; i++)
        Py_XDECREF(copy[i]);
    return (PyObject *)tape;
}

/* Tell whether x is a tape of so many inputs and outputs. */
static int
is_tape_of(PyObject *x, Py_ssize_t inputs, Py_ssize_t outputs)
{
    return Py_IS_TYPE(x, &Tape_Type) && ((Tape *)x)->inputs == inputs && ((Tape *)x)->outputs == outputs;
}

/* Tell whether x is a tape of so many inputs that gives one number. */
static int
is_formula(PyObject *x, Py_ssize_t inputs)
{
    return is_tape_of(x, inputs, 1) && ((Tape *)x)->output[0] >= 0;
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
