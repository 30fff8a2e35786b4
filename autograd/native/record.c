/* Recording: computing a gate and making its output, a node. The slow path calls `record_by_rule` of value.py: for
   inputs that are not numbers, for numbers that raise, and for a rule with a function that C lacks. Python code may
   run wherever a Python function is called, a garbage collection starts, or a last reference is dropped. A borrowed
   reference is valid only until then. */

#include "record.h"

#include "context.h"

PyObject *operand_function;

/* Return x as a node, a new reference; NotImplemented for a foreign type; NULL with an error. */
static PyObject *
operand(PyObject *x, Row *row)
{
    double data;
    if (IS_VALUE(x)) {
        Py_INCREF(x);
        return x;
    }
    if (PyFloat_CheckExact(x))
        data = PyFloat_AS_DOUBLE(x);
    else if (PyLong_CheckExact(x) && ((data = PyLong_AsDouble(x)) != -1.0 || !PyErr_Occurred()))
        ;
    else {
        PyErr_Clear();
        PyObject *name = PyObject_GetAttrString(row->origin, "name"), *node = NULL;
        if (name != NULL) {
            node = PyObject_CallFunctionObjArgs(operand_function, x, name, NULL);
            Py_DECREF(name);
        }
        if (node == NULL || node == Py_NotImplemented || IS_VALUE(node))
            return node;
        PyErr_Format(PyExc_TypeError, "an operand must become a Value, got %R", node);
        Py_DECREF(node);
        return NULL;
    }
    return new_number(data);
}

int
stamp(Node *node)
{
    PyObject *now = current_context();
    if (now == NULL)
        return -1;
    PyObject *scope = PyTuple_GET_ITEM(now, 0);
    if (PyUnicode_GET_LENGTH(scope))
        set_note(node, SCOPE, as_object(scope));
    if (PyTuple_GET_ITEM(now, 4) != Py_None) {
        PyObject *answer = PyObject_CallOneArg(PyTuple_GET_ITEM(now, 4), (PyObject *)node);
        if (answer == NULL) {
            Py_DECREF(now);
            return -1;
        }
        Py_DECREF(answer);
    }
    if (PyTuple_GET_ITEM(now, 1) == Py_False && node->first != NULL) {
        PyObject *row = (PyObject *)node->row, *first = (PyObject *)node->first, *rest = node->rest;
        node->row = (Row *)as_object(constant_row);
        node->first = NULL;
        node->rest = NULL;
        Py_DECREF(row);
        Py_XDECREF(first);
        Py_XDECREF(rest);
    }
    Py_DECREF(now);
    return 0;
}

/* Make the output of a row's gate; steals the references to its inputs. */
static PyObject *
output(Row *row, double data, Node *first, PyObject *rest)
{
    Node *node = new_node(row, data);
    if (node == NULL) {
        Py_DECREF((PyObject *)first);
        Py_XDECREF(rest);
        return NULL;
    }
    node->first = first;
    node->rest = rest;
    node->tick = recording->clock;
    if (PyList_GET_SIZE(recording->special) && stamp(node) < 0)
        Py_CLEAR(node);
    return (PyObject *)node;
}

PyObject *
record_one(Row *row, PyObject *x)
{
    PyObject *a = operand(x, row);
    if (a == NULL || a == Py_NotImplemented)
        return a;
    row->forward->cell[0] = ((Node *)a)->data;
    if (run_bytecode(row->forward))
        return output(row, row->forward->cell[row->forward->output[0]], (Node *)a, NULL);
    PyObject *node = PyObject_CallOneArg(row->record, a);
    Py_DECREF(a);
    return node;
}

PyObject *
record_two(Row *row, PyObject *x, PyObject *y)
{
    PyObject *a = operand(x, row);
    if (a == NULL || a == Py_NotImplemented)
        return a;
    PyObject *b = operand(y, row);
    if (b == NULL || b == Py_NotImplemented) {
        Py_DECREF(a);
        return b;
    }
    double data, left = ((Node *)a)->data, right = ((Node *)b)->data;
    switch (row->simple) { /* the same operations as in run_bytecode() */
    case ADD: data = left + right; break;
    case SUB: data = left - right; break;
    case MUL: data = left * right; break;
    default:
        row->forward->cell[0] = left;
        row->forward->cell[1] = right;
        if (!run_bytecode(row->forward)) {
            PyObject *node = PyObject_CallFunctionObjArgs(row->record, a, b, NULL);
            Py_DECREF(a);
            Py_DECREF(b);
            return node;
        }
        data = row->forward->cell[row->forward->output[0]];
    }
    return output(row, data, (Node *)a, b);
}

PyObject *
without(PyObject *first, PyObject *rest, PyObject *answer)
{
    Py_XDECREF(first);
    Py_XDECREF(rest);
    return answer;
}

PyObject *
record_nodes(Row *row, PyObject *first, PyObject *rest)
{
    Py_ssize_t count = PyTuple_GET_SIZE(rest) + 1;
    int there = find_bytecode(row, count, 1); /* from here on no Python code runs, which could use the cells */
    if (there < 0)
        return without(first, rest, NULL);
    if (there) {
        double *cell = row->forward->cell;
        cell[0] = ((Node *)first)->data;
        for (Py_ssize_t i = 1; i < count; i++)
            cell[i] = ((Node *)PyTuple_GET_ITEM(rest, i - 1))->data;
        if (run_bytecode(row->forward))
            return output(row, cell[row->forward->output[0]], (Node *)first, rest);
    }
    PyObject *inputs = PyTuple_New(count);
    if (inputs == NULL)
        return without(first, rest, NULL);
    PyTuple_SET_ITEM(inputs, 0, first);
    for (Py_ssize_t i = 1; i < count; i++)
        PyTuple_SET_ITEM(inputs, i, as_object(PyTuple_GET_ITEM(rest, i - 1)));
    return without(inputs, rest, PyObject_CallObject(row->record, inputs));
}

/* The same for operands that may have to become Values first; borrows them. */
static PyObject *
record_many(Row *row, PyObject *const *xs, Py_ssize_t count)
{
    PyObject *first = operand(xs[0], row);
    if (first == NULL || first == Py_NotImplemented)
        return first;
    PyObject *rest = tuple_of(count - 1);
    if (rest == NULL)
        return without(first, NULL, NULL);
    for (Py_ssize_t i = 1; i < count; i++) {
        PyObject *x = operand(xs[i], row);
        if (x == NULL || x == Py_NotImplemented)
            return without(first, rest, x);
        PyTuple_SET_ITEM(rest, i - 1, x);
    }
    return record_nodes(row, first, rest);
}

PyObject *
row_call(PyObject *self, PyObject *const *xs, size_t flags, PyObject *names)
{
    Row *row = (Row *)self;
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (names == NULL && (row->forward != NULL || row->inputs < 0)) {
        if (row->inputs == 1 && count == 1)
            return record_one(row, xs[0]);
        if (row->inputs == 2 && count == 2)
            return record_two(row, xs[0], xs[1]);
        if (row->inputs == count || (row->inputs < 0 && count))
            return record_many(row, xs, count);
    }
    if (row->record == NULL) {
        PyErr_SetString(PyExc_TypeError, "a leaf is not recorded");
        return NULL;
    }
    return PyObject_Vectorcall(row->record, xs, flags, names);
}
