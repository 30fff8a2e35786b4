/* `scope` of context.py with its base Block. In C, because every layer and neuron opens one. */

#include "scope.h"

#include "context.h"

/* A Block of context.py. Its open entries are the block itself, if `open`, and the copies in `others`, a list or
   NULL. */
typedef struct {
    PyObject_HEAD
    PyObject *name, *others, *references; /* references: the list of weak references */
    char open, left;
} Scope;

PyTypeObject *scope_type;

static PyObject *
make_scope(PyObject *name)
{
    PyObject *scope = scope_type->tp_alloc(scope_type, 0);
    if (scope != NULL)
        ((Scope *)scope)->name = as_object(name);
    return scope;
}

static int
refuse_name(PyObject *name)
{
    PyErr_Format(PyExc_TypeError, "a scope's name is a str, such as 'layer1', not %R", name);
    return -1;
}

static int
scope_init(PyObject *self, PyObject *args, PyObject *named)
{
    static char *names[] = {"name", NULL};
    Scope *scope = (Scope *)self;
    PyObject *name, *text;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O:scope", names, &name))
        return -1;
    if (!PyUnicode_Check(name))
        return refuse_name(name);
    if (scope->open || (scope->others != NULL && PyList_GET_SIZE(scope->others))) {
        PyErr_SetString(PyExc_RuntimeError, "a block cannot be made anew while it is open: make another one");
        return -1;
    }
    text = PyUnicode_FromObject(name);
    return text == NULL ? -1 : put_slot(self, (void *)offsetof(Scope, name), text);
}

/* scope(name) by vectorcall, without a tuple of arguments. */
PyObject *
scope_make(PyObject *Py_UNUSED(type), PyObject *const *args, size_t flags, PyObject *names)
{
    if (PyVectorcall_NARGS(flags) != 1 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "a scope has one name: write scope('name')");
        return NULL;
    }
    if (!PyUnicode_Check(args[0])) {
        refuse_name(args[0]);
        return NULL;
    }
    PyObject *name = PyUnicode_FromObject(args[0]), *scope = name == NULL ? NULL : make_scope(name);
    Py_XDECREF(name);
    return scope;
}

static int
scope_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Scope *)self)->others);
    return 0;
}

static void
scope_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (((Scope *)self)->references != NULL)
        PyObject_ClearWeakRefs(self);
    Py_XDECREF(((Scope *)self)->others);
    Py_XDECREF(((Scope *)self)->name);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

/* `_inside(outer)`: the context inside the scope. */
static PyObject *
scope_inside(PyObject *self, PyObject *outer)
{
    PyObject *name = ((Scope *)self)->name, *path, *inside = NULL;
    if (name == NULL || !is_context(outer)) {
        PyErr_SetString(PyExc_TypeError, "a scope must have a name, and be inside of a context");
        return NULL;
    }
    if (PyUnicode_GET_LENGTH(PyTuple_GET_ITEM(outer, 0)))
        path = PyUnicode_FromFormat("%U/%U", PyTuple_GET_ITEM(outer, 0), name);
    else
        path = as_object(name);
    if (path != NULL) {
        PyUnicode_InternInPlace(&path);
        inside = PyTuple_Pack(5, path, PyTuple_GET_ITEM(outer, 1), self, outer, PyTuple_GET_ITEM(outer, 4));
        Py_DECREF(path);
    }
    return inside;
}

/* Set the context inside a block. */
static int
open_block(PyObject *block)
{
    PyObject *outer = current_context(), *inside = outer == NULL ? NULL : scope_inside(block, outer);
    PyObject *token = inside == NULL ? NULL : PyContextVar_Set(context_variable, inside);
    int opened = token == NULL ? -1 : PyList_Append(recording->special, Py_None);
    if (token != NULL && opened < 0)
        PyContextVar_Reset(context_variable, token);
    Py_XDECREF(outer);
    Py_XDECREF(inside);
    Py_XDECREF(token);
    return opened;
}

/* Enter a copy of a block that is open already, or has ended but is still in another context. */
static int
open_other(Scope *scope)
{
    if (scope->others == NULL && (scope->others = PyList_New(0)) == NULL)
        return -1;
    PyObject *other = make_scope(scope->name);
    if (other == NULL)
        return -1;
    int opened = PyList_Append(scope->others, other);
    if (opened == 0 && (opened = open_block(other)) < 0) {
        Py_ssize_t last = PyList_GET_SIZE(scope->others);
        PyList_SetSlice(scope->others, last - 1, last, NULL);
    }
    Py_DECREF(other);
    return opened;
}

