/* The recording of recording.py, and the block `with scope(name):`, which every layer and neuron opens. */

static PyObject *
recording_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named))
{
    PyObject *context;
    if (!PyArg_ParseTuple(args, "O!", &PyContextVar_Type, &context))
        return NULL;
    Recording *made = (Recording *)type->tp_alloc(type, 0);
    if (made == NULL || (made->special = PyList_New(0)) == NULL || (made->deferred = PyDict_New()) == NULL)
        return NULL;
    made->clock = 1;
    Py_XSETREF(context_variable, as_object(context));
    Py_XSETREF(recording, (Recording *)as_object(made)); /* there is one, which new nodes ask */
    return (PyObject *)made;
}

static void
recording_dealloc(PyObject *self)
{
    Py_XDECREF(((Recording *)self)->special);
    Py_XDECREF(((Recording *)self)->deferred);
    Py_XDECREF(((Recording *)self)->settle);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef recording_members[] = {
    {"clock", T_LONGLONG, offsetof(Recording, clock), 0, NULL},
    {"special", T_OBJECT_EX, offsetof(Recording, special), READONLY, NULL},
    {"deferred", T_OBJECT_EX, offsetof(Recording, deferred), READONLY, NULL},
    {"settle", T_OBJECT_EX, offsetof(Recording, settle), 0, NULL},
    {NULL}
};

static PyTypeObject Recording_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "autograd.native.core.Recording",
    .tp_basicsize = sizeof(Recording),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = recording_new,
    .tp_dealloc = recording_dealloc,
    .tp_members = recording_members,
};

static PyObject *
tick(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    return PyLong_FromLongLong(++recording->clock);
}

typedef struct {
    PyObject_HEAD
    PyObject *name, *tokens; /* tokens: one for each time that the block is open, to go back to what was before */
} Scope;

static PyTypeObject *scope_type;

/* scope(name), as it is always written, without a tuple of arguments. */
static PyObject *
scope_make(PyObject *type, PyObject *const *args, size_t flags, PyObject *names)
{
    PyObject *scope = NULL;
    if (PyVectorcall_NARGS(flags) == 1 && names == NULL && PyUnicode_CheckExact(args[0])) {
        scope = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 0);
        if (scope != NULL) {
            ((Scope *)scope)->name = as_object(args[0]);
            if ((((Scope *)scope)->tokens = PyList_New(0)) == NULL)
                Py_CLEAR(scope);
        }
        return scope;
    }
    if (PyVectorcall_NARGS(flags) == 1 && names == NULL)
        PyErr_Format(PyExc_TypeError, "a scope's name is a str, such as 'layer1', not %R", args[0]);
    else
        PyErr_SetString(PyExc_TypeError, "a scope has one name: write scope('name')");
    return NULL;
}

static int
scope_init(PyObject *self, PyObject *args, PyObject *named)
{
    static char *names[] = {"name", NULL};
    PyObject *name;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O:scope", names, &name))
        return -1;
    Scope *scope = (Scope *)self;
    Py_XSETREF(scope->tokens, PyList_New(0));
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a scope's name is a str, such as 'layer1', not %R", name);
        return -1;
    }
    Py_XSETREF(scope->name, as_object(name));
    return scope->tokens == NULL || scope->name == NULL ? -1 : 0;
}

static void
scope_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((Scope *)self)->name);
    Py_XDECREF(((Scope *)self)->tokens);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
scope_enter(PyObject *self, PyObject *Py_UNUSED(nothing))
{
    Scope *scope = (Scope *)self;
    PyObject *outer, *inside, *token, *path;
    if (PyContextVar_Get(context_variable, NULL, &outer) < 0)
        return NULL;
    if (PyUnicode_GET_LENGTH(PyTuple_GET_ITEM(outer, 0)))
        path = PyUnicode_FromFormat("%U/%U", PyTuple_GET_ITEM(outer, 0), scope->name);
    else
        path = as_object(scope->name);
    if (path != NULL)
        PyUnicode_InternInPlace(&path);
    inside = path == NULL ? NULL : PyTuple_Pack(2, path, PyTuple_GET_ITEM(outer, 1));
    token = inside == NULL ? NULL : PyContextVar_Set(context_variable, inside);
    int failed = token == NULL || PyList_Append(scope->tokens, token) < 0;
    failed = failed || PyList_Append(recording->special, Py_None) < 0;
    Py_DECREF(outer);
    Py_XDECREF(path);
    Py_XDECREF(inside);
    Py_XDECREF(token);
    return failed ? NULL : as_object(NULL);
}

static PyObject *
scope_exit(PyObject *self, PyObject *const *Py_UNUSED(error), Py_ssize_t Py_UNUSED(count))
{
    PyObject *tokens = ((Scope *)self)->tokens, *special = recording->special;
    Py_ssize_t open = PyList_GET_SIZE(tokens), all = PyList_GET_SIZE(special);
    if (open == 0 || all == 0) {
        PyErr_SetString(PyExc_IndexError, "a scope was left that was not entered");
        return NULL;
    }
    PyObject *token = as_object(PyList_GET_ITEM(tokens, open - 1));
    int failed = PyList_SetSlice(special, all - 1, all, NULL) < 0 || PyList_SetSlice(tokens, open - 1, open, NULL) < 0
                 || PyContextVar_Reset(context_variable, token) < 0;
    Py_DECREF(token);
    return failed ? NULL : as_object(NULL);
}

static PyMethodDef scope_methods[] = {
    {"__enter__", scope_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))scope_exit, METH_FASTCALL, NULL},
    {NULL}
};

static PyMemberDef scope_members[] = {{"_name", T_OBJECT_EX, offsetof(Scope, name), READONLY, NULL}, {NULL}};

static PyType_Slot scope_slots[] = {
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, scope_init},
    {Py_tp_dealloc, scope_dealloc},
    {Py_tp_methods, scope_methods},
    {Py_tp_members, scope_members},
    {0, NULL}
};

static PyType_Spec scope_spec = {
    .name = "autograd.recording.scope",
    .basicsize = sizeof(Scope),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = scope_slots,
};
