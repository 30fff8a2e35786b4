/* The recording of context.py: its clock, its lists, and the context of new nodes. */

#include "context.h"

PyTypeObject *recording_type;
Recording *recording;
PyObject *context_variable;

PyObject *
call_recording(PyObject *function, PyObject *argument)
{
    if (function == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the engine records once autograd is imported");
        return NULL;
    }
    Py_INCREF(function); /* keep the function alive: its call may replace the attribute */
    PyObject *answer = PyObject_CallFunctionObjArgs(function, argument, NULL);
    Py_DECREF(function);
    return answer;
}

PyObject *
current_context(void)
{
    PyObject *now = NULL;
    if (PyList_GET_SIZE(recording->left)) /* a block of this context may have ended */
        now = call_recording(recording->context, NULL);
    else if (PyContextVar_Get(context_variable, NULL, &now) < 0)
        now = NULL;
    if (now == NULL || is_context(now))
        return now;
    PyErr_Format(PyExc_TypeError, "the context of recording must be (scope, records, block, outside, observer), got %R", now);
    Py_DECREF(now);
    return NULL;
}

PyObject *
recording_make(void)
{
    Recording *made = PyObject_New(Recording, recording_type);
    if (made == NULL)
        return NULL;
    made->clock = 1;
    made->context = made->leave = NULL;
    made->special = PyList_New(0);
    made->left = PyList_New(0);
    if (made->special == NULL || made->left == NULL)
        Py_CLEAR(made);
    return (PyObject *)made;
}

static void
recording_dealloc(PyObject *self)
{
    Recording *made = (Recording *)self;
    PyObject *held[] = {made->special, made->left, made->context, made->leave};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        Py_XDECREF(held[i]);
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

/* Functions that context.py sets. */
static PyObject *
get_function(PyObject *self, void *offset)
{
    return as_object(*slot_of(self, offset));
}

static int
set_function(PyObject *self, PyObject *function, void *offset)
{
    if (function == NULL || !PyCallable_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "context and leave of the recording must be functions");
        return -1;
    }
    return put_slot(self, offset, as_object(function));
}

static PyMemberDef recording_members[] = {
    {"clock", T_LONGLONG, offsetof(Recording, clock), READONLY, NULL},
    {"special", T_OBJECT_EX, offsetof(Recording, special), READONLY, NULL},
    {"left", T_OBJECT_EX, offsetof(Recording, left), READONLY, NULL},
    {0}
};

static PyGetSetDef recording_getset[] = {
    {"context", get_function, set_function, NULL, (void *)offsetof(Recording, context)},
    {"leave", get_function, set_function, NULL, (void *)offsetof(Recording, leave)},
    {0}
};

static PyType_Slot recording_slots[] = {
    {Py_tp_dealloc, recording_dealloc},
    {Py_tp_members, recording_members},
    {Py_tp_getset, recording_getset},
    {0, NULL}
};

PyType_Spec recording_spec = {
    .name = "autograd.native.core.Recording",
    .basicsize = sizeof(Recording),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = recording_slots,
};

PyObject *
tick(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    return PyLong_FromLongLong(++recording->clock);
}
