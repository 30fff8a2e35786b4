/* A row of the table as C sees it: the tapes of its rules beside the Python functions that derive.py wrote from them.

   A Row is callable, and is what `gate.record` is. A leaf has a row too, which says its role. */

#define INPUTS_MOST 10 /* maximum number of named inputs, as in row.py */

typedef struct {
    enum { NOTHING, NUMBER, CELL, FORMULA } kind;
    double number;
    int cell; /* of the inputs and, after them, the output */
    Tape *tape;
} Slope;

struct Row {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *origin; /* the Gate, or the Role of a leaf */
    PyObject *record; /* the derived Python functions */
    PyObject *pull;
    PyObject *by_count; /* of a gate with any number of inputs: gives the tapes for a count */
    PyObject *tapes;    /* the tapes by count; None: the count was seen once; False: there are none */
    Py_ssize_t count;   /* the count seen last, and its tapes */
    Tape *forward, *local;
    int inputs; /* -1 for any number, 0 for a leaf */
    int simple; /* the code of a rule that is one step on the inputs in order; else -1 */
    Slope slope[INPUTS_MOST];
    unsigned long long walked; /* the last sweep in which this was asked: */
    int native;                /* whether `gate.pull` is still the derived function */
};

static Row *constant_row, *role_rows[3]; /* of a number in an expression; of all roles */

/* Find the tapes for a count of inputs: 1, or 0 if there are none, or -1 with an error. They are made when a count is
   recorded for the second time: what comes up once is not worth it. */
static int
find_tapes(Row *row, Py_ssize_t count, int recording)
{
    if (row->inputs >= 0 || row->count == count)
        return row->forward != NULL;
    PyObject *key = PyLong_FromSsize_t(count), *found = NULL;
    if (key == NULL)
        return -1;
    found = PyDict_GetItemWithError(row->tapes, key);
    if (!recording && (found == NULL || found == Py_None)) {
        Py_DECREF(key);
        return -(PyErr_Occurred() != NULL);
    }
    if (found == NULL) {
        int failed = PyErr_Occurred() || PyDict_SetItem(row->tapes, key, Py_None) < 0;
        Py_DECREF(key);
        return -failed;
    }
    Py_INCREF(found);
    if (found == Py_None) {
        Py_DECREF(found);
        found = PyObject_CallOneArg(row->by_count, key);
        if (found == NULL || PyDict_SetItem(row->tapes, key, found) < 0) {
            Py_XDECREF(found);
            Py_DECREF(key);
            return -1;
        }
    }
    Py_DECREF(key);
    int there = PyTuple_CheckExact(found);
    if (there && !(PyTuple_GET_SIZE(found) == 2 && is_formula(PyTuple_GET_ITEM(found, 0), count)
                   && is_tape_of(PyTuple_GET_ITEM(found, 1), count + 1, count))) {
        PyErr_Format(PyExc_TypeError, "the tapes of a gate of %zd inputs must be its forward and local tape, got %R", count,
                     found);
        Py_DECREF(found);
        return -1;
    }
    row->count = count;
    Py_XSETREF(row->forward, there ? (Tape *)as_object(PyTuple_GET_ITEM(found, 0)) : NULL);
    Py_XSETREF(row->local, there ? (Tape *)as_object(PyTuple_GET_ITEM(found, 1)) : NULL);
    Py_DECREF(found);
    return there;
}

static int
row_traverse(PyObject *self, visitproc visit, void *arg)
{
    Row *row = (Row *)self;
    Py_VISIT(row->origin);
    Py_VISIT(row->record);
    Py_VISIT(row->pull);
    Py_VISIT(row->by_count);
    Py_VISIT(row->tapes);
    return 0;
}

static void
row_dealloc(PyObject *self)
{
    Row *row = (Row *)self;
    PyObject_GC_UnTrack(self);
    Py_XDECREF(row->origin);
    Py_XDECREF(row->record);
    Py_XDECREF(row->pull);
    Py_XDECREF(row->by_count);
    Py_XDECREF(row->tapes);
    Py_XDECREF(row->forward);
    Py_XDECREF(row->local);
    for (int i = 0; i < INPUTS_MOST; i++)
        Py_XDECREF(row->slope[i].tape);
    Py_TYPE(self)->tp_free(self);
}

