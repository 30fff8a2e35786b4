/* The loops of backward.py: upstream × local is added to the adjoint of every input. */

#include "backward.h"

#include "context.h"
#include "row.h"
#include "walk.h"

/* Compute a local gradient: 1 and the number, 0 if the input gets no gradient, -1 if Python's rule must decide. */
static inline int
local_gradient(const Slope *slope, const double *x, int count, Node *input, double *result)
{
    switch (slope->kind) {
    case NUMBER:
        *result = slope->number;
        return 1;
    case CELL:
        *result = x[slope->cell];
        return 1;
    case FORMULA:
        if (input->row == constant_row) /* a constant needs no slope, and it may not exist */
            return 0;
        memcpy(slope->bytecode->cell, x, (count + 1) * sizeof(double));
        if (!run_bytecode(slope->bytecode))
            return -1;
        *result = slope->bytecode->cell[slope->bytecode->output[0]];
        return isfinite(*result) ? 1 : -1; /* Python's rule decides whether to raise */
    default:
        return 0;
    }
}

/* Add upstream × local to the adjoints of a node's inputs: 1; 0 if Python's rule must decide, with nothing added; -1
   with an error. */
static inline int
pull_fixed(const Row *row, Node *node)
{
    int count = row->inputs, given[INPUTS_MOST];
    Node *input[INPUTS_MOST];
    double x[INPUTS_MOST + 1], slope[INPUTS_MOST], upstream = state_of(node)->adjoint;
    input[0] = node->first;
    if (count == 2)
        input[1] = (Node *)node->rest;
    else
        for (int i = 1; i < count; i++)
            input[i] = (Node *)PyTuple_GET_ITEM(node->rest, i - 1);
    for (int i = 0; i < count; i++)
        x[i] = input[i]->data;
    x[count] = node->data;
    for (int i = 0; i < count; i++)
        if ((given[i] = local_gradient(row->slope + i, x, count, input[i], slope + i)) < 0)
            return 0;
    for (int i = 0; i < count; i++)
        if (given[i])
            state_of(input[i])->adjoint += upstream * slope[i];
    return 1;
}

/* The same for two inputs, the most frequent case. */
static inline int
pull_two(const Row *row, Node *node)
{
    Node *a = node->first, *b = (Node *)node->rest;
    double x[3] = {a->data, b->data, node->data}, to_a = 0.0, to_b = 0.0, upstream = state_of(node)->adjoint;
    int given_a = local_gradient(row->slope, x, 2, a, &to_a), given_b = local_gradient(row->slope + 1, x, 2, b, &to_b);
    if (given_a < 0 || given_b < 0)
        return 0;
    if (given_a)
        state_of(a)->adjoint += upstream * to_a;
    if (given_b)
        state_of(b)->adjoint += upstream * to_b;
    return 1;
}

static int
pull_many(Row *row, Node *node)
{
    PyObject *rest = node->rest;
    Py_ssize_t count = PyTuple_GET_SIZE(rest) + 1;
    int there = find_bytecode(row, count, 0);
    if (there <= 0)
        return there;
    Bytecode *code = row->local;
    double *cell = code->cell, upstream = state_of(node)->adjoint;
    cell[0] = node->first->data;
    for (Py_ssize_t i = 1; i < count; i++)
        cell[i] = ((Node *)PyTuple_GET_ITEM(rest, i - 1))->data;
    cell[count] = node->data;
    if (!run_bytecode(code))
        return 0;
    for (Py_ssize_t i = 0; i < count; i++)
        if (code->output[i] > count && !isfinite(cell[code->output[i]])) /* a computed slope, not an input or the output */
            return 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        Node *input = i ? (Node *)PyTuple_GET_ITEM(rest, i - 1) : node->first;
        if (code->output[i] >= 0)
            state_of(input)->adjoint += upstream * cell[code->output[i]];
    }
    return 1;
}

static int
pull(Node *node)
{
    Row *row = node->row;
    int pulled = 0;
    if (row->inputs < 0)
        pulled = pull_many(row, node);
    else if (row->forward != NULL)
        pulled = row->inputs == 2 ? pull_two(row, node) : pull_fixed(row, node);
    if (pulled)
        return pulled;
    if (row->pull == NULL) {
        PyErr_SetString(PyExc_TypeError, "a leaf hands no adjoint on");
        return -1;
    }
    PyObject *answer = PyObject_CallOneArg(row->pull, (PyObject *)node);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 1;
}

