/* The type Value: its operators, and Value(data, label). */

#include "value.h"

#include "context.h"
#include "record.h"

const char *const row_names[ROWS] = {"add", "sub", "mul", "div", "pow", "neg", "abs", "reciprocal"};
Row *rows[ROWS];
PyObject *comparisons, *initialise;

/* Tell whether x is an int or a float equal to `number`. */
static int
is_number(PyObject *x, long wanted)
{
    int overflow;
    if (PyFloat_CheckExact(x))
        return PyFloat_AS_DOUBLE(x) == wanted;
    return PyLong_CheckExact(x) && PyLong_AsLongAndOverflow(x, &overflow) == wanted && !overflow;
}

static PyObject *
node_add(PyObject *a, PyObject *b)
{
    if (!IS_VALUE(a) && is_number(a, 0)) /* sum() begins with 0, which pictures need not show */
        return as_object(b);
    return record_two(rows[ROW_ADD], a, b);
}

static PyObject *
node_subtract(PyObject *a, PyObject *b)
{
    return record_two(rows[ROW_SUB], a, b);
}

static PyObject *
node_multiply(PyObject *a, PyObject *b)
{
    return record_two(rows[ROW_MUL], a, b);
}

static PyObject *
node_divide(PyObject *a, PyObject *b)
{
    if (!IS_VALUE(a) && is_number(a, 1)) /* 1/v is the gate reciprocal */
        return record_one(rows[ROW_RECIPROCAL], b);
    return record_two(rows[ROW_DIV], a, b);
}

static PyObject *
node_power(PyObject *a, PyObject *b, PyObject *modulus)
{
    if (modulus != Py_None)
        Py_RETURN_NOTIMPLEMENTED;
    return record_two(rows[ROW_POW], a, b);
}

static PyObject *
node_negative(PyObject *a)
{
    return record_one(rows[ROW_NEG], a);
}

static PyObject *
node_absolute(PyObject *a)
{
    return record_one(rows[ROW_ABS], a);
}

static PyObject *
node_positive(PyObject *a)
{
    return as_object(a);
}

/* Order compares data, so that Python's control flow works. */
static PyObject *
node_compare(PyObject *a, PyObject *b, int operation)
{
    if ((operation == Py_EQ || operation == Py_NE) && PyList_GET_SIZE(recording->special) == 0)
        Py_RETURN_NOTIMPLEMENTED;
    if (PyList_GET_SIZE(recording->special) || !(IS_VALUE(b) || PyFloat_CheckExact(b)))
        return PyObject_CallFunctionObjArgs(PyTuple_GET_ITEM(comparisons, operation), a, b, NULL);
    double x = ((Node *)a)->data, y = IS_VALUE(b) ? ((Node *)b)->data : PyFloat_AS_DOUBLE(b);
    switch (operation) {
    case Py_LT: return PyBool_FromLong(x < y);
    case Py_LE: return PyBool_FromLong(x <= y);
    case Py_GT: return PyBool_FromLong(x > y);
    default: return PyBool_FromLong(x >= y);
    }
}

/* Equality is identity. */
static Py_hash_t
node_hash(PyObject *self)
{
    return PyBaseObject_Type.tp_hash(self);
}

/* Value(number) and Value(number, label); other arguments go to __init__ of value.py. */

PyObject *
value_make(PyObject *Py_UNUSED(type), PyObject *const *args, size_t flags, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    PyObject *node = (PyObject *)new_node(role_rows[0], 0.0);
    if (node == NULL)
        return NULL;
    if (names == NULL && (count == 1 || (count == 2 && PyUnicode_CheckExact(args[1]))) && PyFloat_CheckExact(args[0])
        && PyList_GET_SIZE(recording->special) == 0) {
        ((Node *)node)->data = PyFloat_AS_DOUBLE(args[0]);
        if (count == 2 && set_note((Node *)node, LABEL, as_object(args[1])) < 0)
            Py_CLEAR(node);
        return node;
    }
    Py_ssize_t all = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    PyObject **given = PyMem_Malloc((size_t)(all + 1) * sizeof(PyObject *)), *answer = NULL;
    if (given == NULL)
        PyErr_NoMemory();
    else {
        given[0] = node;
        memcpy(given + 1, args, (size_t)all * sizeof(PyObject *));
        answer = PyObject_Vectorcall(initialise, given, count + 1, names);
        PyMem_Free(given);
    }
    if (answer == NULL)
        Py_CLEAR(node);
    Py_XDECREF(answer);
    return node;
}

static PyObject *
node_new(PyTypeObject *Py_UNUSED(type), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named))
{
    return (PyObject *)new_node(role_rows[0], 0.0);
}

static PyType_Slot value_slots[] = {
    {Py_tp_new, node_new},
    {Py_tp_dealloc, node_dealloc},
    {Py_tp_getset, node_getset},
    {Py_tp_members, node_members},
    {Py_tp_richcompare, node_compare},
    {Py_tp_hash, node_hash},
    {Py_nb_add, node_add},
    {Py_nb_subtract, node_subtract},
    {Py_nb_multiply, node_multiply},
    {Py_nb_true_divide, node_divide},
    {Py_nb_power, node_power},
    {Py_nb_negative, node_negative},
    {Py_nb_absolute, node_absolute},
    {Py_nb_positive, node_positive},
    {0, NULL}
};

/* A heap type without garbage collection, to which value.py adds methods. A class statement would make a type whose
   instances are tracked by the garbage collector. */
PyType_Spec value_spec = {
    .name = "autograd.value.Value",
    .basicsize = sizeof(Node),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = value_slots,
};
