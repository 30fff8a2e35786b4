/* Slabs: the memory of nodes, how many empty slabs are kept, and how slabs are mapped and unmapped. The time of a
   large graph is mostly memory traffic: first use of a page costs more than the arithmetic, and scattered nodes miss
   the cache. So an empty slab is reused from its start, in order. At least 16 MiB of empty slabs are kept, and the
   rest is unmapped at once. For programs that build large graphs repeatedly, each slab mapped after one was unmapped
   raises the limit by one slab, up to 112 MiB. Slabs that stayed empty while 56 slabs were emptied are unmapped too. */

#include "memory.h"

#include "walk.h"

#ifdef NODES_FROM_MALLOC

PyObject *
trim(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    free_spare();
    Py_RETURN_NONE;
}

#else

#define KEPT_LEAST 8 /* slabs: 16 MiB, 190,000 nodes */
#define KEPT_MOST 56 /* 112 MiB, 1,300,000 nodes */
#define REVIEWED_AFTER KEPT_MOST
#define TRACED_AS 0x67617465u /* the domain of slabs in tracemalloc */

Slab *current_slab;
static Slab *with_room, *empty;
static int empty_count, kept = KEPT_LEAST; /* the number of empty slabs, and the limit */
static int given_back; /* slabs that were unmapped and not mapped again since */
static int emptied, unused; /* since the last review: slabs emptied, and the minimum number of empty slabs */

/* Slabs are mapped: malloc returns memory to the system only from the top of its heap. */
#if defined(_WIN32)
#include <malloc.h>
#define map_slab() _aligned_malloc(SLAB_BYTES, SLAB_BYTES)
#define unmap_slab(slab) _aligned_free(slab)
#else
#include <sys/mman.h>

static char *
map_bytes(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
#if defined(MADV_HUGEPAGE)
    madvise(memory, bytes, MADV_HUGEPAGE); /* one large page instead of 512, each of which would cost its first use */
#endif
    return memory;
}

static void *
map_slab(void)
{
    char *memory = map_bytes(SLAB_BYTES); /* usually next to the previous slab, and so aligned like it */
    if (memory == NULL || (uintptr_t)memory % SLAB_BYTES == 0)
        return memory;
    munmap(memory, SLAB_BYTES);
    if ((memory = map_bytes(2 * SLAB_BYTES)) == NULL)
        return NULL;
    size_t before = SLAB_BYTES - (uintptr_t)memory % SLAB_BYTES;
    munmap(memory, before);
    if (before < SLAB_BYTES)
        munmap(memory + before + SLAB_BYTES, SLAB_BYTES - before);
    return memory + before;
}

#define unmap_slab(slab) munmap(slab, SLAB_BYTES)
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

/* Unmap empty slabs until at most `most` are left. */
static void
give_back_empty(int most)
{
    while (empty_count > most) {
        Slab *slab = empty;
        unlink_slab(&empty, slab);
        empty_count--;
        PyTraceMalloc_Untrack(TRACED_AS, (uintptr_t)slab);
        unmap_slab(slab);
        if (kept + given_back < KEPT_MOST)
            given_back++;
    }
    if (empty_count < unused)
        unused = empty_count;
}

int
next_slab(void)
{
    Slab *slab = empty;
    if (slab != NULL) {
        unlink_slab(&empty, slab);
        if (--empty_count < unused)
            unused = empty_count;
    }
    else if ((slab = with_room) != NULL)
        unlink_slab(&with_room, slab);
    else {
        if ((slab = map_slab()) == NULL)
            return 0;
        PyTraceMalloc_Track(TRACED_AS, (uintptr_t)slab, SLAB_BYTES);
        memset(slab, 0, sizeof(Slab));
        if (given_back > 0) {
            given_back--;
            kept++;
        }
    }
    slab->list = IN_USE;
    current_slab = slab;
    return 1;
}

/* Unmap the slabs that were not needed since the last review. */
static void
review(void)
{
    kept = kept - unused > KEPT_LEAST ? kept - unused : KEPT_LEAST;
    give_back_empty(kept);
    unused = empty_count;
    emptied = 0;
}

void
slab_emptied(Slab *slab)
{
    slab->freed = NULL;
    slab->fresh = 0;
    if (slab != current_slab) {
        if (slab->list == ROOM)
            unlink_slab(&with_room, slab);
        link_slab(&empty, slab, EMPTY);
        empty_count++;
        give_back_empty(kept);
    }
    if (++emptied == REVIEWED_AFTER)
        review();
}

void
slab_has_room(Slab *slab)
{
    link_slab(&with_room, slab, ROOM);
}

/* trim(): unmap all empty slabs, and free what walks keep. */
PyObject *
trim(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    give_back_empty(0);
    free_spare();
    Py_RETURN_NONE;
}

#endif
