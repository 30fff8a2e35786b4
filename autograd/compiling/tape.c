/* The C machine as a Python module. machine.py writes its code. A Code checks this once, when it is made, so that a run only
   checks the sizes of the arrays. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <fenv.h>
#include <float.h>

#include "../native/abi.h"
#include "machine.h"
#include "schedule.h"

#define PATIENCE 8000000 /* operations on eight samples between two checks for an interrupt: 5 to 50 ms */
#define BRIEF 20000      /* up to so many operations run without releasing the GIL, which would take longer */
#define CACHE 40000      /* maximum number of floats in the lanes of a block, to fit the L2 cache */
#define KEPT 4           /* maximum number of kept workspaces of a Code */
#define MEANS 8          /* maximum number of running means per parameter; training.py has the same */

enum { SETUP, ONCE, EACH_BLOCK, AFTER, SECTIONS };

/* The machine is compiled for several processor generations; the newest that this processor supports runs. Blocks of one sample
   have a specialised version. */
typedef struct {
    void (*run)(Section, Block *, double *, ptrdiff_t);
    int (*finite)(const double *, ptrdiff_t);
    void (*round)(double *, ptrdiff_t);
} Machine;
#define MACHINE(name, target, tall, wide) \
    target static void function_##name(const int32_t *run, double *memory, ptrdiff_t width) { run_function(run, memory, width); } \
    target static void move_##name(const int32_t *run, Block *block, double *memory, ptrdiff_t width) { \
        run_move(run, block, memory, width); \
    } \
    target static void matrices_##name(const int32_t *run, Block *block, double *memory, ptrdiff_t width) { \
        run_matrices(run, block, memory, width, tall, wide); \
    } \
    target static void run_##name(Section section, Block *block, double *memory, ptrdiff_t width) { \
        if (width == 1) execute(section, block, memory, 1, function_##name, move_##name, matrices_##name); \
        else execute(section, block, memory, width, function_##name, move_##name, matrices_##name); \
    } \
    target static int finite_##name(const double *numbers, ptrdiff_t n) { return all_finite(numbers, n); } \
    target static void round_##name(double *numbers, ptrdiff_t n) { round_all(numbers, n); }
#define ENTRY(name) {run_##name, finite_##name, round_##name}
MACHINE(plain, , 4, 1)
#if defined(__GNUC__) && defined(__x86_64__)
MACHINE(avx2, __attribute__((target("avx2,fma"))), 4, 1)
MACHINE(avx512, __attribute__((target("avx2,fma,avx512f,avx512dq,avx512vl"))), 8, 2)
static const Machine MACHINES[] = {ENTRY(plain), ENTRY(avx2), ENTRY(avx512)};
static int generation(void) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") ? 2 : 1;
}
#else
static const Machine MACHINES[] = {ENTRY(plain)};
static int generation(void) { return 0; }
#endif

/* Floating-point error flags; on x86 the SSE ones, because the machine uses no x87 code. */
#if defined(__GNUC__) && defined(__x86_64__)
static void clear_errors(void) { __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() & ~0x3fu); }
static int errors_found(void) { return (int)(__builtin_ia32_stmxcsr() & 0x0d); } /* invalid, division by zero, overflow */
#else
static void clear_errors(void) { feclearexcept(FE_ALL_EXCEPT); }
static int errors_found(void) { return fetestexcept(FE_OVERFLOW | FE_DIVBYZERO | FE_INVALID); }
#endif

/* The memory of one run. Constants, and numbers that the section SETUP computed, stay in it between runs. */
typedef struct Workspace {
    struct Workspace *next;
    ptrdiff_t width;
    char *memory;
    double *steady, *lanes, *packed; /* in the memory */
} Workspace;

/* Checked code: its sections and constants, the sizes that it needs of all arrays, and the workspaces that no run uses now. */
typedef struct {
    PyObject_HEAD
    int32_t *code[SECTIONS];
    Py_ssize_t length[SECTIONS];
    double work[SECTIONS]; /* operations */
    double *constants;
    Py_ssize_t lanes, steady, constant_count, parameters, inputs, outputs, results;
    Py_ssize_t packed_columns, packed_products; /* packed floats: of gradients per sample, of products in all */
    int32_t *columns;                           /* of each input */
    Workspace *kept;
} Code;

/* The state of a released GIL, NULL if it is held, and the number of operations until the next check for an interrupt. */
typedef struct {
    PyThreadState *state;
    double left;
} Patience;

static Patience begin(double work) { return (Patience){work < BRIEF ? NULL : PyEval_SaveThread(), PATIENCE}; }
static void end(const Patience *patience) {
    if (patience->state) PyEval_RestoreThread(patience->state);
}

