/* The memory of nodes: slabs, in which the nodes of one graph are contiguous, in the order of recording, and so are their
   states. With NODES_FROM_MALLOC each node is allocated by malloc, so that a sanitizer detects the use of a freed one. */

#ifndef MEMORY_H
#define MEMORY_H

#include "node.h"

#ifdef NODES_FROM_MALLOC

static inline void *
take_memory(void)
{
    return PyMem_RawMalloc(sizeof(Node) + sizeof(State));
}

static inline State *
state_of(const void *node)
{
    return (State *)((uintptr_t)node + sizeof(Node));
}

static inline void
give_memory(Node *node)
{
    PyMem_RawFree(node);
}

#else

#define SLAB_BYTES ((size_t)1 << 21) /* a large page; also the alignment, so that a node's address gives its slab */

typedef struct Slab {
    struct Slab *next, *before; /* in the list of slabs with room, or of empty slabs */
    Node *freed;
    int live, fresh; /* nodes in use; nodes from the start that were used since the slab was empty */
    enum { IN_USE, ROOM, EMPTY } list;
} Slab;

/* A slab holds its header, the states, and the nodes. The first node would be number NODES_SKIPPED if nodes filled the whole
   slab, so each node starts a cache line. */
#define STATES_AT ((sizeof(Slab) + 15) / 16 * 16)
#define NODES_MOST ((SLAB_BYTES - STATES_AT - sizeof(Node)) / (sizeof(Node) + sizeof(State)))
#define NODES_SKIPPED ((STATES_AT + NODES_MOST * sizeof(State) + sizeof(Node) - 1) / sizeof(Node))
#define NODES_AT (NODES_SKIPPED * sizeof(Node))

static inline State *
state_of(const void *node)
{
    uintptr_t place = (uintptr_t)node & (SLAB_BYTES - 1), slab = (uintptr_t)node - place;
    return (State *)(slab + (STATES_AT - NODES_SKIPPED * sizeof(State)) + place / sizeof(Node) * sizeof(State));
}

INTERNAL extern Slab *current_slab; /* the slab of new nodes; NULL at first */
int next_slab(void);       /* make a slab with room the current one; 0 without memory */
void slab_emptied(Slab *slab);
void slab_has_room(Slab *slab);

static inline void *
take_memory(void)
{
    while (current_slab == NULL || (current_slab->freed == NULL && current_slab->fresh == (int)NODES_MOST))
        if (!next_slab())
            return NULL;
    Slab *slab = current_slab;
    slab->live++;
    if (slab->freed == NULL)
        return (char *)slab + NODES_AT + sizeof(Node) * (size_t)slab->fresh++;
    Node *node = slab->freed;
    slab->freed = node->next;
    return node;
}

static inline void
give_memory(Node *node)
{
    Slab *slab = (Slab *)((uintptr_t)node & ~(uintptr_t)(SLAB_BYTES - 1));
    node->next = slab->freed;
    slab->freed = node;
    if (--slab->live == 0)
        slab_emptied(slab);
    else if (slab->list == IN_USE && slab != current_slab)
        slab_has_room(slab);
}

#endif

/* Return a new node of a row without inputs; all other slots are zero. */
static inline Node *
new_node(Row *row, double data)
{
    if (!installed) {
        PyErr_SetString(PyExc_RuntimeError, "a Value is made once autograd is imported");
        return NULL;
    }
    Node *node = take_memory();
    if (node == NULL)
        return (Node *)PyErr_NoMemory();
    PyObject_Init((PyObject *)node, value_type);
    node->data = data;
    State *state = state_of(node);
    state->grad = state->adjoint = 0.0;
    state->mark = 0;
    Py_INCREF((PyObject *)row);
    node->row = row;
    node->first = NULL;
    node->rest = NULL;
    node->tick = 0;
    node->notes = NULL;
    return node;
}

PyObject *trim(PyObject *module, PyObject *nothing); /* a function of the module core */

#endif