/* Return the walk that a pass was given, or NULL with an error. */
static Walk *
as_walk(PyObject *given)
{
    if (Py_IS_TYPE(given, walk_type))
        return (Walk *)given;
    PyErr_Format(PyExc_TypeError, "a pass needs a Walk, got %R", given);
    return NULL;
}

/* `_pull` of backward.py. */
PyObject *
sweep(PyObject *Py_UNUSED(module), PyObject *given)
{
    Walk *walk = as_walk(given);
    if (walk == NULL)
        return NULL;
    const Nodes *nodes = &walk->nodes;
    for (Py_ssize_t i = nodes->size; i-- > 0;) {
        Node *node = nodes->node[i];
        prefetch_at(nodes, i - AHEAD);
        if (node->first != NULL && pull(node) < 0) {
            Py_XSETREF(walk->failed, as_object(node));
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

/* `_stale_edge` of backward.py: the first node with an input that changed later, and that input; or None. */
PyObject *
stale_edge(PyObject *Py_UNUSED(module), PyObject *given)
{
    Walk *walk = as_walk(given);
    if (walk == NULL)
        return NULL;
    for (Py_ssize_t i = 0; walk->changed && i < walk->nodes.size; i++) {
        Node *node = walk->nodes.node[i];
        prefetch_at(&walk->nodes, i + AHEAD);
        if (node->first == NULL)
            continue;
        PyObject *rest = node->rest;
        Node *late = node->first->tick > node->tick ? node->first : NULL;
        if (late == NULL && rest != NULL && PyTuple_CheckExact(rest)) {
            for (Py_ssize_t k = 0; late == NULL && k < PyTuple_GET_SIZE(rest); k++)
                if (((Node *)PyTuple_GET_ITEM(rest, k))->tick > node->tick)
                    late = (Node *)PyTuple_GET_ITEM(rest, k);
        }
        else if (late == NULL && rest != NULL && ((Node *)rest)->tick > node->tick)
            late = (Node *)rest;
        if (late != NULL)
            return PyTuple_Pack(2, node, late);
    }
    Py_RETURN_NONE;
}

/* `_keep` of backward.py: add the adjoints to the gradients of leaves, and set those of gates. */
PyObject *
keep(PyObject *Py_UNUSED(module), PyObject *given)
{
    Walk *walk = as_walk(given);
    if (walk == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < walk->nodes.size; i++) {
        State *state = state_of(walk->nodes.node[i]);
        if (state->mark == walk->number + GATE)
            state->grad = state->adjoint;
        else if (state->mark == walk->number + LEAF)
            state->grad += state->adjoint;
    }
    Py_RETURN_NONE;
}

/* `assign` of backward.py: set the data of leaves from an array of doubles; return the tick of the change. */
PyObject *
assign(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *leaves, *numbers;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "OO:assign", &leaves, &numbers) || (leaves = as_values(leaves)) == NULL)
        return NULL;
    if (PyObject_GetBuffer(numbers, &view, PyBUF_CONTIG_RO | PyBUF_FORMAT) < 0) {
        Py_DECREF(leaves);
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(leaves);
    int fits = strcmp(view.format == NULL ? "B" : view.format, "d") == 0 && view.len == count * (Py_ssize_t)sizeof(double);
    for (Py_ssize_t i = 0; fits && i < count; i++)
        fits = ((Node *)PyTuple_GET_ITEM(leaves, i))->first == NULL;
    if (fits) {
        recording->clock++;
        for (Py_ssize_t i = 0; i < count; i++) {
            Node *leaf = (Node *)PyTuple_GET_ITEM(leaves, i);
            memcpy(&leaf->data, (const char *)view.buf + i * sizeof(double), sizeof(double));
            leaf->tick = recording->clock;
        }
    }
    PyBuffer_Release(&view);
    Py_DECREF(leaves);
    if (fits)
        return PyLong_FromLongLong(recording->clock);
    PyErr_SetString(PyExc_TypeError, "assign needs leaves, and as many doubles");
    return NULL;
}
