/* The slots of node.py as two C structs. A pass over a large graph waits for memory, so bytes count: a node is a cache line
   of 64 bytes, which passes only read, and the 24 bytes that they write lie elsewhere, side by side for many nodes. */

#ifndef NODE_H
#define NODE_H

#include <Python.h>

#include <stddef.h>
#include <structmember.h>

#ifdef Py_GIL_DISABLED
#error "the compiled engine needs CPython with its global lock (GIL): install the pure Python engine, GATEWISE_ENGINE=pure"
#endif

/* a*b + c must round twice, as in Python; for gcc setup.py passes -ffp-contract=off. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

/* Marks a variable that several files use: a hidden variable is read directly, not through the global offset table.
   */
#if defined(__GNUC__)
#define INTERNAL __attribute__((visibility("hidden")))
#else
#define INTERNAL
#endif

/* Asks for the cache line at an address, and any address will do. Once a graph outgrows the cache a pass waits for memory
   longer than it computes, so it asks for nodes ahead. */
#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) (void)(address)
#endif

typedef struct Row Row; /* defined in row.h */
typedef struct Node Node;

struct Node {
    PyObject_HEAD
    PyObject *notes; /* NULL; the scope, if nothing else is set; or a tuple of NOTES entries: see `note_of` */
    Node *first;     /* the first input; NULL for a leaf */
    PyObject *rest;  /* NULL, the second input, or the tuple of all inputs but the first */
    Row *row;        /* the row of the gate, or of the leaf's role */
    double data;
    union {
        long long tick; /* the clock when the data was computed or set; 0 for a leaf that was never set;
                           negative for a number in an expression: see node.py */
        Node *next;     /* in the list of nodes to free */
    };
};

/* The slots that passes write: `state_of` of memory.h finds those of a node. */
typedef struct {
    unsigned long long mark; /* written by the last walk that reached the node: see walk.h */
    double adjoint, grad;
} State;

#define NUMBER_TICK (-1) /* NUMBER and TAKEN of node.py */
#define TAKEN_TICK (-2)

INTERNAL extern PyTypeObject *value_type; /* Value; value.py adds its methods */
#define IS_VALUE(x) Py_IS_TYPE(x, value_type)

INTERNAL extern int installed;           /* whether install_operators was called */
INTERNAL extern PyObject *data_property; /* the property `data` of node.py, called in the rare cases */

/* The rarely used slots, entries of the notes. */
enum { LABEL, SCOPE, SEED, NOTES };
PyObject *note_of(const Node *node, int which);       /* a borrowed reference; NULL where not set */
int set_note(Node *node, int which, PyObject *x); /* steals x, which is NULL to empty the slot; 0, or -1 with an error */

void node_dealloc(PyObject *self);
PyObject *inputs_of(PyObject *node, void *closure); /* the getter of `inputs`: a new tuple */
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

/* Return the slot of an object at an offset, the closure of its getter. */
static inline PyObject **
slot_of(PyObject *self, void *offset)
{
    return (PyObject **)((char *)self + (size_t)(uintptr_t)offset);
}

/* Store x, a new reference or NULL, in a slot. */
static inline int
put_slot(PyObject *self, void *offset, PyObject *x)
{
    PyObject **slot = slot_of(self, offset), *before = *slot;
    *slot = x;
    Py_XDECREF(before);
    return 0;
}

/* Return an untracked tuple for the inputs but the first. The garbage collector must not expose it half filled, and
   Values form no cycles. */
static inline PyObject *
tuple_of(Py_ssize_t count)
{
    PyObject *rest = PyTuple_New(count);
    if (rest != NULL && PyObject_GC_IsTracked(rest))
        PyObject_GC_UnTrack(rest);
    return rest;
}

#endif