/* A slope as tape.py gives it: None, a number, the place of an input or (after them) of the output, or a tape. */
static int
set_slope(Slope *slope, PyObject *given, int inputs)
{
    if (given == Py_None)
        slope->kind = NOTHING;
    else if (PyFloat_CheckExact(given)) {
        slope->kind = NUMBER;
        slope->number = PyFloat_AS_DOUBLE(given);
    }
    else if (PyLong_CheckExact(given)) {
        int overflow;
        long cell = PyLong_AsLongAndOverflow(given, &overflow);
        if (overflow || cell < 0 || cell > inputs) {
            PyErr_Format(PyExc_ValueError, "a slope must name one of %d inputs or the output after them, got %R", inputs, given);
            return 0;
        }
        slope->kind = CELL;
        slope->cell = (int)cell;
    }
    else if (is_formula(given, (Py_ssize_t)inputs + 1)) {
        slope->kind = FORMULA;
        slope->tape = (Tape *)as_object(given);
    }
    else {
        PyErr_SetString(PyExc_TypeError, "a slope is None, a number, the place of an input, or a tape");
        return 0;
    }
    return 1;
}

static PyObject *row_call(PyObject *, PyObject *const *, size_t, PyObject *);

/* Row(origin, inputs, record, pull, forward, slopes, by_count); of a leaf's role only the first is given. */
static PyObject *
row_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named))
{
    PyObject *origin, *record = NULL, *pull = NULL, *forward = Py_None, *slopes = NULL, *by_count = NULL;
    int inputs = 0;
    if (!PyArg_ParseTuple(args, "O|iOOOO!O:Row", &origin, &inputs, &record, &pull, &forward, &PyList_Type, &slopes,
                          &by_count))
        return NULL;
    if (inputs < -1 || inputs > INPUTS_MOST || (inputs == 0) != (record == NULL) || (inputs == 0) != (pull == NULL)
        || (inputs < 0) != (by_count != NULL)) {
        PyErr_Format(PyExc_TypeError,
                     "a Row must have 1 to %d inputs, record and pull, or -1 and tapes by count, or be a leaf's; got %R",
                     INPUTS_MOST, args);
        return NULL;
    }
    if (forward != Py_None
        && !(inputs > 0 && is_formula(forward, inputs) && slopes != NULL && PyList_GET_SIZE(slopes) == inputs)) {
        PyErr_Format(PyExc_TypeError, "the tapes of a Row must be one forward and one slope for each of its inputs, got %R",
                     args);
        return NULL;
    }
    Row *row = (Row *)type->tp_alloc(type, 0);
    if (row == NULL)
        return NULL;
    row->call = row_call;
    row->origin = as_object(origin);
    row->inputs = inputs;
    row->simple = -1;
    row->count = -1;
    Py_XINCREF(record);
    row->record = record;
    Py_XINCREF(pull);
    row->pull = pull;
    Py_XINCREF(by_count);
    row->by_count = by_count;
    int made = by_count == NULL || (row->tapes = PyDict_New()) != NULL;
    for (int i = 0; made && forward != Py_None && i < inputs; i++) /* no Python code runs that could change the list */
        made = set_slope(row->slope + i, PyList_GET_ITEM(slopes, i), inputs);
    if (!made) {
        Py_DECREF((PyObject *)row);
        return NULL;
    }
    if (forward != Py_None) {
        Tape *tape = row->forward = (Tape *)as_object(forward);
        if (inputs == 2 && tape->steps == 1 && tape->first == 2 && tape->output[0] == 2 && tape->step->a == 0
            && tape->step->b == 1)
            row->simple = tape->step->code;
    }
    return (PyObject *)row;
}

static PyObject *
bind(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    return object == NULL ? as_object(self) : PyMethod_New(self, object);
}

static PyObject *
row_doc(PyObject *self, void *Py_UNUSED(closure))
{
    PyObject *record = ((Row *)self)->record;
    return record == NULL ? as_object(NULL) : PyObject_GetAttrString(record, "__doc__");
}

static PyObject *
row_name(PyObject *self, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((Row *)self)->origin, "name");
}

static PyGetSetDef row_getset[] = {
    {"__doc__", row_doc, NULL, NULL, NULL},
    {"__name__", row_name, NULL, NULL, NULL},
    {0}
};

static PyMemberDef row_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(Row, record), READONLY, NULL},
    {0}
};

static PyTypeObject Row_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "autograd.native.core.Row",
    .tp_basicsize = sizeof(Row),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_vectorcall_offset = offsetof(Row, call),
    .tp_call = PyVectorcall_Call,
    .tp_new = row_new,
    .tp_dealloc = row_dealloc,
    .tp_traverse = row_traverse,
    .tp_descr_get = bind,
    .tp_getset = row_getset,
    .tp_members = row_members,
};
