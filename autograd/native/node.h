/* What a node holds: the slots of value.py's Value as a C struct of 104 bytes. */

#ifndef NODE_H
#define NODE_H

#include <Python.h>

#include <stddef.h>
#include <structmember.h>

#ifdef Py_GIL_DISABLED
#error "the compiled engine needs CPython with its global lock (GIL): install the pure Python engine, GATEWISE_ENGINE=pure"
#endif

/* a*b + c in two roundings, as Python does it; gcc is told by -ffp-contract=off. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

/* A variable of the engine's that other parts of it read: hidden, else each read would look its address up first. */
#if defined(__GNUC__)
#define INTERNAL __attribute__((visibility("hidden")))
#else
#define INTERNAL
#endif

typedef struct Row Row; /* of row.h */
typedef struct Node Node;

struct Node {
    PyObject_HEAD
    double data, grad, adjoint;
    Row *row;       /* where it came from: a gate's row, or that of a leaf's role */
    Node *first;    /* its first input; NULL for a leaf */
    PyObject *rest; /* NULL, its second input, or the tuple of all inputs but the first */
    union {
        long long tick; /* the recording's clock when the data was computed; 0 for a leaf that was never changed;
                           below 0 for a number in an expression, as in node.py */
        Node *next;     /* of those that are being freed */
    };
    unsigned long long mark;       /* of the walk that reached it last */
    PyObject *label, *scope, *seed; /* NULL where not set */
};

#define NUMBER_TICK (-1)

INTERNAL extern PyTypeObject *value_type; /* Value; value.py hangs its methods on it */
#define IS_VALUE(x) Py_IS_TYPE(x, value_type)

INTERNAL extern int installed;           /* whether the rows are there that nodes and operators refer to */
INTERNAL extern PyObject *data_property; /* the property of value.py, which answers what is rare */

void node_dealloc(PyObject *self);
INTERNAL extern PyGetSetDef node_getset[];
INTERNAL extern PyMemberDef node_members[];

/* A new reference to an object, or to None for NULL. */
static inline PyObject *
as_object(void *x)
{
    PyObject *object = x == NULL ? Py_None : (PyObject *)x;
    Py_INCREF(object);
    return object;
}

/* The slot of an object at the offset that its getter carries. */
static inline PyObject **
slot_of(PyObject *self, void *offset)
{
    return (PyObject **)((char *)self + (size_t)(uintptr_t)offset);
}

/* Put x, a new reference or NULL, into a slot. */
static inline int
put_slot(PyObject *self, void *offset, PyObject *x)
{
    PyObject **slot = slot_of(self, offset), *before = *slot;
    *slot = x;
    Py_XDECREF(before);
    return 0;
}

/* A tuple for the inputs of a node but the first. The collector never sees it: it would show other code a tuple half filled,
   and Values hold no cycles. */
static inline PyObject *
tuple_of(Py_ssize_t count)
{
    PyObject *rest = PyTuple_New(count);
    if (rest != NULL && PyObject_GC_IsTracked(rest))
        PyObject_GC_UnTrack(rest);
    return rest;
}

#endif
