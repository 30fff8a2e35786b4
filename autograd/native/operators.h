/* Operators of nodes, and the call of a gate: the ways by which a node is asked for. */

enum { ROW_ADD, ROW_SUB, ROW_MUL, ROW_DIV, ROW_POW, ROW_NEG, ROW_ABS, ROW_RECIPROCAL, ROWS };
static const char *const row_names[ROWS] = {"add", "sub", "mul", "div", "pow", "neg", "abs", "reciprocal"};
static Row *rows[ROWS];
static PyObject *comparisons; /* operators.py's functions for < <= == != > >=, in Python's order; None for == and != */

/* Tell whether x is this number, written as an int or a float. */
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
    if (!IS_VALUE(a) && is_number(a, 0)) /* so that sum() draws clean */
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
    if (!IS_VALUE(a) && is_number(a, 1)) /* the lectures' gate for it */
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

/* The data decide, so that Python's control flow works; equality stays identity. */
static PyObject *
node_compare(PyObject *a, PyObject *b, int operation)
{
    if (operation == Py_EQ || operation == Py_NE)
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

/* As the property of value.py, which answers what is rare. */
static PyObject *data_property;

static PyObject *
get_data(PyObject *self, void *Py_UNUSED(closure))
{
    if (PyList_GET_SIZE(recording->special)) /* where numbers may be hidden */
        return PyObject_CallMethod(data_property, "fget", "O", self);
    return PyFloat_FromDouble(((Node *)self)->data);
}

static int
set_data(PyObject *self, PyObject *x, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    if (x != NULL && PyFloat_CheckExact(x) && node->first == NULL) {
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

static PyObject *
node_new(PyTypeObject *Py_UNUSED(type), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named))
{
    if (role_rows[0] == NULL) {
        PyErr_SetString(PyExc_TypeError, "a Value is made once autograd is imported");
        return NULL;
    }
    return (PyObject *)new_node(role_rows[0], 0.0);
}

static PyType_Slot value_slots[] = {
    {Py_tp_new, node_new},
    {Py_tp_dealloc, node_dealloc},
    {Py_tp_getset, node_getset},
    {Py_tp_members, node_members},
    {Py_tp_richcompare, node_compare},
    {Py_tp_hash, NULL}, /* filled in with that of every object */
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

/* A type made at run time, so that Python methods can be hung on it; in a class statement it would get the collector. */
static PyType_Spec value_spec = {
    .name = "autograd.value.Value",
    .basicsize = sizeof(Node),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = value_slots,
};

/* What Gate.__call__ becomes: a Value among the inputs is recorded at once, everything else is for Python's function. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *otherwise;
} Call;

/* Tell whether inputs are Values and plain numbers, with a Value among them. */
static int
are_recorded(PyObject *const *xs, Py_ssize_t count)
{
    int values = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (IS_VALUE(xs[i]))
            values = 1;
        else if (!PyFloat_CheckExact(xs[i]) && !PyLong_CheckExact(xs[i]))
            return 0;
    }
    return values;
}

static PyObject *record_name, *arrange_name;
static PyObject *dot_arrange; /* gates.py's function for the inputs of dot */

/* dot(w, x, bias) of two lists of one length is the gate that networks are full of: its inputs as dot_arrange puts them.
   NULL without an error for whatever is not that. */
static PyObject *
record_dot(Row *row, PyObject *const *xs, Py_ssize_t count)
{
    PyObject *fixed[64], **inputs = fixed, *node = NULL;
    if ((count != 2 && count != 3) || !PyList_CheckExact(xs[0]) || !PyList_CheckExact(xs[1]))
        return NULL;
    Py_ssize_t n = PyList_GET_SIZE(xs[0]);
    if (n == 0 || n != PyList_GET_SIZE(xs[1]))
        return NULL;
    int biased = count == 3 && !(PyFloat_CheckExact(xs[2]) && PyFloat_AS_DOUBLE(xs[2]) == 0.0);
    if (2 * n + 1 > 64 && (inputs = PyMem_Malloc((2 * n + 1) * sizeof(PyObject *))) == NULL)
        return PyErr_NoMemory();
    memcpy(inputs, PySequence_Fast_ITEMS(xs[0]), n * sizeof(PyObject *));
    memcpy(inputs + n, PySequence_Fast_ITEMS(xs[1]), n * sizeof(PyObject *));
    if (biased)
        inputs[2 * n] = xs[2];
    if (are_recorded(inputs, 2 * n + biased)) /* numbers and Values: none of them can change the lists meanwhile */
        node = record_many(row, inputs, 2 * n + biased);
    if (inputs != fixed)
        PyMem_Free(inputs);
    return node;
}

static PyObject *
call_gate(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flags) - 1;
    PyObject *record = count < 1 || names != NULL ? NULL : PyObject_GetAttr(args[0], record_name);
    if (record != NULL && Py_IS_TYPE(record, &Row_Type)) {
        Row *row = (Row *)record;
        PyObject *node = NULL;
        if (row->inputs == count && are_recorded(args + 1, count))
            node = row_call(record, args + 1, count, NULL);
        else if (row->inputs < 0) {
            PyObject *arrange = PyObject_GetAttr(args[0], arrange_name), *inputs = NULL;
            if (arrange != NULL && arrange == dot_arrange)
                node = record_dot(row, args + 1, count);
            if (arrange != NULL && node == NULL && !PyErr_Occurred())
                inputs = PyObject_Vectorcall(arrange, args + 1, count, NULL);
            Py_XDECREF(arrange);
            if (inputs != NULL && PyTuple_CheckExact(inputs)
                && are_recorded(PySequence_Fast_ITEMS(inputs), PyTuple_GET_SIZE(inputs)))
                node = row_call(record, PySequence_Fast_ITEMS(inputs), PyTuple_GET_SIZE(inputs), NULL);
            else if (inputs != NULL) /* arranged, which a generator outlives only once */
                node = PyObject_CallMethod(args[0], "apply", "(O)", inputs);
            Py_XDECREF(inputs);
        }
        if (node != NULL || PyErr_Occurred()) {
            Py_DECREF(record);
            return node;
        }
    }
    else if (PyErr_Occurred())
        return NULL;
    Py_XDECREF(record);
    return PyObject_Vectorcall(((Call *)self)->otherwise, args, flags, names);
}

static PyObject *
call_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named))
{
    PyObject *otherwise;
    if (!PyArg_ParseTuple(args, "O", &otherwise))
        return NULL;
    Call *call = (Call *)type->tp_alloc(type, 0);
    if (call != NULL) {
        call->call = call_gate;
        call->otherwise = as_object(otherwise);
    }
    return (PyObject *)call;
}

static void
call_dealloc(PyObject *self)
{
    Py_DECREF(((Call *)self)->otherwise);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef call_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(Call, otherwise), READONLY, NULL},
    {NULL}
};

static PyTypeObject Call_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "autograd.native.core.Call",
    .tp_basicsize = sizeof(Call),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_vectorcall_offset = offsetof(Call, call),
    .tp_call = PyVectorcall_Call,
    .tp_new = call_new,
    .tp_dealloc = call_dealloc,
    .tp_descr_get = bind,
    .tp_members = call_members,
};
