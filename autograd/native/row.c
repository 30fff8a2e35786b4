/* Rows: making and checking them. */

#include "row.h"

#include "record.h"

PyTypeObject *row_type;
Row *constant_row, *role_rows[3];

int
find_bytecode(Row *row, Py_ssize_t count, int recording)
{
    if (row->inputs >= 0 || row->count == count)
        return row->forward != NULL;
    PyObject *key = PyLong_FromSsize_t(count), *found = NULL;
    if (key == NULL)
        return -1;
    found = PyDict_GetItemWithError(row->made, key);
    if (!recording && (found == NULL || found == Py_None)) {
        Py_DECREF(key);
        return -(PyErr_Occurred() != NULL);
    }
    if (found == NULL) {
        int failed = PyErr_Occurred() || PyDict_SetItem(row->made, key, Py_None) < 0;
        Py_DECREF(key);
        return -failed;
    }
    Py_INCREF(found);
    if (found == Py_None) {
        Py_DECREF(found);
        found = PyObject_CallOneArg(row->by_count, key);
        if (found == NULL || PyDict_SetItem(row->made, key, found) < 0) {
            Py_XDECREF(found);
            Py_DECREF(key);
            return -1;
        }
    }
    Py_DECREF(key);
    int there = PyTuple_CheckExact(found);
    if (there && !(PyTuple_GET_SIZE(found) == 2 && is_formula(PyTuple_GET_ITEM(found, 0), count)
                   && is_bytecode_of(PyTuple_GET_ITEM(found, 1), count + 1, count))) {
        PyErr_Format(PyExc_TypeError, "the bytecode of a gate of %zd inputs must be forward and local, got %R", count,
                     found);
        Py_DECREF(found);
        return -1;
    }
    row->count = count;
    Py_XSETREF(row->forward, there ? (Bytecode *)as_object(PyTuple_GET_ITEM(found, 0)) : NULL);
    Py_XSETREF(row->local, there ? (Bytecode *)as_object(PyTuple_GET_ITEM(found, 1)) : NULL);
    Py_DECREF(found);
    return there;
}

static int
row_traverse(PyObject *self, visitproc visit, void *arg)
{
    Row *row = (Row *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(row->origin);
    Py_VISIT(row->record);
    Py_VISIT(row->pull);
    Py_VISIT(row->by_count);
    Py_VISIT(row->made);
    return 0;
}

static void
row_dealloc(PyObject *self)
{
    Row *row = (Row *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(row->origin);
    Py_XDECREF(row->record);
    Py_XDECREF(row->pull);
    Py_XDECREF(row->by_count);
    Py_XDECREF(row->made);
    Py_XDECREF(row->forward);
    Py_XDECREF(row->local);
    for (int i = 0; i < INPUTS_MOST; i++)
        Py_XDECREF(row->slope[i].bytecode);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

/* Read a slope from rows.py: None, a float, the index of an input or (after these) of the output, or bytecode. */
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
        slope->bytecode = (Bytecode *)as_object(given);
    }
    else {
        PyErr_SetString(PyExc_TypeError, "a slope must be None, a number, the place of an input, or bytecode");
        return 0;
    }
    return 1;
}

/* Row(origin, inputs, record, pull, forward, slopes, by_count); Row(origin) for a role. */
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
                     "a Row must have 1 to %d inputs, record and pull, or -1 and bytecode by count, or be a leaf's; got %R",
                     INPUTS_MOST, args);
        return NULL;
    }
    if (forward != Py_None
        && !(inputs > 0 && is_formula(forward, inputs) && slopes != NULL && PyList_GET_SIZE(slopes) == inputs)) {
        PyErr_Format(PyExc_TypeError, "the bytecode of a Row must be one forward and one slope for each of its inputs, got %R",
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
    int made = by_count == NULL || (row->made = PyDict_New()) != NULL;
    for (int i = 0; made && forward != Py_None && i < inputs; i++) /* no Python code runs in this loop */
        made = set_slope(row->slope + i, PyList_GET_ITEM(slopes, i), inputs);
    if (!made) {
        Py_DECREF((PyObject *)row);
        return NULL;
    }
    if (forward != Py_None) {
        Bytecode *code = row->forward = (Bytecode *)as_object(forward);
        if (inputs == 2 && code->steps == 1 && code->first == 2 && code->output[0] == 2 && code->step->a == 0
            && code->step->b == 1)
            row->simple = code->step->code;
    }
    return (PyObject *)row;
}

PyObject *
bind_function(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    return object == NULL ? as_object(self) : PyMethod_New(self, object);
}

static PyObject *
row_doc(PyObject *self, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((Row *)self)->origin, ((Row *)self)->inputs ? "doc" : "__doc__");
}

static PyObject *
row_name(PyObject *self, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((Row *)self)->origin, "name");
}

static PyObject *
row_signature(PyObject *self, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((Row *)self)->origin, "__signature__");
}

static PyGetSetDef row_getset[] = {
    {"__doc__", row_doc, NULL, NULL, NULL},
    {"__name__", row_name, NULL, NULL, NULL},
    {"__signature__", row_signature, NULL, NULL, NULL},
    {0}
};

static PyMemberDef row_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Row, call), READONLY, NULL},
    {0}
};

static PyType_Slot row_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_new, row_new},
    {Py_tp_dealloc, row_dealloc},
    {Py_tp_traverse, row_traverse},
    {Py_tp_descr_get, bind_function},
    {Py_tp_getset, row_getset},
    {Py_tp_members, row_members},
    {0, NULL}
};

PyType_Spec row_spec = {
    .name = "autograd.native.core.Row",
    .basicsize = sizeof(Row),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .slots = row_slots,
};
