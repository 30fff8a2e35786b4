/* Freeing a node, and the getters and setters of its slots. */

#include "node.h"

#include "context.h"
#include "memory.h"
#include "row.h"

PyTypeObject *value_type;
int installed;
PyObject *data_property;

/* Freeing a node may free its inputs, and theirs, for a million nodes, so a linked list of nodes to free replaces
   recursion. Nodes need no cyclic garbage collector: a node refers only to older nodes, so no graph has a cycle. */
static Node *line;
static int freeing;

void
node_dealloc(PyObject *self)
{
    Node *node = (Node *)self;
    if (freeing) {
        node->next = line;
        line = node;
        return;
    }
    freeing = 1;
    for (;;) {
        Node *first = node->first;
        PyObject *row = (PyObject *)node->row, *rest = node->rest;
        PyObject *notes = node->notes;
        PyTypeObject *type = Py_TYPE((PyObject *)node);
        give_memory(node);
        Py_XDECREF((PyObject *)first);
        Py_XDECREF(rest);
        Py_DECREF(row);
        Py_XDECREF(notes);
        Py_DECREF((PyObject *)type); /* an object of a heap type holds a reference to it */
        if (line == NULL)
            break;
        node = line;
        line = node->next;
    }
    freeing = 0;
}

/* Inputs are set once, when the node is made: so no node can become its own input, and their number fits the row. */
static int
refuse_inputs(const char *slot)
{
    PyErr_Format(PyExc_AttributeError, "%s of a Value cannot be set: record a gate, or copy the graph", slot);
    return -1;
}

static PyObject *
get_first(PyObject *self, void *Py_UNUSED(closure))
{
    return as_object(((Node *)self)->first);
}

static PyObject *
get_rest(PyObject *self, void *Py_UNUSED(closure))
{
    return as_object(((Node *)self)->rest);
}

PyObject *
inputs_of(PyObject *self, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    PyObject *rest = node->rest;
    Py_ssize_t more = rest == NULL ? 0 : PyTuple_CheckExact(rest) ? PyTuple_GET_SIZE(rest) : 1;
    PyObject *inputs = PyTuple_New(node->first == NULL ? 0 : 1 + more);
    if (inputs == NULL || node->first == NULL)
        return inputs;
    PyTuple_SET_ITEM(inputs, 0, as_object(node->first));
    for (Py_ssize_t i = 0; i < more; i++)
        PyTuple_SET_ITEM(inputs, i + 1, as_object(IS_VALUE(rest) ? rest : PyTuple_GET_ITEM(rest, i)));
    return inputs;
}

/* Setting a leaf's inputs to None is allowed, because value.py does it. */
static int
set_first(PyObject *self, PyObject *x, void *Py_UNUSED(closure))
{
    return x == Py_None && ((Node *)self)->first == NULL ? 0 : refuse_inputs("_first");
}

static int
set_rest(PyObject *self, PyObject *x, void *Py_UNUSED(closure))
{
    return x == Py_None && ((Node *)self)->first == NULL ? 0 : refuse_inputs("_rest");
}

static PyObject *
get_origin(PyObject *self, void *Py_UNUSED(closure))
{
    return as_object(((Node *)self)->row->origin);
}

/* The role of a leaf can be set. The gate of a node cannot, because its number of inputs must fit. */
static int
set_origin(PyObject *self, PyObject *origin, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    for (int i = 0; i < 3; i++)
        if (node->first == NULL && origin != NULL && origin == role_rows[i]->origin) {
            Row *before = node->row;
            node->row = (Row *)as_object(role_rows[i]);
            Py_DECREF((PyObject *)before);
            return 0;
        }
    PyErr_SetString(PyExc_AttributeError, "_origin of a Value can only be set to a role, of a leaf: record a gate instead");
    return -1;
}

static PyObject *
get_data(PyObject *self, void *Py_UNUSED(closure))
{
    if (PyList_GET_SIZE(recording->special)) /* a function may be traced, where reading raises */
        return PyObject_CallMethod(data_property, "fget", "O", self);
    return PyFloat_FromDouble(((Node *)self)->data);
}

