/* Scheduling: the steps of tape.py become code. Steps of one operation come side by side as far as their order allows, so that a
   run needs no dispatch. A slot is reused after its last read, so that a block stays in the cache. */

#include "schedule.h"

#include <stdint.h>
#include <string.h>

#define REACH 1000  /* window of steps within which equal operations are grouped: measured */
#define MOST 1000   /* operations have numbers below this */
#define UNKNOWN 255 /* number of places of an operation without a step so far */
enum { ONCE, EACH, AFTER, SECTIONS };

/* The steps of a section. From takes[first[i]] up to takes[first[i + 1]], step i has its places, which are the parameter, input or
   output that it moves, and then its operands, which are entries. */
typedef struct {
    Py_ssize_t n, taken; /* taken: the length of `takes` */
    int32_t *operation;
    int32_t *makes; /* the entry of the result, or -1 */
    int32_t *first, *takes;
    int32_t *order;       /* the steps in the order in which they run */
    uint8_t places[MOST]; /* of each operation: how many places its steps have */
} Steps;

/* An array that grows. */
typedef struct {
    int32_t *at;
    Py_ssize_t size, room;
} Numbers;

static int push(Numbers *numbers, int32_t x) {
    if (numbers->size == numbers->room) {
        Py_ssize_t room = numbers->room ? 2 * numbers->room : 256;
        int32_t *at = PyMem_Realloc(numbers->at, (size_t)room * sizeof *at);
        if (!at) {
            PyErr_NoMemory();
            return -1;
        }
        numbers->at = at;
        numbers->room = room;
    }
    numbers->at[numbers->size++] = x;
    return 0;
}

/* Return a new array of n numbers x, NULL with an exception. */
static int32_t *filled_with(int32_t x, Py_ssize_t n) {
    int32_t *made = PyMem_Malloc((size_t)(n + 1) * sizeof *made);
    if (!made) PyErr_NoMemory();
    for (Py_ssize_t i = 0; made && i < n; i++) made[i] = x;
    return made;
}

/* Read a whole number from 0 to end - 1; -1 with an exception. */
static int as_int(PyObject *number, Py_ssize_t end, const char *what, int32_t *found) {
    Py_ssize_t x = PyLong_Check(number) ? PyLong_AsSsize_t(number) : -1;
    if (x == -1 && PyErr_Occurred()) PyErr_Clear(); /* it does not fit */
    if (x < 0 || x >= end) {
        PyErr_Format(PyExc_ValueError, "%s of a step must be a whole number from 0 to %zd, got %R", what, end - 1, number);
        return -1;
    }
    *found = (int32_t)x;
    return 0;
}

/* Reading */

static void free_steps(Steps *steps) {
    PyMem_Free(steps->operation);
    PyMem_Free(steps->makes);
    PyMem_Free(steps->first);
    PyMem_Free(steps->takes);
    PyMem_Free(steps->order);
}

static int is_step(PyObject *step) {
    return PyTuple_Check(step) && PyTuple_GET_SIZE(step) == 4 && PyUnicode_CheckExact(PyTuple_GET_ITEM(step, 0))
           && PyTuple_Check(PyTuple_GET_ITEM(step, 2)) && PyTuple_Check(PyTuple_GET_ITEM(step, 3));
}

static int read_step(PyObject *step, PyObject *numbers, Py_ssize_t entries, Steps *steps, Py_ssize_t i) {
    PyObject *operation = PyTuple_GET_ITEM(step, 0), *result = PyTuple_GET_ITEM(step, 1);
    PyObject *takes = PyTuple_GET_ITEM(step, 2), *places = PyTuple_GET_ITEM(step, 3);
    PyObject *number = PyDict_GetItemWithError(numbers, operation);
    if (!number && !PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "there is no operation %R", operation);
    if (!number || as_int(number, MOST, "the number of the operation", &steps->operation[i])) return -1;
    if (result != Py_None && as_int(result, entries, "the result", &steps->makes[i])) return -1;
    uint8_t count = (uint8_t)PyTuple_GET_SIZE(places), *known = &steps->places[steps->operation[i]];
    if (PyTuple_GET_SIZE(places) >= UNKNOWN || (*known != UNKNOWN && *known != count)) {
        PyErr_Format(PyExc_ValueError, "all steps of %R must have as many places, got %R", operation, places);
        return -1;
    }
    *known = count;
    int32_t *at = steps->takes + steps->first[i];
    for (Py_ssize_t j = 0; j < count; j++)
        if (as_int(PyTuple_GET_ITEM(places, j), INT32_MAX, "a place", at++)) return -1;
    for (Py_ssize_t j = 0; j < PyTuple_GET_SIZE(takes); j++)
        if (as_int(PyTuple_GET_ITEM(takes, j), entries, "an operand", at++)) return -1;
    steps->first[i + 1] = (int32_t)(at - steps->takes);
    return 0;
}

