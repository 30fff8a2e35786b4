/* Recording: a gate's inputs become its output, a node.

   Whatever is rare is handed to the Python function that derive.py wrote: inputs that are no numbers, what math refuses,
   a rule that no tape can hold. */

/* What value.py and recording.py hold. */
static PyObject *operand_function, *context_variable;

typedef struct {
    PyObject_HEAD
    long long clock;
    PyObject *special, *deferred, *settle;
} Recording;

static Recording *recording;

/* Have numbers that wait for somebody to read a Value written, as the function of that name in recording.py does. */
static int
settle(void)
{
    if (PyList_GET_SIZE(recording->special) == 0 || PyDict_GET_SIZE(recording->deferred) == 0)
        return 0;
    PyObject *answer = PyObject_CallNoArgs(recording->settle);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* The input x as a node, a new reference; NotImplemented if x may know of Values itself; NULL with an error. */
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
        return node;
    }
    Node *number = new_node(constant_row, data);
    if (number != NULL)
        number->tick = NUMBER_TICK;
    return (PyObject *)number;
}

/* Give a new node the scope it was made in; where nothing is recorded, make it a constant. */
static int
stamp(Node *node)
{
    PyObject *now;
    if (PyContextVar_Get(context_variable, NULL, &now) < 0)
        return -1;
    PyObject *scope = PyTuple_GET_ITEM(now, 0);
    if (PyUnicode_GET_LENGTH(scope))
        node->scope = as_object(scope);
    if (PyTuple_GET_ITEM(now, 1) == Py_False) {
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

/* Make the output of a row's gate; takes over the references to its inputs. */
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

static PyObject *
record_one(Row *row, PyObject *x)
{
    PyObject *a = settle() < 0 ? NULL : operand(x, row);
    if (a == NULL || a == Py_NotImplemented)
        return a;
    row->forward->cell[0] = ((Node *)a)->data;
    if (run(row->forward))
        return output(row, row->forward->cell[row->forward->output[0]], (Node *)a, NULL);
    PyObject *node = PyObject_CallOneArg(row->record, a);
    Py_DECREF(a);
    return node;
}

static PyObject *
record_two(Row *row, PyObject *x, PyObject *y)
{
    PyObject *a = settle() < 0 ? NULL : operand(x, row);
    if (a == NULL || a == Py_NotImplemented)
        return a;
    PyObject *b = operand(y, row);
    if (b == NULL || b == Py_NotImplemented) {
        Py_DECREF(a);
        return b;
    }
    double data, left = ((Node *)a)->data, right = ((Node *)b)->data;
    switch (row->simple) { /* as run() would do them */
    case ADD: data = left + right; break;
    case SUB: data = left - right; break;
    case MUL: data = left * right; break;
    default:
        row->forward->cell[0] = left;
        row->forward->cell[1] = right;
        if (!run(row->forward)) {
            PyObject *node = PyObject_CallFunctionObjArgs(row->record, a, b, NULL);
            Py_DECREF(a);
            Py_DECREF(b);
            return node;
        }
        data = row->forward->cell[row->forward->output[0]];
    }
    return output(row, data, (Node *)a, b);
}

/* Let go of inputs that were made for a node which there will not be. */
static PyObject *
without(PyObject *first, PyObject *rest, PyObject *answer)
{
    Py_XDECREF(first);
    Py_XDECREF(rest);
    return answer;
}

static PyObject *
record_many(Row *row, PyObject *const *xs, Py_ssize_t count)
{
    PyObject *first = settle() < 0 ? NULL : operand(xs[0], row), *rest = PyTuple_New(count - 1);
    if (first == NULL || first == Py_NotImplemented || rest == NULL)
        return without(NULL, rest, rest == NULL ? without(first, NULL, NULL) : first);
    for (Py_ssize_t i = 1; i < count; i++) {
        PyObject *x = operand(xs[i], row);
        if (x == NULL || x == Py_NotImplemented)
            return without(first, rest, x);
        PyTuple_SET_ITEM(rest, i - 1, x);
    }
    int there = find_tapes(row, count, 1); /* from here on no Python code runs that could use the cells */
    if (there < 0)
        return without(first, rest, NULL);
    if (there) {
        double *cell = row->forward->cell;
        cell[0] = ((Node *)first)->data;
        for (Py_ssize_t i = 1; i < count; i++)
            cell[i] = ((Node *)PyTuple_GET_ITEM(rest, i - 1))->data;
        if (run(row->forward)) {
            if (PyObject_GC_IsTracked(rest))
                PyObject_GC_UnTrack(rest); /* Values hold no cycles */
            return output(row, cell[row->forward->output[0]], (Node *)first, rest);
        }
    }
    return without(first, rest, PyObject_Vectorcall(row->record, xs, count, NULL));
}

static PyObject *
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

