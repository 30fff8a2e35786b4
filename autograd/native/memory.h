/* Memory for nodes, in slabs, of which empty ones are kept for the next graph.

   What a large graph costs is touching memory: fresh pages are an order of magnitude dearer than the arithmetic, and nodes
   that lie scattered miss the cache. So a slab whose last node was freed is filled again from its start, in order.

   Built with NODES_FROM_MALLOC, each node has memory of its own, so that a sanitizer sees the use of one that was freed. */

#ifdef NODES_FROM_MALLOC

static void *
take_memory(void)
{
    return malloc(sizeof(Node));
}

static void
give_memory(Node *node)
{
    free(node);
}

static PyObject *
trim(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    Py_RETURN_NONE;
}

#else

#define SLAB_BYTES (1 << 18) /* and its alignment, so that a node's address tells its slab */
#define EMPTY_MOST 448 /* slabs kept: a million nodes, 112 MiB */
#define TRACED_AS 0x67617465u /* the domain under which tracemalloc counts them */

typedef struct Slab {
    struct Slab *next, *before; /* in the list of those with room, or of empty ones */
    Node *freed;
    int live, fresh; /* nodes in use; nodes from the start that were ever in use since it was empty */
    enum { IN_USE, ROOM, EMPTY } list;
} Slab;

static Slab *current, *with_room, *empty;
static int empty_count;

#if defined(_WIN32)
#include <malloc.h>
#define aligned(bytes) _aligned_malloc(bytes, bytes)
#define aligned_free _aligned_free
#else
static void *
aligned(size_t bytes)
{
    void *memory;
    return posix_memalign(&memory, bytes, bytes) ? NULL : memory;
}
#define aligned_free free
#endif

static void
link_slab(Slab **list, Slab *slab, int which)
{
    slab->before = NULL;
    slab->next = *list;
    if (*list != NULL)
        (*list)->before = slab;
    *list = slab;
    slab->list = which;
}

static void
unlink_slab(Slab **list, Slab *slab)
{
    if (slab->before == NULL)
        *list = slab->next;
    else
        slab->before->next = slab->next;
    if (slab->next != NULL)
        slab->next->before = slab->before;
    slab->list = IN_USE;
}

static void
release_slab(Slab *slab)
{
    PyTraceMalloc_Untrack(TRACED_AS, (uintptr_t)slab);
    aligned_free(slab);
}

/* Make a slab with room the current one: an empty one, one with freed nodes, or a new one. */
static int
next_slab(void)
{
    Slab *slab = empty;
    if (slab != NULL) {
        unlink_slab(&empty, slab);
        empty_count--;
    }
    else if ((slab = with_room) != NULL)
        unlink_slab(&with_room, slab);
    else {
        if ((slab = aligned(SLAB_BYTES)) == NULL)
            return 0;
        PyTraceMalloc_Track(TRACED_AS, (uintptr_t)slab, SLAB_BYTES);
        memset(slab, 0, sizeof(Slab));
    }
    slab->list = IN_USE;
    current = slab;
    return 1;
}

#define NODES_AT ((sizeof(Slab) + 15) / 16 * 16)
#define NODES_MOST ((int)((SLAB_BYTES - NODES_AT) / sizeof(Node)))

static void *
take_memory(void)
{
    while (current == NULL || (current->freed == NULL && current->fresh == NODES_MOST))
        if (!next_slab())
            return NULL;
    Slab *slab = current;
    slab->live++;
    if (slab->freed == NULL)
        return (char *)slab + NODES_AT + sizeof(Node) * (size_t)slab->fresh++;
    Node *node = slab->freed;
    slab->freed = node->next;
    return node;
}

static void
give_memory(Node *node)
{
    Slab *slab = (Slab *)((uintptr_t)node & ~(uintptr_t)(SLAB_BYTES - 1));
    node->next = slab->freed;
    slab->freed = node;
    if (--slab->live == 0) {
        slab->freed = NULL;
        slab->fresh = 0;
        if (slab == current)
            return;
        if (slab->list == ROOM)
            unlink_slab(&with_room, slab);
        if (empty_count == EMPTY_MOST)
            release_slab(slab);
        else {
            link_slab(&empty, slab, EMPTY);
            empty_count++;
        }
    }
    else if (slab != current && slab->list == IN_USE)
        link_slab(&with_room, slab, ROOM);
}

/* trim(): give empty slabs back. */
static PyObject *
trim(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    while (empty != NULL) {
        Slab *slab = empty;
        unlink_slab(&empty, slab);
        release_slab(slab);
    }
    empty_count = 0;
    Py_RETURN_NONE;
}

#endif