/* Count operations; from time to time check for an interrupt. Nonzero if there is one, with its exception set. */
static int interrupted(Patience *patience, double work) {
    patience->left -= work;
    if (patience->left > 0 || !patience->state) return 0;
    PyEval_RestoreThread(patience->state);
    int found = PyErr_CheckSignals();
    *patience = (Patience){PyEval_SaveThread(), PATIENCE};
    return found;
}

/* Run the sections, the one of samples block by block. Return -1 with an exception, 0 if a check fails, 1 if all is well. */
static int run_sections(const Code *code, Block *block, const Machine *machine, int check, Patience *patience) {
    double strips = (double)((block->width + 7) / 8);
    for (int section = ONCE; section <= AFTER; section++) {
        Section found = {code->code[section], code->length[section]};
        clear_errors();
        block->start = 0;
        if (section != EACH_BLOCK) machine->run(found, block, block->steady, 1);
        else
            for (; block->start < block->batch; block->start += block->width) {
                ptrdiff_t left = block->batch - block->start;
                block->samples = left < block->width ? left : block->width;
                machine->run(found, block, block->lanes, block->width);
                if (check && errors_found()) return 0;
                if (interrupted(patience, code->work[section] * strips)) return -1;
            }
        if (check && errors_found()) return 0;
        if (interrupted(patience, code->work[section] / 8)) return -1;
    }
    return 1;
}

/* Return the number of operations on eight samples in a batch. */
static double work_of(const Code *code, ptrdiff_t batch) {
    return (code->work[ONCE] + code->work[AFTER] + code->work[EACH_BLOCK] * (double)(batch + 7)) / 8;
}

/* Return the width of a block: a multiple of 8 lanes that fits the cache and leaves few lanes without a sample. */
static ptrdiff_t width_of(const Code *code, ptrdiff_t batch) {
    if (batch < 2) return 1;
    ptrdiff_t most = CACHE / (code->lanes + 1) / 8 * 8;
    most = most < 8 ? 8 : most > 256 ? 256 : most;
    ptrdiff_t blocks = (batch + most - 1) / most;
    ptrdiff_t eights = ((batch + blocks - 1) / blocks + 7) / 8;
    return 8 * (eights < 8 ? eights : eights | 1); /* slots that are a power of two apart would share lines of the cache */
}

