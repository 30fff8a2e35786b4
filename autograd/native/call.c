/* Gate.__call__ of gate.py: exp(x), dot(w, x, bias). */

#include "call.h"

#include "record.h"

PyTypeObject *call_type;
PyObject *record_name, *arrange_name, *dot_arrange;

/* A call of Values and numbers is recorded here; every other call goes to Python's function. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *otherwise;
} Call;

/* Tell whether all inputs are Values or plain numbers, and at least one is a Value. */
static int
are_recorded(PyObject *const *xs, Py_ssize_t count)
{
    int values = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (IS_VALUE(xs[i]))
            values = 1;
        else if (!PyFloat_CheckExact(xs[i]) && !PyLong_CheckExact(xs[i]))
            return 0;
    }
    return values;
}

/* Return x as an operand, a new reference, without running Python code; NULL without an error if it is neither a
   Value nor a number. */
static PyObject *
plain_operand(PyObject *x)
{
    double data;
    if (IS_VALUE(x)) {
        Py_INCREF(x);
        return x;
    }
    if (PyFloat_CheckExact(x))
        data = PyFloat_AS_DOUBLE(x);
    else if (!PyLong_CheckExact(x) || ((data = PyLong_AsDouble(x)) == -1.0 && PyErr_Occurred())) {
        PyErr_Clear();
        return NULL;
    }
    return new_number(data);
}

/* Return the inputs of dot(w, x, bias) for two lists of one length, as dot_arrange does: the most frequent gate of
   networks. NULL without an error for other arguments. */
static PyObject *
record_dot(Row *row, PyObject *const *xs, Py_ssize_t count)
{
    if ((count != 2 && count != 3) || !PyList_CheckExact(xs[0]) || !PyList_CheckExact(xs[1]))
        return NULL;
    Py_ssize_t n = PyList_GET_SIZE(xs[0]);
    if (n == 0 || n != PyList_GET_SIZE(xs[1]))
        return NULL;
    int biased = count == 3 && !(PyFloat_CheckExact(xs[2]) && PyFloat_AS_DOUBLE(xs[2]) == 0.0), values = 0;
    PyObject *first = NULL, *rest = tuple_of(2 * n + biased - 1);
    if (rest == NULL)
        return NULL;
    if (n != PyList_GET_SIZE(xs[0]) || n != PyList_GET_SIZE(xs[1])) /* a garbage collection ran code that changed the lists */
        return without(rest, NULL, NULL);
    for (Py_ssize_t i = 0; i < 2 * n + biased; i++) { /* no Python code runs in this loop */
        PyObject *x = i == 2 * n ? xs[2] : i < n ? PyList_GET_ITEM(xs[0], i) : PyList_GET_ITEM(xs[1], i - n);
        values |= IS_VALUE(x);
        PyObject *input = plain_operand(x);
        if (input == NULL)
            return without(first, rest, NULL);
        if (i)
            PyTuple_SET_ITEM(rest, i - 1, input);
        else
            first = input;
    }
    return values ? record_nodes(row, first, rest) : without(first, rest, NULL);
}

/* Return the inputs in order, by the gate's `arrange`; raise the error of Gate.check_call if the arguments do not
   fit. */
static PyObject *
arranged(PyObject *gate, PyObject *arrange, PyObject *const *xs, Py_ssize_t count)
{
    PyObject *inputs = PyObject_Vectorcall(arrange, xs, count, NULL), *type, *value, *traceback;
    if (inputs != NULL || !PyErr_ExceptionMatches(PyExc_TypeError))
        return inputs;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *check = PyObject_GetAttrString(gate, "check_call");
    PyObject *checked = check == NULL ? NULL : PyObject_Vectorcall(check, xs, count, NULL);
    Py_XDECREF(check);
    if (checked != NULL) /* the arguments fit, so the first error stands */
        PyErr_Restore(type, value, traceback);
    else {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    Py_XDECREF(checked);
    return NULL;
}

static PyObject *
call_gate(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flags) - 1;
    PyObject *record = count < 1 || names != NULL ? NULL : PyObject_GetAttr(args[0], record_name);
    if (record != NULL && Py_IS_TYPE(record, row_type)) {
        Row *row = (Row *)record;
        PyObject *node = NULL;
        if (row->inputs == count && are_recorded(args + 1, count))
            node = row_call(record, args + 1, count, NULL);
        else if (row->inputs < 0) {
            PyObject *arrange = PyObject_GetAttr(args[0], arrange_name), *inputs = NULL;
            if (arrange != NULL && arrange == dot_arrange)
                node = record_dot(row, args + 1, count);
            if (arrange != NULL && node == NULL && !PyErr_Occurred())
                inputs = arranged(args[0], arrange, args + 1, count);
            Py_XDECREF(arrange);
            if (inputs != NULL && PyTuple_CheckExact(inputs)
                && are_recorded(PySequence_Fast_ITEMS(inputs), PyTuple_GET_SIZE(inputs)))
                node = row_call(record, PySequence_Fast_ITEMS(inputs), PyTuple_GET_SIZE(inputs), NULL);
            else if (inputs != NULL) /* the arranged inputs, because a generator among the arguments is used up */
                node = PyObject_CallMethod(args[0], "apply", "(O)", inputs);
            Py_XDECREF(inputs);
        }
        if (node != NULL || PyErr_Occurred()) {
            Py_DECREF(record);
            return node;
        }
    }
    else if (PyErr_Occurred())
        return NULL;
    Py_XDECREF(record);
    return PyObject_Vectorcall(((Call *)self)->otherwise, args, flags, names);
}

static PyObject *
call_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named))
{
    PyObject *otherwise;
    if (!PyArg_ParseTuple(args, "O:Call", &otherwise))
        return NULL;
    if (!PyCallable_Check(otherwise)) {
        PyErr_Format(PyExc_TypeError, "a Call must have a function for what it does not record, got %R", otherwise);
        return NULL;
    }
    Call *call = (Call *)type->tp_alloc(type, 0);
    if (call != NULL) {
        call->call = call_gate;
        call->otherwise = as_object(otherwise);
    }
    return (PyObject *)call;
}

static int
call_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Call *)self)->otherwise);
    return 0;
}

static void
call_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((Call *)self)->otherwise);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

static PyMemberDef call_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(Call, otherwise), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Call, call), READONLY, NULL},
    {0}
};

static PyType_Slot call_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_new, call_new},
    {Py_tp_dealloc, call_dealloc},
    {Py_tp_traverse, call_traverse},
    {Py_tp_descr_get, bind_function},
    {Py_tp_members, call_members},
    {0, NULL}
};

PyType_Spec call_spec = {
    .name = "autograd.native.core.Call",
    .basicsize = sizeof(Call),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
             | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .slots = call_slots,
};