/* Read a list of steps (operation, result or None, operands, places), and empty it: they take several times as much memory. */
static int read_steps(PyObject *list, PyObject *numbers, Py_ssize_t entries, Steps *steps) {
    if (!PyList_Check(list)) {
        PyErr_Format(PyExc_TypeError, "the steps of a section must be a list, got %R", list);
        return -1;
    }
    PyObject *all = PyList_AsTuple(list);
    if (!all || PyList_SetSlice(list, 0, PY_SSIZE_T_MAX, NULL)) {
        Py_XDECREF(all);
        return -1;
    }
    Py_ssize_t n = steps->n = PyTuple_GET_SIZE(all);
    int failed = 0;
    for (Py_ssize_t i = 0; !failed && i < n; i++) {
        PyObject *step = PyTuple_GET_ITEM(all, i);
        failed = !is_step(step);
        if (failed) PyErr_Format(PyExc_TypeError, "a step must be an operation, a result, operands and places, got %R", step);
        else steps->taken += PyTuple_GET_SIZE(PyTuple_GET_ITEM(step, 2)) + PyTuple_GET_SIZE(PyTuple_GET_ITEM(step, 3));
    }
    if (!failed && (n >= INT32_MAX || steps->taken >= INT32_MAX)) {
        PyErr_SetString(PyExc_ValueError, "a section must have less than 2**31 operands");
        failed = 1;
    }
    memset(steps->places, UNKNOWN, sizeof steps->places);
    failed = failed || !(steps->operation = filled_with(0, n)) || !(steps->makes = filled_with(-1, n))
             || !(steps->first = filled_with(0, n + 1)) || !(steps->takes = filled_with(0, steps->taken));
    for (Py_ssize_t i = 0; !failed && i < n; i++) failed = read_step(PyTuple_GET_ITEM(all, i), numbers, entries, steps, i);
    Py_DECREF(all);
    return failed ? -1 : 0;
}

/* Return where the operands of a step begin, after its places. */
static int32_t operands_of(const Steps *steps, int32_t k) { return steps->first[k] + steps->places[steps->operation[k]]; }

/* Ordering */

/* The steps that are ready, in a heap for each operation with the oldest step first, which has room for all steps of this
   operation. */
typedef struct {
    Py_ssize_t count; /* of operations */
    int32_t **heap;   /* in `storage` */
    Py_ssize_t *size; /* of each heap */
    int32_t *storage;
} Ready;

/* For each step, the steps that read its result. */
typedef struct {
    int32_t *begin, *user; /* the users of step k: user[begin[k]] up to user[begin[k + 1]] */
    int32_t *missing;      /* of each step: how many operands are still to be made */
} Users;