/* Take a workspace for blocks of a width, for one run until it is put back; NULL with an exception. */
static Workspace *take_workspace(Code *code, ptrdiff_t width, const Machine *machine) {
    for (Workspace **at = &code->kept; *at; at = &(*at)->next)
        if ((*at)->width == width) {
            Workspace *found = *at;
            *at = found->next;
            return found;
        }
    ptrdiff_t steady = (code->steady + 7) / 8 * 8, lanes = (code->lanes * width + 7) / 8 * 8;
    ptrdiff_t packed = code->packed_columns * width > code->packed_products ? code->packed_columns * width : code->packed_products;
    Workspace *made = PyMem_RawMalloc(sizeof *made);
    char *memory = PyMem_RawCalloc((size_t)(steady + lanes + packed + 16), sizeof(double));
    if (!made || !memory) {
        PyMem_RawFree(made);
        PyMem_RawFree(memory);
        PyErr_NoMemory();
        return NULL;
    }
    double *aligned = (double *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
    *made = (Workspace){NULL, width, memory, aligned, aligned + steady, aligned + steady + lanes};
    if (code->constant_count) memcpy(made->steady, code->constants, (size_t)code->constant_count * sizeof(double));
    Block block = {.steady = made->steady, .lanes = made->lanes, .packed = made->packed, .batch = 1, .width = width};
    machine->run((Section){code->code[SETUP], code->length[SETUP]}, &block, made->steady, 1);
    return made;
}

static void free_workspaces(Workspace *workspace) {
    while (workspace) {
        Workspace *next = workspace->next;
        PyMem_RawFree(workspace->memory);
        PyMem_RawFree(workspace);
        workspace = next;
    }
}

static void put_back(Code *code, Workspace *workspace) {
    workspace->next = code->kept;
    code->kept = workspace;
    int count = 1;
    while (workspace && count++ < KEPT) workspace = workspace->next;
    if (workspace) {
        free_workspaces(workspace->next);
        workspace->next = NULL;
    }
}

/* Return whether start, start + step, …, `count` > 0 places, are all below `most` and not negative. */
static int within(int64_t start, int64_t step, int64_t count, int64_t most) {
    int64_t last = start + step * (count - 1);
    return start >= 0 && last >= 0 && start < most && last < most;
}

/* Return whether all places of a matrix are below `most` and not negative. */
static int matrix_within(Matrix m, int64_t rows, int64_t columns, int64_t most) {
    int64_t down = m.row * (rows - 1), across = m.column * (columns - 1);
    int64_t least = m.start + (down < 0 ? down : 0) + (across < 0 ? across : 0);
    int64_t last = m.start + (down > 0 ? down : 0) + (across > 0 ? across : 0);
    return least >= 0 && last < most;
}

/* Increase a required size so that it includes a place; 0 if the place is too large. */
static int counted(Py_ssize_t *count, int64_t last) {
    if (last > INT32_MAX) return 0;
    if (last >= *count) *count = (Py_ssize_t)last + 1;
    return 1;
}

static int counted_column(int32_t *count, int64_t last) {
    if (last >= INT32_MAX) return 0;
    if (last >= *count) *count = (int32_t)last + 1;
    return 1;
}

static int check_memory(Code *code, Matrix m, int64_t rows, int64_t columns, int section) {
    if (m.memory == PARAMETERS || m.memory == RESULTS) {
        if (!matrix_within(m, rows, columns, INT32_MAX)) return 0;
        int64_t down = m.row * (rows - 1), across = m.column * (columns - 1);
        return counted(m.memory == PARAMETERS ? &code->parameters : &code->results,
                       m.start + (down > 0 ? down : 0) + (across > 0 ? across : 0));
    }
    if (m.memory == LANES) return section == EACH_BLOCK && matrix_within(m, rows, columns, code->lanes);
    return m.memory == STEADY && matrix_within(m, rows, columns, code->steady);
}

/* Check a product or a gradient, and count what it packs. */
static int check_product(Code *code, int section, int32_t operation, const int32_t *at) {
    Product p;
    memcpy(&p, at, sizeof p);
    if (p.rows < 1 || p.columns < 1 || p.inner < 1 || section == SETUP) return 0;
    int64_t packed = (int64_t)p.inner * ((p.columns + INT64_C(7)) & ~INT64_C(7));
    if (packed > INT32_MAX || (int64_t)p.rows * p.columns > INT32_MAX) return 0;
    Py_ssize_t *most = operation == GRADIENT ? &code->packed_columns : &code->packed_products;
    if (packed > *most) *most = (Py_ssize_t)packed;
    if (p.inner > code->packed_products) code->packed_products = p.inner;
    int own = section == EACH_BLOCK ? LANES : STEADY;
    if (p.right.memory != own || !check_memory(code, p.right, p.inner, p.columns, section)) return 0;
    if (operation == GRADIENT)
        return section == EACH_BLOCK && p.left.memory == LANES && (p.to.memory == STEADY || p.to.memory == RESULTS)
               && check_memory(code, p.left, p.rows, p.inner, section) && check_memory(code, p.to, p.rows, p.columns, section);
    p.to.row = p.columns;
    p.to.column = 1;
    return p.to.memory == own && p.left.memory != RESULTS && check_memory(code, p.to, p.rows, p.columns, section)
           && check_memory(code, p.left, p.rows, p.inner, section);
}

static int check_dot(const Code *code, int section, const int32_t *at) {
    Dot d;
    memcpy(&d, at, sizeof d);
    int64_t most = section == EACH_BLOCK ? code->lanes : code->steady;
    return section != SETUP && d.count >= 1 && within(d.to, 0, 1, most) && within(d.left, d.left_step, d.count, most)
           && within(d.right, d.right_step, d.count, most);
}

/* Return the number of multiplications of a product, a gradient or a dot. */
static double work_of_step(int32_t operation, const int32_t *at) {
    Product p;
    if (operation == DOT) return ((const Dot *)at)->count;
    memcpy(&p, at, sizeof p);
    return (double)p.rows * p.columns * p.inner;
}

/* Check the places of one operand in all steps, and count what they refer to; `before` are those of the operand before it. */
static int fits(Code *code, int section, char kind, int64_t place, int64_t step, int64_t count, int64_t before, int64_t before_step) {
    int steady = kind == 'S' || (kind == 's' && section != EACH_BLOCK), other = kind == 'o' || kind == 'i' || kind == 'x';
    int64_t most = steady ? code->steady : kind == 's' || kind == 'l' ? code->lanes : INT32_MAX;
    if (!within(place, step, count, most)) return 0;
    if (other && section != EACH_BLOCK) return 0; /* only blocks of samples have these operands */
    if ((kind == 'p' || kind == 'r') && section == SETUP) return 0;
    int64_t last = place + (step > 0 ? step * (count - 1) : 0);
    if (kind == 'x') {
        if (before_step) return 0; /* columns of one input */
        return !code->columns || counted_column(code->columns + before, last);
    }
    Py_ssize_t *found = kind == 'p' ? &code->parameters : kind == 'i' ? &code->inputs : kind == 'o' ? &code->outputs
                      : kind == 'r' ? &code->results : NULL;
    return !found || counted(found, last);
}

static int check_step(Code *code, int section, int32_t operation, const int32_t *at, int64_t count, int affine) {
    const char *kinds = KINDS[operation];
    int blocks = operation == INPUT || operation == TOTAL || operation == TOTAL_PRODUCT || operation == OUTPUT;
    if (!*kinds) return !affine && (operation == DOT ? check_dot(code, section, at) : check_product(code, section, operation, at));
    if (blocks != (section == EACH_BLOCK) && (blocks || strchr("lSrp", *kinds))) return 0;
    for (int j = 0; kinds[j]; j++) {
        const int32_t *this = affine ? at + 2 * j : at + j, *before = affine ? this - 2 : this - 1;
        if (!fits(code, section, kinds[j], *this, affine ? this[1] : 0, count, j ? *before : 0, j && affine ? before[1] : 0)) return 0;
    }
    return 1;
}

/* Check the sections; the columns are counted the second time, when there is memory for them. */
static int check_code(Code *code) {
    for (int section = 0; section < SECTIONS; section++) {
        const int32_t *at = code->code[section], *end = at + code->length[section];
        code->work[section] = 0;
        while (at < end) {
            int known = end - at >= 2 && at[0] >= 0 && at[0] < OPERATIONS && at[1] > -INT32_MAX && at[1];
            int affine = known && at[1] < 0;
            ptrdiff_t size = known ? operands(at[0]) : 0, steps = !known ? 0 : affine ? 2 : at[1];
            known = known && steps <= (end - at - 2) / size && (at[0] != TERMS || (at[1] > 1 && at[1] % 2));
            int32_t operation = *at, count = at[known];
            at += 2;
            if (known && affine) known = check_step(code, section, operation, at, -(int64_t)count, 1);
            else
                for (ptrdiff_t i = 0; known && i < steps; i++) known = check_step(code, section, operation, at + i * size, 1, 0);
            if (!known) {
                PyErr_Format(PyExc_ValueError, "section %d of the code must be runs of known operations on what there is", section);
                return -1;
            }
            for (ptrdiff_t i = 0; i < steps && !*KINDS[operation]; i++) code->work[section] += work_of_step(operation, at + i * size);
            if (*KINDS[operation]) code->work[section] += affine ? -(double)count : (double)count;
            at += size * steps;
        }
    }
    return 0;
}

/* A copy of a buffer of things of some size; NULL with an error. */
static void *copied(const Py_buffer *view, Py_ssize_t size, Py_ssize_t *count) {
    if (view->len % size) {
        PyErr_Format(PyExc_ValueError, "code and constants must be arrays of whole numbers of %zd bytes", size);
        return NULL;
    }
    void *copy = PyMem_Malloc((size_t)view->len + 1);
    if (!copy) return PyErr_NoMemory();
    if (view->len) memcpy(copy, view->buf, (size_t)view->len);
    *count = view->len / size;
    return copy;
}

static void code_dealloc(PyObject *self) {
    Code *code = (Code *)self;
    PyTypeObject *type = Py_TYPE(self);
    for (int i = 0; i < SECTIONS; i++) PyMem_Free(code->code[i]);
    free_workspaces(code->kept);
    PyMem_Free(code->constants);
    PyMem_Free(code->columns);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

PyDoc_STRVAR(code_doc, "Code(setup, once, each, after, lanes, steady, constants)\n--\n\n\
Four sections of code that was checked: for a new workspace, before all samples, for each block of them, after all; how many slots\n\
the lanes and the steady memory have; and the constants that the steady memory begins with.");

static PyObject *code_new(PyTypeObject *type, PyObject *args, PyObject *named) {
    static char *names[] = {"setup", "once", "each", "after", "lanes", "steady", "constants", NULL};
    Py_buffer views[SECTIONS + 1];
    Py_ssize_t lanes, steady;
    if (!PyArg_ParseTupleAndKeywords(args, named, "y*y*y*y*nny*:Code", names, &views[0], &views[1], &views[2], &views[3], &lanes,
                                     &steady, &views[4]))
        return NULL;
    Code *code = (Code *)type->tp_alloc(type, 0);
    int made = code != NULL;
    for (int i = 0; made && i < SECTIONS; i++)
        made = (code->code[i] = copied(&views[i], (Py_ssize_t)sizeof(int32_t), &code->length[i])) != NULL;
    made = made && (code->constants = copied(&views[4], (Py_ssize_t)sizeof(double), &code->constant_count)) != NULL;
    for (int i = 0; i <= SECTIONS; i++) PyBuffer_Release(&views[i]);
    if (made && (lanes < 0 || lanes > INT32_MAX / 256 || steady < code->constant_count || steady > INT32_MAX)) {
        PyErr_Format(PyExc_ValueError, "lanes must be from 0 to %d slots, and steady from the constants on to 2**31 - 1, got %zd and %zd",
                     INT32_MAX / 256, lanes, steady);
        made = 0;
    }
    if (made) {
        code->lanes = lanes;
        code->steady = steady;
        made = check_code(code) == 0;
    }
    if (made) {
        code->columns = PyMem_Calloc((size_t)code->inputs + 1, sizeof *code->columns);
        if (code->columns) made = check_code(code) == 0;
        else made = PyErr_NoMemory() != NULL;
    }
    if (!made) Py_CLEAR(code);
    return (PyObject *)code;
}

/* Return whether a buffer holds numbers of a size in bytes and of a format, in native byte order. */
static int holds_numbers(const Py_buffer *view, size_t size, const char *wanted) {
    const char *format = view->format ? view->format : "";
    format += *format == '@' || *format == '=' || *format == '^'; /* NumPy's prefixes for native byte order */
    return view->itemsize == (Py_ssize_t)size && !strcmp(format, wanted);
}

/* Take an input's buffer, of doubles or floats with a row for each sample, as many as the others have. */
static int take_input(const Code *code, Py_ssize_t i, PyObject *array, Py_buffer *view, Py_ssize_t *batch, Input *found) {
    if (PyObject_GetBuffer(array, view, PyBUF_RECORDS_RO)) return -1;
    int columns = i < code->inputs ? code->columns[i] : 0;
    int single = holds_numbers(view, sizeof(float), "f");
    if ((single || holds_numbers(view, sizeof(double), "d")) && view->ndim == 2 && view->shape[1] >= columns && (!i || view->shape[0] == *batch)) {
        *batch = view->shape[0];
        *found = (Input){view->buf, view->strides[1], view->strides[0], single};
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "input %zd must be a 2-dimensional array of doubles or floats, with %d columns or more, and as "
                 "many rows as the other inputs", i, columns);
    PyBuffer_Release(view);
    return -1;
}

/* Return whether a buffer holds at least so many aligned doubles. */
static int holds(const Py_buffer *view, Py_ssize_t rows, Py_ssize_t columns, const char *name) {
    Py_ssize_t there = view->len / (Py_ssize_t)sizeof(double);
    if ((!columns || rows <= there / columns) && !((uintptr_t)view->buf % sizeof(double))) return 1;
    PyErr_Format(PyExc_ValueError, "%s must be an aligned array of %zd times %zd doubles, got %zd bytes", name, rows, columns,
                 view->len);
    return 0;
}

/* The inputs of a call, and the buffers to release. */
typedef struct {
    Py_buffer few[4], *views;
    Input some[4], *found;
    Py_ssize_t taken, batch;
} Inputs;

static void release_inputs(Inputs *inputs) {
    while (inputs->taken) PyBuffer_Release(&inputs->views[--inputs->taken]);
    if (inputs->views != inputs->few) PyMem_Free(inputs->views);
    if (inputs->found != inputs->some) PyMem_Free(inputs->found);
}

/* Take a tuple of arrays, each with enough columns and equally many rows; -1 with an exception and nothing to release. */
static int take_inputs(const Code *code, PyObject *arrays, Inputs *inputs) {
    Py_ssize_t n = PyTuple_GET_SIZE(arrays);
    inputs->views = n <= 4 ? inputs->few : PyMem_Calloc((size_t)n, sizeof *inputs->views);
    inputs->found = n <= 4 ? inputs->some : PyMem_Calloc((size_t)n, sizeof *inputs->found);
    inputs->taken = 0;
    inputs->batch = n ? 0 : 1;
    int fine = inputs->views && inputs->found;
    if (!fine) PyErr_NoMemory();
    if (fine && n < code->inputs) {
        PyErr_Format(PyExc_ValueError, "inputs must be a tuple of %zd arrays, got %zd", code->inputs, n);
        fine = 0;
    }
    for (Py_ssize_t i = 0; fine && i < n; i++) {
        Py_buffer *view = &inputs->views[i];
        fine = !take_input(code, i, PyTuple_GET_ITEM(arrays, i), view, &inputs->batch, &inputs->found[i]);
        inputs->taken += fine;
    }
    if (!fine) release_inputs(inputs);
    return fine - 1;
}

static const Machine *machine_of(int chosen) { return &MACHINES[chosen < 0 || chosen > generation() ? generation() : chosen]; }

static Block block_of(const Workspace *space, const double *parameters, const Input *inputs, double *outputs, double *results,
                      ptrdiff_t batch) {
    return (Block){.steady = space->steady, .lanes = space->lanes, .packed = space->packed, .parameters = parameters,
                   .inputs = inputs, .outputs = outputs, .results = results, .batch = batch, .width = space->width};
}

PyDoc_STRVAR(run_doc, "run(parameters, inputs, outputs, results, check, generation)\n--\n\n\
Run the code. `inputs` are a tuple of arrays of doubles or floats, a row for each sample. Return the cost, 0.0 where the code has none; with\n\
`check` None, and nothing useful in outputs and results, where anything overflowed, was undefined or is not finite.");

static PyObject *code_run(PyObject *self, PyObject *args) {
    Code *code = (Code *)self;
    Py_buffer parameters, outputs, results;
    Inputs inputs;
    int check, chosen, done = -1;
    double cost = 0.0;
    PyObject *arrays;
    if (!PyArg_ParseTuple(args, "y*O!w*w*pi:run", &parameters, &PyTuple_Type, &arrays, &outputs, &results, &check, &chosen))
        return NULL;
    if (take_inputs(code, arrays, &inputs) == 0) {
        Py_ssize_t batch = inputs.batch;
        if (holds(&parameters, code->parameters, 1, "parameters") && holds(&outputs, code->outputs, batch, "outputs")
            && holds(&results, code->results, 1, "results")) {
            const Machine *machine = machine_of(chosen);
            Workspace *space = take_workspace(code, width_of(code, batch), machine);
            if (space) {
                Block block = block_of(space, parameters.buf, inputs.found, outputs.buf, results.buf, batch);
                Patience patience = begin(work_of(code, batch));
                done = run_sections(code, &block, machine, check, &patience);
                end(&patience);
                put_back(code, space);
                cost = block.cost;
                if (done > 0 && check)
                    done = isfinite(cost) && machine->finite(results.buf, code->results)
                           && machine->finite(outputs.buf, code->outputs * batch);
            }
        }
        release_inputs(&inputs);
    }
    PyBuffer_Release(&parameters);
    PyBuffer_Release(&outputs);
    PyBuffer_Release(&results);
    if (done < 0) return NULL;
    if (!done) Py_RETURN_NONE;
    return PyFloat_FromDouble(cost);
}

/* Training: steps of cost, gradient and update, over batches of so many samples, of which the last may have fewer. The numbers
   are a row of the parameters and one for each of the update's means. With `single` every result of a step is rounded to a float. */
typedef struct {
    const Code *code, *update;
    Workspace *whole, *rest, *moving; /* for whole batches, the last one, and the update */
    const Machine *machine;
    const Input *inputs;
    const int64_t *rows, *fixed; /* the order of the samples, NULL for their own; parameters that stay fixed */
    double *now, *next, *gradient, *settings, clip;
    Py_ssize_t samples, size, parameters, means, fixed_count;
    int check, single;
} Training;

/* Scale numbers down so that their norm is at most `largest`; see `clip_gradients` of nn. */
static void clip_norm(double *numbers, Py_ssize_t n, double largest) {
    if (isinf(largest)) return;
    double peaks[8] = {0}, sums[8] = {0}, most = 0.0, sum = 0.0; /* eight at a time, as vectors */
    Py_ssize_t whole = n - n % 8;
    for (Py_ssize_t i = 0; i < whole; i += 8) EACH(8) peaks[k] = fabs(numbers[i + k]) > peaks[k] ? fabs(numbers[i + k]) : peaks[k];
    for (Py_ssize_t i = whole; i < n; i++) most = fabs(numbers[i]) > most ? fabs(numbers[i]) : most;
    EACH(8) most = peaks[k] > most ? peaks[k] : most;
    if (most == 0.0) return;
    int exponent;
    frexp(most, &exponent);
    double unit = fmax(ldexp(1.0, exponent - 1), DBL_MIN), scale = 1.0 / unit; /* powers of two, so that scaling is exact */
    for (Py_ssize_t i = 0; i < whole; i += 8) EACH(8) sums[k] += numbers[i + k] * scale * (numbers[i + k] * scale);
    for (Py_ssize_t i = whole; i < n; i++) sums[i - whole] += numbers[i] * scale * (numbers[i] * scale);
    EACH(8) sum += sums[k];
    double norm = sqrt(sum), factor = largest / norm;
    if (norm * unit > largest)
        for (Py_ssize_t i = 0; i < n; i++) numbers[i] = numbers[i] * scale * factor;
}

/* Take a step. Return -1 with an exception, 0 if a number is not finite, 1 if it is whole. */
static int take_step(Training *t, ptrdiff_t number, double *cost, Patience *patience) {
    ptrdiff_t batches = (t->samples + t->size - 1) / t->size, start = number % batches * t->size, left = t->samples - start;
    ptrdiff_t batch = left < t->size ? left : t->size, n = t->parameters;
    Block block = block_of(batch < t->size ? t->rest : t->whole, t->now, t->inputs, NULL, t->gradient, batch);
    block.rows = t->rows;
    block.offset = start;
    int done = run_sections(t->code, &block, t->machine, t->check, patience);
    if (done <= 0) return done;
    if (t->single) {
        t->machine->round(&block.cost, 1);
        t->machine->round(t->gradient, n);
    }
    if (!isfinite(block.cost) || !t->machine->finite(t->gradient, n)) return 0;
    for (Py_ssize_t i = 0; i < t->fixed_count; i++) t->gradient[t->fixed[i]] = 0.0;
    clip_norm(t->gradient, n, t->clip);
    double settings[2] = {t->settings[0], t->settings[1] + 1.0};
    Input taken[2 + MEANS];
    for (Py_ssize_t i = 0; i < 2 + t->means; i++)
        taken[i] = (Input){(const char *)(i == 1 ? t->gradient : t->now + (i - (i > 1)) * n), 0, sizeof(double), 0};
    Block move = block_of(t->moving, settings, taken, t->next, NULL, n);
    done = run_sections(t->update, &move, t->machine, 0, patience);
    if (done <= 0) return done;
    if (t->single) t->machine->round(t->next, n * (1 + t->means));
    if (!t->machine->finite(t->next, n * (1 + t->means))) return 0;
    for (Py_ssize_t i = 0; i < t->fixed_count; i++) t->next[t->fixed[i]] = t->now[t->fixed[i]];
    double *before = t->now;
    t->now = t->next;
    t->next = before;
    t->settings[1] += 1.0;
    *cost = block.cost;
    return 1;
}

/* Return whether all places are below `most` and not negative. */
static int places_fit(const Py_buffer *view, Py_ssize_t n, const char *name) {
    const int64_t *places = view->buf;
    if ((uintptr_t)places % sizeof *places) {
        PyErr_Format(PyExc_ValueError, "%s must be an aligned array", name);
        return 0;
    }
    for (Py_ssize_t i = 0; i < view->len / (Py_ssize_t)sizeof *places; i++)
        if (places[i] < 0 || places[i] >= n) {
            PyErr_Format(PyExc_ValueError, "%s must be places from 0 to %zd", name, n - 1);
            return 0;
        }
    return 1;
}

static int some_there(Py_ssize_t samples) {
    if (!samples) PyErr_SetString(PyExc_ValueError, "inputs and rows must have one sample or more");
    return samples > 0;
}

PyDoc_STRVAR(train_doc, "train(update, numbers, gradient, inputs, rows, size, first, settings, fixed, clip, costs, check, single, generation)\n--\n\n\
Take a step for each of the costs, from the batch of this number on, over and over again; stop before one with a number that is not\n\
finite. `numbers` are a row of parameters and one for each mean of the update; rows, or None, the order of the samples in batches of\n\
a size; settings the learning rate and the steps so far, which count up; fixed the places of parameters that stay; single whether results are\n\
rounded to floats.");

static PyObject *code_train(PyObject *self, PyObject *args) {
    Code *code = (Code *)self, *update;
    Py_buffer numbers, gradient, rows, settings, fixed, costs;
    Inputs inputs;
    PyObject *arrays;
    Py_ssize_t size, first;
    double clip;
    int check, single, chosen, done = -1;
    if (!PyArg_ParseTuple(args, "O!w*w*O!z*nnw*y*dw*ppi:train", Py_TYPE(self), &update, &numbers, &gradient, &PyTuple_Type, &arrays,
                          &rows, &size, &first, &settings, &fixed, &clip, &costs, &check, &single, &chosen))
        return NULL;
    Py_ssize_t n = gradient.len / (Py_ssize_t)sizeof(double), means = update->outputs - 1;
    int fits_together = !code->outputs && code->parameters <= n && code->results <= n && update->outputs >= 1 && means <= MEANS
                        && !update->results && update->parameters <= 2 && update->inputs <= 2 + means && size > 0 && first >= 0 && n;
    for (Py_ssize_t i = 0; i < update->inputs; i++) fits_together = fits_together && update->columns[i] <= 1;
    if (!fits_together) PyErr_SetString(PyExc_ValueError, "the update must be code that makes numbers of a parameter and its gradient");
    else if (take_inputs(code, arrays, &inputs) == 0) {
        Py_ssize_t samples = rows.buf ? rows.len / (Py_ssize_t)sizeof(int64_t) : inputs.batch;
        if (holds(&numbers, 1 + means, n, "numbers") && holds(&gradient, n, 1, "gradient") && holds(&settings, 2, 1, "settings")
            && holds(&costs, 0, 0, "costs") && (!rows.buf || places_fit(&rows, inputs.batch, "rows")) && places_fit(&fixed, n, "fixed")
            && some_there(samples)) {
            const Machine *machine = machine_of(chosen);
            size = size < samples ? size : samples;
            Training training = {.code = code, .update = update, .machine = machine, .inputs = inputs.found, .rows = rows.buf,
                                 .fixed = fixed.buf, .now = numbers.buf, .gradient = gradient.buf, .settings = settings.buf,
                                 .clip = clip, .samples = samples, .size = size, .parameters = n, .means = means,
                                 .fixed_count = fixed.len / (Py_ssize_t)sizeof(int64_t), .check = check,
                                 .single = single};
            double *spare = training.next = PyMem_RawMalloc((size_t)numbers.len);
            if (spare) training.whole = take_workspace(code, width_of(code, size), machine);
            if (training.whole) training.rest = take_workspace(code, width_of(code, samples % size), machine);
            if (training.rest) training.moving = take_workspace(update, width_of(update, n), machine);
            if (!spare) PyErr_NoMemory();
            if (training.moving) {
                Py_ssize_t steps = costs.len / (Py_ssize_t)sizeof(double);
                Patience patience = begin((work_of(code, size) + work_of(update, n)) * (double)steps);
                done = 1;
                for (Py_ssize_t i = 0; i < steps && done > 0; i++)
                    done = take_step(&training, first + i, (double *)costs.buf + i, &patience);
                end(&patience);
                if (training.now == spare) memcpy(numbers.buf, spare, (size_t)((1 + means) * n) * sizeof(double));
            }
            if (training.whole) put_back(code, training.whole);
            if (training.rest) put_back(code, training.rest);
            if (training.moving) put_back(update, training.moving);
            PyMem_RawFree(spare);
        }
        release_inputs(&inputs);
    }
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&gradient);
    PyBuffer_Release(&rows);
    PyBuffer_Release(&settings);
    PyBuffer_Release(&fixed);
    PyBuffer_Release(&costs);
    if (done < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef CODE_METHODS[] = {
    {"run", code_run, METH_VARARGS, run_doc}, {"train", code_train, METH_VARARGS, train_doc}, {0}
};
static PyType_Slot CODE_SLOTS[] = {
    {Py_tp_doc, (void *)code_doc}, {Py_tp_new, code_new}, {Py_tp_dealloc, code_dealloc}, {Py_tp_methods, CODE_METHODS}, {0, NULL}
};
static PyType_Spec CODE_SPEC = {
    .name = "autograd.compiling._tape.Code", .basicsize = sizeof(Code), .flags = Py_TPFLAGS_DEFAULT, .slots = CODE_SLOTS,
};

static int filled(PyObject *module) {
    PyObject *operations = PyDict_New();
    if (!operations) return -1;
    for (int i = 0; i < OPERATIONS; i++) {
        PyObject *known = Py_BuildValue("ii", i, (int)operands(i) - 1);
        int failed = !known || PyDict_SetItemString(operations, NAMES[i], known);
        Py_XDECREF(known);
        if (failed) {
            Py_DECREF(operations);
            return -1;
        }
    }
    PyObject *type = PyType_FromSpec(&CODE_SPEC);
    int failed = !type || PyModule_AddType(module, (PyTypeObject *)type) || PyModule_AddObjectRef(module, "OPERATIONS", operations);
    Py_DECREF(operations);
    Py_XDECREF(type);
    return failed || PyModule_AddIntConstant(module, "ABI", ABI) || PyModule_AddIntConstant(module, "GENERATIONS", generation() + 1)
               ? -1
               : 0;
}

static PyMethodDef MODULE_METHODS[] = {{"assemble", assemble, METH_VARARGS, assemble_doc}, {0}};
static PyModuleDef_Slot MODULE_SLOTS[] = {{Py_mod_exec, filled}, {0, NULL}};
static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, .m_name = "_tape", .m_doc = "Code over blocks of samples.", .m_methods = MODULE_METHODS, .m_slots = MODULE_SLOTS,
};

PyMODINIT_FUNC PyInit__tape(void) { return PyModuleDef_Init(&MODULE); }
