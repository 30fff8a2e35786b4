/* The walk of graph.py, and the passes of backward.py over what it found. */

typedef struct {
    PyObject_HEAD
    PyObject *leaves, *gates; /* tuples of Values, each after all its inputs */
    long long changed;        /* when a leaf last was */
    unsigned long long number;
} Walk;

/* Of the last walk. A node's mark is twice the number of a walk while its inputs are being walked, and one more when it is
   done; the marks of other walks mean nothing. */
static unsigned long long latest;

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

/* As Walk.__init__ does, step for step: the order of the nodes is the same. */
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
                node->mark = done; /* at once what the stack would come to */
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

/* The things to walk from or to, as a tuple of Values that nothing else can change; NULL with an error. */
static PyObject *
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
    walk->number = ++latest;
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
    Py_DECREF(roots); /* which kept the nodes that were found until the walk holds them */
    Py_XDECREF(ends);
    return (PyObject *)walk;
}

static void
walk_dealloc(PyObject *self)
{
    Py_XDECREF(((Walk *)self)->leaves);
    Py_XDECREF(((Walk *)self)->gates);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
finish(PyObject *self, PyObject *Py_UNUSED(nothing))
{
    if (((Walk *)self)->number == latest)
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_RuntimeError,
                    "a graph was walked in the middle of another walk (in a signal handler?): run it again");
    return NULL;
}

static PyMethodDef walk_methods[] = {{"finish", finish, METH_NOARGS, NULL}, {0}};

static PyMemberDef walk_members[] = {
    {"leaves", T_OBJECT, offsetof(Walk, leaves), READONLY, NULL},
    {"gates", T_OBJECT, offsetof(Walk, gates), READONLY, NULL},
    {"changed", T_LONGLONG, offsetof(Walk, changed), READONLY, NULL},
    {0}
};

static PyTypeObject Walk_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "autograd.native.core.Walk",
    .tp_basicsize = sizeof(Walk),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = walk_new,
    .tp_dealloc = walk_dealloc,
    .tp_methods = walk_methods,
    .tp_members = walk_members,
};

/* As derive.py's sweep: pull the nodes of an iterator, which on an error tells how many were left. */
static PyObject *
sweep(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyObject *node, *nodes = PyObject_GetIter(given);
    unsigned long long walk = latest;
    int pulled = nodes == NULL ? -1 : 1;
    while (pulled >= 0 && (node = PyIter_Next(nodes)) != NULL) {
        if (IS_VALUE(node))
            pulled = pull((Node *)node, walk);
        else {
            PyErr_Format(PyExc_TypeError, "a sweep must be of Values, got %R", node);
            pulled = -1;
        }
        Py_DECREF(node);
    }
    Py_XDECREF(nodes);
    return PyErr_Occurred() ? NULL : as_object(NULL);
}

/* The first node of a walk that is older than a change of one of its inputs, and that input; or None. */
static PyObject *
stale_edge(PyObject *Py_UNUSED(module), PyObject *given)
{
    if (!Py_IS_TYPE(given, &Walk_Type)) {
        PyErr_SetString(PyExc_TypeError, "stale_edge needs a Walk");
        return NULL;
    }
    Walk *walk = (Walk *)given;
    for (Py_ssize_t i = 0; walk->changed && i < PyTuple_GET_SIZE(walk->gates); i++) {
        Node *node = (Node *)PyTuple_GET_ITEM(walk->gates, i);
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

/* assign(leaves, numbers): write an array of doubles into the data of leaves; return the time at which they changed. */
static PyObject *
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

/* Write the gradients that a sweep left in the nodes of a walk: leaves add them up, gates are set. */
static PyObject *
keep(PyObject *Py_UNUSED(module), PyObject *given)
{
    if (!Py_IS_TYPE(given, &Walk_Type)) {
        PyErr_SetString(PyExc_TypeError, "keep needs a Walk");
        return NULL;
    }
    Walk *walk = (Walk *)given;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(walk->leaves); i++) {
        Node *leaf = (Node *)PyTuple_GET_ITEM(walk->leaves, i);
        if (leaf->row != constant_row)
            leaf->grad += leaf->adjoint;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(walk->gates); i++) {
        Node *node = (Node *)PyTuple_GET_ITEM(walk->gates, i);
        node->grad = node->adjoint;
    }
    Py_RETURN_NONE;
}
