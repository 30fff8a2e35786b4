/* Walk of backward.py. */

#include "walk.h"

PyTypeObject *walk_type;
unsigned long long latest_walk;

typedef struct {
    Node **node;
    Py_ssize_t size, room;
} Nodes;

static int
push(Nodes *nodes, Node *node)
{
    if (nodes->size == nodes->room) {
        Py_ssize_t room = nodes->room ? nodes->room * 2 : 64;
        Node **more = PyMem_Realloc(nodes->node, (size_t)room * sizeof(Node *));
        if (more == NULL)
            return -1;
        nodes->node = more;
        nodes->room = room;
    }
    nodes->node[nodes->size++] = node;
    return 0;
}

static PyObject *
as_tuple(Nodes *nodes)
{
    PyObject *tuple = tuple_of(nodes->size);
    for (Py_ssize_t i = 0; tuple != NULL && i < nodes->size; i++)
        PyTuple_SET_ITEM(tuple, i, as_object(nodes->node[i]));
    return tuple;
}

/* The loop of Walk.__init__, step by step, so that the order of the nodes is the same. */
static int
go(Walk *walk, Nodes *stack, Nodes *leaves, Nodes *gates)
{
    unsigned long long entered = 2 * walk->number, done = entered + 1;
    while (stack->size) {
        Node *node = stack->node[--stack->size];
        if (node->mark == entered) {
            node->mark = done;
            node->adjoint = 0.0;
            if (push(gates, node) < 0)
                return -1;
            continue;
        }
        while (node->mark != done) {
            Node *first = node->first;
            if (first == NULL) {
                node->mark = done;
                node->adjoint = 0.0;
                if (push(leaves, node) < 0)
                    return -1;
                if (node->tick > walk->changed)
                    walk->changed = node->tick;
                break;
            }
            PyObject *rest = node->rest;
            if (first->mark == done && (rest == NULL || (IS_VALUE(rest) && ((Node *)rest)->mark == done))) {
                node->mark = done; /* no inputs, so it is done */
                node->adjoint = 0.0;
                if (push(gates, node) < 0)
                    return -1;
                break;
            }
            node->mark = entered;
            if (push(stack, node) < 0)
                return -1;
            if (rest != NULL && PyTuple_CheckExact(rest)) {
                for (Py_ssize_t i = PyTuple_GET_SIZE(rest); i-- > 0;) {
                    Node *input = (Node *)PyTuple_GET_ITEM(rest, i);
                    if (input->mark != done && push(stack, input) < 0)
                        return -1;
                }
            }
            else if (rest != NULL && ((Node *)rest)->mark != done && push(stack, (Node *)rest) < 0)
                return -1;
            node = first;
        }
    }
    return 0;
}

/* Return roots or ends as a sequence of nodes. */

PyObject *
as_values(PyObject *given)
{
    PyObject *values = PySequence_Tuple(given);
    for (Py_ssize_t i = 0; values != NULL && i < PyTuple_GET_SIZE(values); i++)
        if (!IS_VALUE(PyTuple_GET_ITEM(values, i))) {
            PyErr_Format(PyExc_TypeError, "a graph is walked from a Value, not from %R", PyTuple_GET_ITEM(values, i));
            Py_CLEAR(values);
        }
    return values;
}

/* Walk from the roots; 0, or -1 without memory. */
static int
find(Walk *walk, PyObject *roots, PyObject *ends, Nodes *stack, Nodes *leaves, Nodes *gates)
{
    walk->number = ++latest_walk;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(ends); i++)
        ((Node *)PyTuple_GET_ITEM(ends, i))->mark = 2 * walk->number + 1;
    for (Py_ssize_t i = PyTuple_GET_SIZE(roots); i-- > 0;)
        if (push(stack, (Node *)PyTuple_GET_ITEM(roots, i)) < 0)
            return -1;
    return go(walk, stack, leaves, gates);
}

static PyObject *
walk_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    static char *names[] = {"roots", "ends", NULL};
    PyObject *roots, *ends = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O|O:Walk", names, &roots, &ends))
        return NULL;
    if ((roots = as_values(roots)) == NULL)
        return NULL;
    ends = ends == NULL ? PyTuple_New(0) : as_values(ends);
    Walk *walk = ends == NULL ? NULL : (Walk *)type->tp_alloc(type, 0);
    Nodes stack = {NULL, 0, 0}, leaves = {NULL, 0, 0}, gates = {NULL, 0, 0};
    if (walk != NULL && find(walk, roots, ends, &stack, &leaves, &gates) < 0) {
        PyErr_NoMemory();
        Py_CLEAR(walk);
    }
    if (walk != NULL && ((walk->leaves = as_tuple(&leaves)) == NULL || (walk->gates = as_tuple(&gates)) == NULL))
        Py_CLEAR(walk);
    PyMem_Free(stack.node);
    PyMem_Free(leaves.node);
    PyMem_Free(gates.node);
    Py_DECREF(roots); /* kept alive until here, because the found nodes were borrowed */
    Py_XDECREF(ends);
    return (PyObject *)walk;
}

static void
walk_dealloc(PyObject *self)
{
    Py_XDECREF(((Walk *)self)->leaves);
    Py_XDECREF(((Walk *)self)->gates);
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

static PyObject *
finish(PyObject *self, PyObject *Py_UNUSED(nothing))
{
    if (((Walk *)self)->number == latest_walk)
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_RuntimeError,
                    "a graph was walked in the middle of another walk (in a signal handler?): run it again");
    return NULL;
}

static PyMethodDef walk_methods[] = {{"finish", finish, METH_NOARGS, NULL}, {0}};

static PyMemberDef walk_members[] = {
    {"leaves", T_OBJECT, offsetof(Walk, leaves), READONLY, NULL},
    {"gates", T_OBJECT, offsetof(Walk, gates), READONLY, NULL},
    {"number", T_ULONGLONG, offsetof(Walk, number), READONLY, NULL},
    {"changed", T_LONGLONG, offsetof(Walk, changed), READONLY, NULL},
    {0}
};

static PyType_Slot walk_slots[] = {
    {Py_tp_new, walk_new},
    {Py_tp_dealloc, walk_dealloc},
    {Py_tp_methods, walk_methods},
    {Py_tp_members, walk_members},
    {0, NULL}
};

PyType_Spec walk_spec = {
    .name = "autograd.native.core.Walk",
    .basicsize = sizeof(Walk),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = walk_slots,
};
