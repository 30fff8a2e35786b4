/* A row of the table as C sees it: the tapes of its rules beside the Python functions that derive.py wrote from them.

   A Row is callable, and is what `gate.record` is. A leaf has a row too, which says its role. */

#define INPUTS_MOST 10 /* that a row names one by one, as in row.py */

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

static int
row_clear(PyObject *self)
{
    Row *row = (Row *)self;
    Py_CLEAR(row->record);
    Py_CLEAR(row->pull);
    Py_CLEAR(row->by_count);
    Py_CLEAR(row->tapes);
    Py_CLEAR(row->origin);
    return 0;
}

static void
row_dealloc(PyObject *self)
{
    Row *row = (Row *)self;
    PyObject_GC_UnTrack(self);
    row_clear(self);
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
        slope->kind = CELL;
        slope->cell = (int)PyLong_AsLong(given);
        if (slope->cell < 0 || slope->cell > inputs) {
            PyErr_SetString(PyExc_ValueError, "a slope names an input that the gate does not have");
            return 0;
        }
    }
    else if (Py_IS_TYPE(given, &Tape_Type) && ((Tape *)given)->inputs == inputs + 1 && ((Tape *)given)->outputs == 1) {
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
    if (!PyArg_ParseTuple(args, "O|iOOOO!O", &origin, &inputs, &record, &pull, &forward, &PyList_Type, &slopes, &by_count))
        return NULL;
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
    if (inputs < 0) {
        Py_XINCREF(by_count);
        row->by_count = by_count;
        row->tapes = PyDict_New();
    }
    if (forward != Py_None) {
        Tape *tape = (Tape *)forward;
        int fits = Py_IS_TYPE(forward, &Tape_Type) && inputs <= INPUTS_MOST && tape->inputs == inputs
                   && tape->outputs == 1 && slopes != NULL && PyList_GET_SIZE(slopes) == inputs;
        if (!fits)
            PyErr_SetString(PyExc_TypeError, "the tapes of a row are those of its inputs");
        for (int i = 0; fits && i < inputs; i++)
            fits = set_slope(row->slope + i, PyList_GET_ITEM(slopes, i), inputs);
        if (!fits) {
            Py_DECREF(row);
            return NULL;
        }
        row->forward = (Tape *)as_object(forward);
        if (inputs == 2 && tape->steps == 1 && tape->first == 2 && tape->step->a == 0 && tape->step->b == 1)
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
    {NULL}
};

static PyMemberDef row_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(Row, record), READONLY, NULL},
    {NULL}
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
    .tp_clear = row_clear,
    .tp_descr_get = bind,
    .tp_getset = row_getset,
    .tp_members = row_members,
};

static PyObject *
get_origin(PyObject *self, void *Py_UNUSED(closure))
{
    return as_object(((Node *)self)->row->origin);
}

static int
set_origin(PyObject *self, PyObject *origin, void *Py_UNUSED(closure))
{
    PyObject *row = NULL, *before = (PyObject *)((Node *)self)->row;
    for (int i = 0; i < 3 && row == NULL; i++)
        if (origin == role_rows[i]->origin)
            row = as_object(role_rows[i]);
    if (row == NULL && (origin == NULL || (row = PyObject_GetAttrString(origin, "record")) == NULL))
        return -1;
    if (!Py_IS_TYPE(row, &Row_Type)) {
        PyErr_Format(PyExc_TypeError, "%R is no gate whose code is derived", origin);
        Py_DECREF(row);
        return -1;
    }
    ((Node *)self)->row = (Row *)row;
    Py_DECREF(before);
    return 0;
}