static PyObject *
scope_enter(PyObject *self, PyObject *Py_UNUSED(nothing))
{
    Scope *scope = (Scope *)self;
    if (scope->name == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a block must be made before it is entered: write with no_grad(): or with scope('name'):");
        return NULL;
    }
    if (scope->open || scope->left)
        return open_other(scope) < 0 ? NULL : as_object(NULL);
    scope->open = open_block(self) == 0;
    return scope->open ? as_object(NULL) : NULL;
}

/* Fast path of leaving: the block is the innermost one and in no other context. 1; 0 if it is not so; -1 with an
   error. */
static int
leave_innermost(Scope *scope, PyObject *now)
{
    PyObject *special = recording->special, *token;
    Py_ssize_t all = PyList_GET_SIZE(special);
    if (!scope->open || !all || PyTuple_GET_ITEM(now, 2) != (PyObject *)scope)
        return 0;
    token = PyContextVar_Set(context_variable, PyTuple_GET_ITEM(now, 3));
    if (token == NULL)
        return -1;
    Py_DECREF(token);
    if (Py_REFCNT(now) > 1) { /* a task or thread was started inside */
        token = PyContextVar_Set(context_variable, now);
        Py_XDECREF(token);
        return token == NULL ? -1 : 0;
    }
    scope->open = 0;
    return PyList_SetSlice(special, all - 1, all, NULL) < 0 ? -1 : 1;
}

/* Return the entry of a scope that is innermost in a context, or else the last one: a borrowed reference. */
static PyObject *
find_opened(Scope *scope, PyObject *context)
{
    Py_ssize_t count = scope->others == NULL ? 0 : PyList_GET_SIZE(scope->others);
    for (; is_context(context); context = PyTuple_GET_ITEM(context, 3)) {
        PyObject *block = PyTuple_GET_ITEM(context, 2);
        if (block == (PyObject *)scope && scope->open)
            return block;
        for (Py_ssize_t i = 0; i < count; i++)
            if (PyList_GET_ITEM(scope->others, i) == block)
                return block;
    }
    return scope->open ? (PyObject *)scope : count ? PyList_GET_ITEM(scope->others, count - 1) : NULL;
}

/* Slow path of leaving: `_leave` of context.py. */
static PyObject *
leave_any(Scope *scope, PyObject *block)
{
    if (block == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a block was left that was not entered: write `with`, which does both");
        return NULL;
    }
    PyObject *opened = PyList_New(0), *answer = NULL;
    if (opened != NULL && PyList_Append(opened, block) == 0)
        answer = call_recording(recording->leave, opened);
    Py_XDECREF(opened);
    if (answer == NULL)
        return NULL;
    Py_DECREF(answer);
    if (block == (PyObject *)scope)
        scope->open = 0;
    for (Py_ssize_t i = scope->others == NULL ? 0 : PyList_GET_SIZE(scope->others); i-- > 0;)
        if (PyList_GET_ITEM(scope->others, i) == block) {
            PyList_SetSlice(scope->others, i, i + 1, NULL);
            break;
        }
    Py_RETURN_NONE;
}

static PyObject *
scope_exit(PyObject *self, PyObject *const *Py_UNUSED(error), Py_ssize_t Py_UNUSED(count))
{
    PyObject *now = current_context(), *block, *answer;
    int left = now == NULL ? -1 : leave_innermost((Scope *)self, now);
    if (left) {
        Py_XDECREF(now);
        return left < 0 ? NULL : as_object(NULL);
    }
    block = find_opened((Scope *)self, now);
    Py_XINCREF(block);
    Py_DECREF(now); /* the function counts references to it */
    answer = leave_any((Scope *)self, block);
    Py_XDECREF(block);
    return answer;
}

static PyMethodDef scope_methods[] = {
    {"__enter__", scope_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))scope_exit, METH_FASTCALL, NULL},
    {"_inside", scope_inside, METH_O, NULL},
    {0}
};

static PyMemberDef scope_members[] = {
    {"_name", T_OBJECT_EX, offsetof(Scope, name), READONLY, NULL},
    {"_left", T_BOOL, offsetof(Scope, left), 0, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Scope, references), READONLY, NULL},
    {0}
};

static PyType_Slot scope_slots[] = {
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, scope_init},
    {Py_tp_dealloc, scope_dealloc},
    {Py_tp_traverse, scope_traverse},
    {Py_tp_methods, scope_methods},
    {Py_tp_members, scope_members},
    {0, NULL}
};

PyType_Spec scope_spec = {
    .name = "autograd.context.scope",
    .basicsize = sizeof(Scope),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = scope_slots,
};
