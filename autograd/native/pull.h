/* Pulling: a node hands its adjoint on to its inputs, upstream times local, which adds up there. */

/* A local gradient: 1 with the number, or 0 if there is none to hand on, or -1 if the rule refused. */
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
        if (input->row == constant_row) /* which may have no slope, and needs none */
            return 0;
        memcpy(slope->tape->cell, x, (count + 1) * sizeof(double));
        if (!run(slope->tape))
            return -1;
        *result = slope->tape->cell[slope->tape->output[0]];
        return 1;
    default:
        return 0;
    }
}

/* Hand a node's adjoint on to its inputs: 1, or 0 if a rule refused and nothing was added, or -1 with an error. */
static inline int
pull_fixed(const Row *row, Node *node)
{
    int count = row->inputs, given[INPUTS_MOST];
    Node *input[INPUTS_MOST];
    double x[INPUTS_MOST + 1], slope[INPUTS_MOST], upstream = node->adjoint;
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
            input[i]->adjoint += upstream * slope[i];
    return 1;
}

/* The same for two inputs, of which graphs are full. */
static inline int
pull_two(const Row *row, Node *node)
{
    Node *a = node->first, *b = (Node *)node->rest;
    double x[3] = {a->data, b->data, node->data}, to_a, to_b, upstream = node->adjoint;
    int given_a = local_gradient(row->slope, x, 2, a, &to_a), given_b = local_gradient(row->slope + 1, x, 2, b, &to_b);
    if (given_a < 0 || given_b < 0)
        return 0;
    if (given_a)
        a->adjoint += upstream * to_a;
    if (given_b)
        b->adjoint += upstream * to_b;
    return 1;
}

static int
pull_many(Row *row, Node *node)
{
    PyObject *rest = node->rest;
    Py_ssize_t count = PyTuple_GET_SIZE(rest) + 1;
    int there = find_tapes(row, count, 0);
    if (there <= 0)
        return there;
    Tape *tape = row->local;
    double *cell = tape->cell, upstream = node->adjoint;
    cell[0] = node->first->data;
    for (Py_ssize_t i = 1; i < count; i++)
        cell[i] = ((Node *)PyTuple_GET_ITEM(rest, i - 1))->data;
    cell[count] = node->data;
    if (!run(tape))
        return 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        Node *input = i ? (Node *)PyTuple_GET_ITEM(rest, i - 1) : node->first;
        if (tape->output[i] >= 0)
            input->adjoint += upstream * cell[tape->output[i]];
    }
    return 1;
}

/* Tell whether `gate.pull` is still the derived function, or something that somebody put in its place. */
static int
is_native(Row *row, unsigned long long walk)
{
    if (row->walked != walk) {
        PyObject *pull = PyObject_GetAttrString(row->origin, "pull");
        if (pull == NULL)
            return -1;
        row->native = pull == row->pull && (row->inputs < 0 || row->forward != NULL);
        row->walked = walk;
        Py_DECREF(pull);
    }
    return row->native;
}

static int
pull(Node *node, unsigned long long walk)
{
    Row *row = node->row;
    int native = is_native(row, walk);
    if (native > 0)
        native = row->inputs == 2 ? pull_two(row, node) : row->inputs > 0 ? pull_fixed(row, node) : pull_many(row, node);
    if (native)
        return native;
    PyObject *answer = PyObject_CallMethod(row->origin, "pull", "(O)", node);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 1;
}
