/* Walk of backward.py. */

#include "walk.h"

#include "row.h"

PyTypeObject *walk_type;
unsigned long long latest_walk;

/* How many nodes from a node a walk asks for memory. Nodes lie in the order of recording, so a node's first input is below
   it, and the walk comes back upwards. Without this, a walk through 200,000 gates took five times as long a gate. */
#define NEAR_ABOVE 128
#define FAR_BELOW 64

/* Arrays of earlier walks, for the next ones: the first use of a page costs more than the walk through what it holds.
   An array of more than half a million nodes is not kept. */
#define SPARE_MOST ((Py_ssize_t)1 << 19)
static Nodes spare[2];

static void
take_spare(Nodes *nodes, int which)
{
    *nodes = spare[which];
    spare[which] = (Nodes){NULL, 0, 0};
}

static void
give_spare(Nodes *nodes, int which)
{
    nodes->size = 0;
    if (nodes->room <= SPARE_MOST && nodes->room > spare[which].room) {
        Nodes smaller = spare[which];
        spare[which] = *nodes;
        *nodes = smaller;
    }
    PyMem_Free(nodes->node);
}

void
free_spare(void)
{
    for (int i = 0; i < 2; i++) {
        PyMem_Free(spare[i].node);
        spare[i] = (Nodes){NULL, 0, 0};
    }
}

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

/* A node whose inputs are done. The nodes that were recorded after it lie above it, and are next on the way back. */
static inline int
is_done(Node *node, State *state, unsigned long long done, Nodes *nodes)
{
    PREFETCH(node + NEAR_ABOVE);
    PREFETCH(state + NEAR_ABOVE);
    state->mark = done;
    state->adjoint = 0.0;
    return push(nodes, node);
}

/* The loop of Walk.__init__, step by step, so that the order of the nodes is the same. */
static int
go(Walk *walk, Nodes *given)
{
    unsigned long long entered = walk->number;
    long long changed = walk->changed;
    Nodes stack = *given, nodes = walk->nodes; /* copies, which stay in registers */
    int answer = 0;
    while (stack.size && answer == 0) {
        Node *node = stack.node[--stack.size];
        State *state = state_of(node);
        prefetch_at(&stack, stack.size - AHEAD);
        if (state->mark == entered) {
            answer = is_done(node, state, entered + GATE, &nodes);
            continue;
        }
        while (state->mark < entered && answer == 0) {
            Node *first = node->first;
            if (first == NULL) {
                answer = is_done(node, state, entered + (node->row == constant_row ? NO_GRADIENT : LEAF), &nodes);
                if (node->tick > changed)
                    changed = node->tick;
                break;
            }
            PyObject *rest = node->rest;
            int inputs = node->row->inputs;
            PREFETCH(node - FAR_BELOW); /* the first inputs of the first inputs lie below */
            state->mark = entered;
            answer = push(&stack, node);
            if (inputs == 2) { /* the mark of the rest is read when it is popped: by then it is in the cache */
                PREFETCH(rest);
                answer |= push(&stack, (Node *)rest);
            }
            else if (inputs != 1)
                for (Py_ssize_t i = PyTuple_GET_SIZE(rest); i-- > 0;) {
                    Node *input = (Node *)PyTuple_GET_ITEM(rest, i);
                    if (state_of(input)->mark <= entered)
                        answer |= push(&stack, input);
                }
            node = first;
            state = state_of(node);
        }
    }
    *given = stack;
    walk->nodes = nodes;
    walk->changed = changed;
    return answer;
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
find(Walk *walk, PyObject *ends, Nodes *stack)
{
    walk->number = latest_walk += MARKS;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(ends); i++)
        state_of(PyTuple_GET_ITEM(ends, i))->mark = walk->number + GATE;
    for (Py_ssize_t i = PyTuple_GET_SIZE(walk->roots); i-- > 0;)
        if (push(stack, (Node *)PyTuple_GET_ITEM(walk->roots, i)) < 0)
            return -1;
    return go(walk, stack);
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
    if (walk == NULL) {
        Py_DECREF(roots);
        Py_XDECREF(ends);
        return NULL;
    }
    Nodes stack;
    walk->roots = roots;
    take_spare(&stack, 0);
    take_spare(&walk->nodes, 1);
    if (find(walk, ends, &stack) < 0) {
        PyErr_NoMemory();
        Py_CLEAR(walk);
    }
    give_spare(&stack, 0);
    Py_DECREF(ends);
    return (PyObject *)walk;
}

static void
walk_dealloc(PyObject *self)
{
    Walk *walk = (Walk *)self;
    give_spare(&walk->nodes, 1);
    Py_XDECREF(walk->failed);
    Py_XDECREF(walk->roots);
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

/* Return the leaves of a walk in their order, or its gates. */
static PyObject *
as_tuple(const Nodes *nodes, int leaves)
{
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < nodes->size; i++)
        count += (nodes->node[i]->first == NULL) == leaves;
    PyObject *tuple = tuple_of(count);
    for (Py_ssize_t i = 0, k = 0; tuple != NULL && k < count; i++)
        if ((nodes->node[i]->first == NULL) == leaves)
            PyTuple_SET_ITEM(tuple, k++, as_object(nodes->node[i]));
    return tuple;
}

static PyObject *
get_leaves(PyObject *self, void *Py_UNUSED(closure))
{
    return as_tuple(&((Walk *)self)->nodes, 1);
}

static PyObject *
get_gates(PyObject *self, void *Py_UNUSED(closure))
{
    return as_tuple(&((Walk *)self)->nodes, 0);
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

static PyGetSetDef walk_getset[] = {
    {"leaves", get_leaves, NULL, NULL, NULL},
    {"gates", get_gates, NULL, NULL, NULL},
    {0}
};

static PyMemberDef walk_members[] = {
    {"failed", T_OBJECT, offsetof(Walk, failed), READONLY, NULL},
    {"number", T_ULONGLONG, offsetof(Walk, number), READONLY, NULL},
    {"changed", T_LONGLONG, offsetof(Walk, changed), READONLY, NULL},
    {0}
};

static PyType_Slot walk_slots[] = {
    {Py_tp_new, walk_new},
    {Py_tp_dealloc, walk_dealloc},
    {Py_tp_methods, walk_methods},
    {Py_tp_getset, walk_getset},
    {Py_tp_members, walk_members},
    {0, NULL}
};

PyType_Spec walk_spec = {
    .name = "autograd.native.core.Walk",
    .basicsize = sizeof(Walk),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = walk_slots,
};