static int
set_data(PyObject *self, PyObject *x, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    if (x != NULL && PyFloat_CheckExact(x) && node->first == NULL && node->tick >= NUMBER_TICK
        && PyList_GET_SIZE(recording->special) == 0) {
        node->data = PyFloat_AS_DOUBLE(x);
        node->tick = ++recording->clock;
        return 0;
    }
    if (x == NULL) {
        PyErr_SetString(PyExc_AttributeError, "the data of a Value cannot be deleted");
        return -1;
    }
    PyObject *answer = PyObject_CallMethod(data_property, "fset", "OO", self, x);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* A scope is a str or a pair, so a tuple of NOTES entries is not one. No other code sees that tuple. */
static inline int
is_scope(const PyObject *notes)
{
    return !PyTuple_CheckExact(notes) || PyTuple_GET_SIZE(notes) != NOTES;
}

PyObject *
note_of(const Node *node, int which)
{
    PyObject *notes = node->notes;
    if (notes == NULL || is_scope(notes))
        return which == SCOPE ? notes : NULL;
    return PyTuple_GET_ITEM(notes, which);
}

int
set_note(Node *node, int which, PyObject *x)
{
    PyObject *notes = node->notes;
    if (notes == NULL || is_scope(notes)) {
        if (which == SCOPE) {
            node->notes = x;
            Py_XDECREF(notes);
            return 0;
        }
        if (x == NULL)
            return 0;
        PyObject *more = tuple_of(NOTES);
        if (more == NULL) {
            Py_DECREF(x);
            return -1;
        }
        PyTuple_SET_ITEM(more, SCOPE, notes);
        node->notes = notes = more;
    }
    PyObject *before = PyTuple_GET_ITEM(notes, which);
    PyTuple_SET_ITEM(notes, which, x);
    Py_XDECREF(before);
    return 0;
}

/* The rarely used slots accept only str and float, not subclasses: a node that held other objects could be part of a
   cycle, which the garbage collector would not find. None empties a slot. */

static PyObject *
get_note(PyObject *self, void *which)
{
    PyObject *x = note_of((Node *)self, (int)(intptr_t)which);
    if (x == NULL)
        PyErr_SetString(PyExc_AttributeError, "this slot of the Value is empty");
    Py_XINCREF(x);
    return x;
}

static int
set_text(PyObject *self, PyObject *x, void *which)
{
    if (x != NULL && x != Py_None && !PyUnicode_Check(x)) {
        PyErr_Format(PyExc_TypeError, "a label and a scope must be a str or None, got %R", x);
        return -1;
    }
    PyObject *text = x == NULL || x == Py_None ? NULL : PyUnicode_FromObject(x);
    return PyErr_Occurred() ? -1 : set_note((Node *)self, (int)(intptr_t)which, text);
}

/* A scope is a str, or a pair of a str and the line of code that recorded the node: text only, so no cycle. */
static int
set_scope(PyObject *self, PyObject *x, void *which)
{
    if (x == NULL || !PyTuple_CheckExact(x) || PyTuple_GET_SIZE(x) != 2 || !PyUnicode_CheckExact(PyTuple_GET_ITEM(x, 0))
        || !PyUnicode_CheckExact(PyTuple_GET_ITEM(x, 1)))
        return set_text(self, x, which);
    return set_note((Node *)self, SCOPE, as_object(x));
}

static int
set_number(PyObject *self, PyObject *x, void *which)
{
    double number = x == NULL || x == Py_None ? 0.0 : PyFloat_AsDouble(x);
    if (number == -1.0 && PyErr_Occurred())
        return -1;
    PyObject *exact = x == NULL || x == Py_None ? NULL : PyFloat_FromDouble(number);
    return PyErr_Occurred() ? -1 : set_note((Node *)self, (int)(intptr_t)which, exact);
}

static PyObject *
get_grad(PyObject *self, void *Py_UNUSED(closure))
{
    return PyFloat_FromDouble(state_of(self)->grad);
}

static int
set_grad(PyObject *self, PyObject *x, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    double grad = x == NULL ? -1.0 : PyFloat_AsDouble(x);
    if (grad == -1.0 && (x == NULL || PyErr_Occurred())) {
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_OverflowError))
            return -1;
        PyErr_Clear();
        PyObject *label = note_of(node, LABEL);
        label = label == NULL ? PyUnicode_FromString("a leaf") : as_object(label);
        if (label != NULL)
            PyErr_Format(PyExc_TypeError, "the grad of %S must be a number, and it is %R: set it to 0.0", label,
                         x == NULL ? Py_None : x);
        Py_XDECREF(label);
        return -1;
    }
    state_of(node)->grad = grad;
    return 0;
}

static PyObject *
get_adjoint(PyObject *self, void *Py_UNUSED(closure))
{
    return PyFloat_FromDouble(state_of(self)->adjoint);
}

static int
set_adjoint(PyObject *self, PyObject *x, void *Py_UNUSED(closure))
{
    double adjoint = x == NULL ? 0.0 : PyFloat_AsDouble(x);
    if (adjoint == -1.0 && PyErr_Occurred())
        return -1;
    state_of(self)->adjoint = adjoint;
    return 0;
}

static PyObject *
get_mark(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(state_of(self)->mark);
}

/* A mark that no walk wrote could hide a node from all later walks. */
static int
set_mark(PyObject *self, PyObject *x, void *Py_UNUSED(closure))
{
    if (x == NULL || !PyLong_CheckExact(x) || PyObject_IsTrue(x)) {
        PyErr_SetString(PyExc_ValueError, "_mark of a Value can only be set to 0");
        return -1;
    }
    state_of(self)->mark = 0;
    return 0;
}

PyGetSetDef node_getset[] = {
    {"_first", get_first, set_first, NULL, NULL},
    {"_rest", get_rest, set_rest, NULL, NULL},
    {"_origin", get_origin, set_origin, NULL, NULL},
    {"inputs", inputs_of, NULL, "The operands of the gate in order, an operand twice if used twice; () for a leaf.", NULL},
    {"data", get_data, set_data, "The number.", NULL},
    {"grad", get_grad, set_grad, "d root/d this, from the last backward(); leaves add up the passes.", NULL},
    {"_adjoint", get_adjoint, set_adjoint, NULL, NULL},
    {"_mark", get_mark, set_mark, NULL, NULL},
    {"_label", get_note, set_text, NULL, (void *)(intptr_t)LABEL},
    {"_scope", get_note, set_scope, NULL, (void *)(intptr_t)SCOPE},
    {"_seed", get_note, set_number, NULL, (void *)(intptr_t)SEED},
    {0}
};

PyMemberDef node_members[] = {
    {"_data", T_DOUBLE, offsetof(Node, data), 0, NULL},
    {"_tick", T_LONGLONG, offsetof(Node, tick), 0, NULL},
    {0}
};