/* Add a step to the ready ones. */
static void put(Ready *ready, const Steps *steps, int32_t k) {
    int32_t operation = steps->operation[k], *heap = ready->heap[operation];
    Py_ssize_t i = ready->size[operation]++;
    for (; i && heap[(i - 1) / 2] > k; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = k;
}

/* Remove the oldest step of an operation from the ready ones, and return it. */
static int32_t take(Ready *ready, int32_t operation) {
    int32_t *heap = ready->heap[operation], first = heap[0];
    Py_ssize_t n = --ready->size[operation], i = 0;
    int32_t last = heap[n];
    for (Py_ssize_t child = 1; child < n; child = 2 * i + 1) {
        child += child + 1 < n && heap[child + 1] < heap[child];
        if (heap[child] >= last) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

/* Make empty heaps; -1 if memory runs out. */
static int make_ready(Ready *ready, const Steps *steps) {
    for (Py_ssize_t i = 0; i < steps->n; i++)
        if (steps->operation[i] >= ready->count) ready->count = steps->operation[i] + 1;
    ready->size = PyMem_Calloc((size_t)ready->count + 1, sizeof *ready->size);
    ready->heap = PyMem_Calloc((size_t)ready->count + 1, sizeof *ready->heap);
    ready->storage = filled_with(0, steps->n);
    if (!ready->size || !ready->heap || !ready->storage) return -1;
    for (Py_ssize_t i = 0; i < steps->n; i++) ready->size[steps->operation[i]]++;
    int32_t *at = ready->storage;
    for (Py_ssize_t i = 0; i < ready->count; i++) {
        ready->heap[i] = at;
        at += ready->size[i];
        ready->size[i] = 0;
    }
    return 0;
}

/* Return the operation whose oldest ready step is the oldest of all; -1 if none is ready. */
static int32_t oldest(const Ready *ready) {
    int32_t found = -1;
    for (int32_t i = 0; i < ready->count; i++)
        if (ready->size[i] && (found < 0 || ready->heap[i][0] < ready->heap[found][0])) found = i;
    return found;
}

/* List the users of each step, and count the operands that it misses; -1 if memory runs out. */
static int list_users(Users *users, const Steps *steps, Py_ssize_t entries) {
    Py_ssize_t n = steps->n;
    int32_t *maker = filled_with(-1, entries); /* entry -> the last step so far that makes it, or -1 */
    users->begin = filled_with(0, n + 1);
    users->user = filled_with(0, steps->taken);
    users->missing = filled_with(0, n);
    int failed = !maker || !users->begin || !users->user || !users->missing;
    for (int fill = 0; !failed && fill < 2; fill++) { /* count the users, then list them */
        for (Py_ssize_t i = 0; i < entries; i++) maker[i] = -1;
        for (int32_t k = 0; k < n; k++) {
            for (int32_t j = operands_of(steps, k); j < steps->first[k + 1]; j++) {
                int32_t made_by = maker[steps->takes[j]];
                if (made_by < 0) continue;
                if (fill) users->user[--users->begin[made_by]] = k;
                else users->begin[made_by]++, users->missing[k]++;
            }
            if (steps->makes[k] >= 0) maker[steps->makes[k]] = k;
        }
        /* from counts to the ends, which listing moves to the beginnings */
        for (Py_ssize_t k = 1; !fill && k <= n; k++) users->begin[k] += users->begin[k - 1];
    }
    PyMem_Free(maker);
    return failed ? -1 : 0;
}

/* Order steps by operation, the oldest first, each after the steps that make its operands.

   On blocks, a step follows the one that makes its operand at once, while that is in the cache. On single numbers it comes after
   all others that are ready, so that the processor works on several at a time: it waits for each about ten cycles. */
static int order_steps(Steps *steps, Py_ssize_t entries, int blocks) {
    Py_ssize_t n = steps->n, placed = 0, waiting = n; /* the steps that wait are at the end of the order */
    Ready ready = {0};
    Users users = {0};
    int32_t *order = steps->order = filled_with(0, n);
    int failed = !order || make_ready(&ready, steps) || list_users(&users, steps, entries);
    for (int32_t k = 0; !failed && k < n; k++)
        if (!users.missing[k]) put(&ready, steps, k);
    for (int32_t operation; !failed && (operation = oldest(&ready)) >= 0;) {
        int64_t furthest = (int64_t)ready.heap[operation][0] + REACH;
        while (ready.size[operation] && ready.heap[operation][0] <= furthest) {
            int32_t k = order[placed++] = take(&ready, operation);
            for (int32_t use = users.begin[k]; use < users.begin[k + 1]; use++) {
                int32_t user = users.user[use];
                if (--users.missing[user]) continue;
                if (blocks) put(&ready, steps, user);
                else order[--waiting] = user;
            }
        }
        for (; waiting < n; waiting++) put(&ready, steps, order[waiting]);
    }
    PyMem_Free(users.begin);
    PyMem_Free(users.user);
    PyMem_Free(users.missing);
    PyMem_Free(ready.size);
    PyMem_Free(ready.heap);
    PyMem_Free(ready.storage);
    if (failed && !PyErr_Occurred()) PyErr_NoMemory();
    return failed ? -1 : 0; /* all are placed, because a step waits only for earlier ones */
}

/* Slots */

/* The slots of entries in the steady memory, which holds single numbers, and in the lanes, which hold a number for each sample of a
   block. */
typedef struct {
    Py_ssize_t entries;
    int32_t *steady, *lanes; /* entry -> slot, or -1 */
    int32_t steady_size, lanes_size;
    int32_t *last;                /* entry -> the number of the last step that reads it, counted over all sections */
    int32_t number;               /* of the step that was written last */
    int32_t total, total_product; /* the operations whose result is a steady slot */
    Numbers spread;               /* steady slot -> slot of the lanes with the same number in every lane, or -1 */
    PyObject *spreads;            /* the pairs of these that are needed, a list */
} Slots;

/* Return the slot of the lanes that holds an entry: its own, or one to which its steady slot is spread; -1 with an exception. */
static int32_t slot_in_lanes(Slots *slots, int32_t entry) {
    if (slots->lanes[entry] >= 0) return slots->lanes[entry];
    int32_t steady = slots->steady[entry];
    if (steady < 0) {
        PyErr_Format(PyExc_ValueError, "entry %d must be made before it is read", entry);
        return -1;
    }
    while (slots->spread.size <= steady)
        if (push(&slots->spread, -1)) return -1;
    if (slots->spread.at[steady] < 0) {
        PyObject *pair = Py_BuildValue("ii", slots->lanes_size, steady);
        int failed = !pair || PyList_Append(slots->spreads, pair);
        Py_XDECREF(pair);
        if (failed) return -1;
        slots->spread.at[steady] = slots->lanes_size++;
    }
    return slots->spread.at[steady];
}

/* Append the code of step k: the slot of its result, its places, the slots of its operands. Free the slots that it reads last, if
   this section made their entries, as `made` tells. */
static int write_step(Slots *slots, const Steps *steps, int32_t k, int each, char *made, Numbers *free_slots, Numbers *code) {
    int32_t *here = each ? slots->lanes : slots->steady, makes = steps->makes[k], operation = steps->operation[k];
    int32_t first = operands_of(steps, k), end = steps->first[k + 1];
    Py_ssize_t at = code->size;
    slots->number++;
    if (makes >= 0 && push(code, 0)) return -1;
    for (int32_t j = steps->first[k]; j < first; j++)
        if (push(code, steps->takes[j])) return -1;
    for (int32_t j = first; j < end; j++) { /* before their slots are freed: the result may not have one of them */
        int32_t entry = steps->takes[j], slot = each ? slot_in_lanes(slots, entry) : slots->steady[entry];
        if (slot < 0 && !PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "entry %d must be made before it is read", entry);
        if (slot < 0 || push(code, slot)) return -1;
    }
    if (makes >= 0 && (operation == slots->total || operation == slots->total_product)) {
        slots->steady[makes] = code->at[at] = slots->steady_size++;
    } else if (makes >= 0) {
        int32_t *size = each ? &slots->lanes_size : &slots->steady_size;
        here[makes] = code->at[at] = free_slots->size ? free_slots->at[--free_slots->size] : (*size)++;
        made[makes] = 1;
    }
    for (int32_t j = first; j < end; j++) {
        int32_t entry = steps->takes[j];
        if (slots->last[entry] != slots->number || !made[entry]) continue; /* slots of earlier sections serve all blocks */
        made[entry] = 0;
        if (push(free_slots, here[entry])) return -1;
    }
    return 0;
}

/* Return the code of a section as bytes: runs of steps with one operation; NULL with an exception. */
static PyObject *write_section(Slots *slots, const Steps *steps, int each) {
    Numbers code = {0}, free_slots = {0};
    char *made = PyMem_Calloc((size_t)slots->entries + 1, 1); /* entry -> whether it has a slot that may be freed */
    int failed = !made;
    if (failed) PyErr_NoMemory();
    for (Py_ssize_t i = 0, length = 0; !failed && i < steps->n; i++) { /* length: where the length of the run is */
        int32_t k = steps->order[i];
        if (!i || steps->operation[k] != steps->operation[steps->order[i - 1]]) {
            failed = push(&code, steps->operation[k]) || push(&code, 0);
            length = code.size - 1;
        }
        failed = failed || write_step(slots, steps, k, each, made, &free_slots, &code);
        if (!failed) code.at[length]++;
    }
    PyObject *bytes = failed ? NULL : PyBytes_FromStringAndSize((char *)code.at, code.size * (Py_ssize_t)sizeof *code.at);
    PyMem_Free(made);
    PyMem_Free(code.at);
    PyMem_Free(free_slots.at);
    return bytes;
}

const char assemble_doc[] = "assemble(numbers, sections, steady, size)\n--\n\n\
Return the code of three sections of steps, before all samples, for each block and after all: a tuple of their bytes, the pairs\n\
(slot of the lanes, steady slot) that must be spread, and the sizes of the steady memory and of the lanes. The lists of steps are\n\
emptied. numbers: operation -> its number; steady: for each entry the steady slot that holds it already, or -1, an array of 32-bit\n\
integers; size: the number of these slots.";

/* Number the steps of all sections in their order from 1 on, and note the last one that reads each entry. */
static void find_last_reads(Slots *slots, const Steps *steps) {
    int32_t number = 0;
    for (const Steps *section = steps; section < steps + SECTIONS; section++)
        for (Py_ssize_t i = 0; i < section->n; i++) {
            int32_t k = section->order[i];
            number++;
            for (int32_t j = operands_of(section, k); j < section->first[k + 1]; j++) slots->last[section->takes[j]] = number;
        }
}

static PyObject *assembled(Slots *slots, Steps *steps, PyObject *numbers, PyObject *sections) {
    int64_t most = slots->steady_size; /* slots: each step takes one at most, and each steady slot is spread once at most */
    for (int i = 0; i < SECTIONS; i++) {
        if (read_steps(PyTuple_GET_ITEM(sections, i), numbers, slots->entries, &steps[i])) return NULL;
        most += steps[i].n;
    }
    if (most >= INT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "there must be less than 2**31 steps and steady slots");
        return NULL;
    }
    for (int i = 0; i < SECTIONS; i++)
        if (order_steps(&steps[i], slots->entries, i == EACH)) return NULL;
    find_last_reads(slots, steps);
    PyObject *codes = PyTuple_New(SECTIONS);
    for (int i = 0; codes && i < SECTIONS; i++) {
        PyObject *code = write_section(slots, &steps[i], i == EACH);
        if (code) PyTuple_SET_ITEM(codes, i, code);
        else Py_CLEAR(codes);
    }
    return codes ? Py_BuildValue("NOii", codes, slots->spreads, slots->steady_size, slots->lanes_size) : NULL;
}

/* Return the number of an operation, or -1 if no step can have it. */
static int32_t number_of(PyObject *numbers, const char *name) {
    PyObject *number = PyDict_GetItemString(numbers, name);
    long found = number && PyLong_Check(number) ? PyLong_AsLong(number) : -1;
    if (found == -1 && PyErr_Occurred()) PyErr_Clear(); /* it does not fit */
    return found >= 0 && found < MOST ? (int32_t)found : -1;
}

PyObject *assemble(PyObject *module, PyObject *args) {
    PyObject *numbers, *sections, *found = NULL;
    Py_buffer view;
    int size;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!y*i:assemble", &PyDict_Type, &numbers, &PyTuple_Type, &sections, &view, &size)) return NULL;
    Steps steps[SECTIONS] = {0};
    Slots slots = {.entries = view.len / (Py_ssize_t)sizeof(int32_t), .steady_size = size};
    slots.total = number_of(numbers, "total");
    slots.total_product = number_of(numbers, "total product");
    if (PyTuple_GET_SIZE(sections) != SECTIONS || slots.entries >= INT32_MAX || size < 0 || size > slots.entries)
        PyErr_SetString(PyExc_ValueError, "there must be three sections of less than 2**31 entries, and from 0 to as many slots");
    else if ((slots.lanes = filled_with(-1, slots.entries)) && (slots.last = filled_with(0, slots.entries))
             && (slots.steady = filled_with(-1, slots.entries)) && (slots.spreads = PyList_New(0))) {
        if (slots.entries) memcpy(slots.steady, view.buf, (size_t)slots.entries * sizeof *slots.steady);
        Py_ssize_t good = 0;
        while (good < slots.entries && slots.steady[good] >= -1 && slots.steady[good] < size) good++;
        if (good < slots.entries)
            PyErr_Format(PyExc_ValueError, "a steady slot must be from -1 to %d, got %d", size - 1, slots.steady[good]);
        else found = assembled(&slots, steps, numbers, sections);
    }
    for (int i = 0; i < SECTIONS; i++) free_steps(&steps[i]);
    PyMem_Free(slots.steady);
    PyMem_Free(slots.lanes);
    PyMem_Free(slots.last);
    PyMem_Free(slots.spread.at);
    Py_XDECREF(slots.spreads);
    PyBuffer_Release(&view);
    return found;
}
