/* Making a node from its origin and all its inputs, for copies and unpickling. */

#include "restore.h"

#include "call.h"
#include "context.h"
#include "record.h"

PyObject *make_row;

/* Return the row of a gate, made when it is first used. */
Row *
row_of(PyObject *origin)
{
    for (int i = 0; i < 3; i++)
        if (role_rows[i] != NULL && origin == role_rows[i]->origin)
            return (Row *)as_object(role_rows[i]);
    PyObject *row = PyObject_GetAttr(origin, record_name);
    if (row == Py_None && make_row != NULL) {
        Py_SETREF(row, PyObject_CallOneArg(make_row, origin));
        if (row != NULL && PyObject_SetAttr(origin, record_name, row) < 0)
            Py_CLEAR(row);
    }
    if (row != NULL && !Py_IS_TYPE(row, row_type)) {
        PyErr_Format(PyExc_TypeError, "an origin must be a leaf's role or a gate of the table, got %R", origin);
        Py_CLEAR(row);
    }
    return (Row *)row;
}

/* Make a node of an origin and a tuple of inputs; raise if their number does not fit. */
static Node *
whole_node(PyObject *origin, double data, PyObject *inputs)
{
    Row *row = row_of(origin);
    if (row == NULL)
        return NULL;
    Node *node = NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(inputs);
    for (Py_ssize_t i = 0; i < count; i++)
        if (!IS_VALUE(PyTuple_GET_ITEM(inputs, i))) {
            PyErr_Format(PyExc_TypeError, "the inputs of a node must be Values, got %R", PyTuple_GET_ITEM(inputs, i));
            goto done;
        }
    if (row->inputs < 0 ? count == 0 : row->inputs != count) {
        if (row->inputs < 0)
            PyErr_Format(PyExc_ValueError, "%R must have at least one input, got none", origin);
        else
            PyErr_Format(PyExc_ValueError, "%R must have %d input(s), got %zd", origin, row->inputs, count);
        goto done;
    }
    PyObject *rest = NULL;
    if (count == 2 && row->inputs == 2)
        rest = as_object(PyTuple_GET_ITEM(inputs, 1));
    else if (row->inputs < 0 || count > 2) {
        rest = PyTuple_GetSlice(inputs, 1, count);
        if (rest == NULL)
            goto done;
        if (PyObject_GC_IsTracked(rest))
            PyObject_GC_UnTrack(rest); /* Values form no cycles */
    }
    node = new_node(row, data);
    if (node == NULL)
        Py_XDECREF(rest);
    else {
        node->first = count ? (Node *)as_object(PyTuple_GET_ITEM(inputs, 0)) : NULL;
        node->rest = rest;
    }
done:
    Py_DECREF((PyObject *)row);
    return node;
}

/* `restore` of value.py: restore(origin, data, grad, inputs). */
PyObject *
restore(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *origin, *inputs;
    double data, grad;
    if (!PyArg_ParseTuple(args, "OddO!:restore", &origin, &data, &grad, &PyTuple_Type, &inputs))
        return NULL;
    Node *node = whole_node(origin, data, inputs);
    if (node != NULL) {
        state_of(node)->grad = grad;
        node->tick = node->first != NULL;
    }
    return (PyObject *)node;
}

/* `output` of value.py: a new node for the output of a gate that Python computed. */
PyObject *
record_output(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *gate, *inputs;
    double data;
    if (!PyArg_ParseTuple(args, "OdO!:output", &gate, &data, &PyTuple_Type, &inputs))
        return NULL;
    Node *node = whole_node(gate, data, inputs);
    if (node != NULL) {
        node->tick = recording->clock;
        if (PyList_GET_SIZE(recording->special) && stamp(node) < 0)
            Py_CLEAR(node);
    }
    return (PyObject *)node;
}

/* row(gate): the row of a gate, a callable that records it. */
PyObject *
row_of_gate(PyObject *Py_UNUSED(module), PyObject *gate)
{
    return (PyObject *)row_of(gate);
}

/* `record` of value.py: record(gate, *inputs); NotImplemented for a foreign type. */
PyObject *
record_gate(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count < 2) {
        PyErr_SetString(PyExc_TypeError, "record must be given a gate and its inputs");
        return NULL;
    }
    Row *row = row_of(args[0]);
    if (row == NULL)
        return NULL;
    PyObject *node = row_call((PyObject *)row, args + 1, (size_t)count - 1, NULL);
    Py_DECREF((PyObject *)row);
    return node;
}
