/* What is left when everything is left out: a C type that computes + * and relu, notes them on one tape, and sweeps it.

   No labels, gates, scopes, constants, staleness, checks, errors worth reading, or graphs that outlive the tape. It is the
   limit that the engine is measured against: a Python loop over C objects can hardly cost less. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    PyObject_HEAD
    double data;
    int place; /* on the tape */
} Node;

typedef struct {
    enum { LEAF, ADD, MUL, RELU } gate;
    int a, b;
    double data, adjoint;
} Entry;

static PyTypeObject Type;
static Entry *tape;
static int entries, room;

static PyObject *
made(int gate, int a, int b, double data)
{
    if (entries == room) {
        room = room ? 2 * room : 1024;
        tape = realloc(tape, room * sizeof(Entry));
        if (tape == NULL)
            Py_FatalError("out of memory");
    }
    Node *node = PyObject_New(Node, &Type);
    if (node == NULL)
        return NULL;
    tape[entries] = (Entry){gate, a, b, data, 0.0};
    node->data = data;
    node->place = entries++;
    return (PyObject *)node;
}

static PyObject *
add(PyObject *x, PyObject *y)
{
    if (!Py_IS_TYPE(x, &Type) || !Py_IS_TYPE(y, &Type))
        Py_RETURN_NOTIMPLEMENTED;
    Node *a = (Node *)x, *b = (Node *)y;
    return made(ADD, a->place, b->place, a->data + b->data);
}

static PyObject *
multiply(PyObject *x, PyObject *y)
{
    if (!Py_IS_TYPE(x, &Type) || !Py_IS_TYPE(y, &Type))
        Py_RETURN_NOTIMPLEMENTED;
    Node *a = (Node *)x, *b = (Node *)y;
    return made(MUL, a->place, b->place, a->data * b->data);
}

static PyObject *
relu(PyObject *x, PyObject *Py_UNUSED(nothing))
{
    Node *a = (Node *)x;
    return made(RELU, a->place, a->place, a->data > 0 ? a->data : 0);
}

static PyObject *
backward(PyObject *x, PyObject *Py_UNUSED(nothing))
{
    tape[((Node *)x)->place].adjoint = 1;
    for (Entry *entry = tape + ((Node *)x)->place; entry >= tape; entry--) {
        Entry *a = tape + entry->a, *b = tape + entry->b;
        if (entry->gate == ADD) {
            a->adjoint += entry->adjoint;
            b->adjoint += entry->adjoint;
        }
        else if (entry->gate == MUL) {
            a->adjoint += entry->adjoint * b->data;
            b->adjoint += entry->adjoint * a->data;
        }
        else if (entry->gate == RELU && a->data > 0)
            a->adjoint += entry->adjoint;
    }
    Py_RETURN_NONE;
}

static PyObject *
get_grad(PyObject *x, void *Py_UNUSED(closure))
{
    return PyFloat_FromDouble(tape[((Node *)x)->place].adjoint);
}

static PyObject *
new(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *Py_UNUSED(named))
{
    double data;
    return PyArg_ParseTuple(args, "d", &data) ? made(LEAF, 0, 0, data) : NULL;
}

static PyObject *
reset(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    entries = 0;
    Py_RETURN_NONE;
}

static PyNumberMethods operators = {.nb_add = add, .nb_multiply = multiply};
static PyMethodDef methods[] = {{"relu", relu, METH_NOARGS, NULL}, {"backward", backward, METH_NOARGS, NULL}, {NULL}};
static PyGetSetDef getset[] = {{"grad", get_grad, NULL, NULL, NULL}, {NULL}};
static PyMethodDef functions[] = {{"reset", reset, METH_NOARGS, NULL}, {NULL}};

static PyTypeObject Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "limit.Value",
    .tp_basicsize = sizeof(Node),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = new,
    .tp_as_number = &operators,
    .tp_methods = methods,
    .tp_getset = getset,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "limit", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_limit(void)
{
    PyObject *limit = PyModule_Create(&module);
    if (limit != NULL && (PyType_Ready(&Type) < 0 || PyModule_AddObjectRef(limit, "Value", (PyObject *)&Type) < 0))
        Py_CLEAR(limit);
    return limit;
}
