/* `_record_reverse` of functional.py: upstream × local = downstream, where all three are Values, recorded as gates.

   Lists hold what is computed, because the operations are Python objects, so any code may run in between. */

#include "node.h"
#include "row.h"

#include "derivative.h"

/* The attributes of `_Slopes` of functional.py. */
typedef struct {
    PyObject *active;   /* the set of the nodes that get an adjoint */
    PyObject *recorder; /* returns the plan of a gate: see `find_plan` */
    PyObject *origin;   /* a dict: the gate as the user recorded it, of a gate that a derivative recorded */
    PyObject *refuse;   /* is called with the inputs of a gate where a local gradient is infinite; or None */
} Slopes;

static int
read_slopes(PyObject *given, Slopes *slopes)
{
    *slopes = (Slopes){NULL, NULL, NULL, NULL};
    if ((slopes->active = PyObject_GetAttrString(given, "active")) == NULL
        || (slopes->recorder = PyObject_GetAttrString(given, "recorder")) == NULL
        || (slopes->origin = PyObject_GetAttrString(given, "origin")) == NULL
        || (slopes->refuse = PyObject_GetAttrString(given, "refuse")) == NULL)
        return 0;
    if (PyAnySet_CheckExact(slopes->active) && PyDict_CheckExact(slopes->origin))
        return 1;
    PyErr_Format(PyExc_TypeError, "slopes must have a set `active` and a dict `origin`, got %R", given);
    return 0;
}

static void
release_slopes(Slopes *slopes)
{
    Py_XDECREF(slopes->active);
    Py_XDECREF(slopes->recorder);
    Py_XDECREF(slopes->origin);
    Py_XDECREF(slopes->refuse);
}

/* Return the entry of a list of cells that a list of indices names, borrowed. */
static PyObject *
cell_at(PyObject *cells, PyObject *index)
{
    Py_ssize_t i = PyLong_Check(index) ? PyLong_AsSsize_t(index) : -1;
    if (i >= 0)
        return PyList_GetItem(cells, i);
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "a cell must be named by its index, got %R", index);
    return NULL;
}

/* Return `_recorder` of a gate: (constants, operations, outputs, checked). */
static PyObject *
find_plan(Node *node, PyObject *inputs, const Slopes *slopes)
{
    Py_ssize_t count = PyTuple_GET_SIZE(inputs);
    PyObject *wanted = PyTuple_New(count);
    for (Py_ssize_t i = 0; wanted != NULL && i < count; i++) {
        int found = PySet_Contains(slopes->active, PyTuple_GET_ITEM(inputs, i));
        PyTuple_SET_ITEM(wanted, i, as_object(found > 0 ? Py_True : Py_False));
        if (found < 0)
            Py_CLEAR(wanted);
    }
    if (wanted == NULL)
        return NULL;
    PyObject *plan = PyObject_CallFunctionObjArgs(slopes->recorder, node->row->origin, wanted, NULL);
    Py_DECREF(wanted);
    int fits = plan != NULL && PyTuple_CheckExact(plan) && PyTuple_GET_SIZE(plan) == 4;
    for (Py_ssize_t i = 0; fits && i < 4; i++)
        fits = PyList_CheckExact(PyTuple_GET_ITEM(plan, i));
    if (plan == NULL || (fits && PyList_GET_SIZE(PyTuple_GET_ITEM(plan, 2)) == count))
        return plan;
    PyErr_Format(PyExc_TypeError, "a recorder must return four lists, the third with an entry for each input, got %R", plan);
    Py_DECREF(plan);
    return NULL;
}

/* Record an operation on some cells: (function, indices). */
static PyObject *
record_operation(PyObject *operation, PyObject *cells)
{
    PyObject *function, *indices, *operand[INPUTS_MOST], *answer = NULL;
    if (!PyTuple_CheckExact(operation)) {
        PyErr_Format(PyExc_TypeError, "an operation must be a function and indices of cells, got %R", operation);
        return NULL;
    }
    if (!PyArg_ParseTuple(operation, "OO!", &function, &PyTuple_Type, &indices))
        return NULL;
    Py_ssize_t given = 0, count = PyTuple_GET_SIZE(indices);
    if (count > INPUTS_MOST) {
        PyErr_Format(PyExc_TypeError, "an operation must have at most %d operands, got %zd", INPUTS_MOST, count);
        return NULL;
    }
    for (; given < count; given++) {
        if ((operand[given] = cell_at(cells, PyTuple_GET_ITEM(indices, given))) == NULL)
            break;
        Py_INCREF(operand[given]);
    }
    if (given == count)
        answer = PyObject_Vectorcall(function, operand, (size_t)count, NULL);
    while (given > 0)
        Py_DECREF(operand[--given]);
    return answer;
}

/* Return the cells: inputs, output, constants, and what every operation records; NULL with an error. */
static PyObject *
record_cells(Node *node, PyObject *inputs, PyObject *plan, const Slopes *slopes)
{
    PyObject *constants = PyTuple_GET_ITEM(plan, 0), *operations = PyTuple_GET_ITEM(plan, 1);
    PyObject *cells = PyList_New(0), *written = NULL;
    for (Py_ssize_t i = 0; cells != NULL && i < PyTuple_GET_SIZE(inputs); i++) {
        Node *input = (Node *)PyTuple_GET_ITEM(inputs, i);
        PyObject *cell = input->tick < 0 ? PyFloat_FromDouble(input->data) : as_object(input);
        if (input->tick < 0)
            input->tick = TAKEN_TICK; /* the result depends on the number */
        if (cell == NULL || PyList_Append(cells, cell) < 0)
            Py_CLEAR(cells);
        Py_XDECREF(cell);
    }
    if (cells == NULL || PyList_Append(cells, (PyObject *)node) < 0
        || PyList_SetSlice(cells, PyList_GET_SIZE(cells), PyList_GET_SIZE(cells), constants) < 0)
        goto failed;
    if (PyList_GET_SIZE(operations) && (written = PyDict_GetItemWithError(slopes->origin, (PyObject *)node)) == NULL) {
        if (PyErr_Occurred())
            goto failed;
        written = (PyObject *)node;
    }
    Py_XINCREF(written);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(operations); i++) {
        PyObject *cell = record_operation(PyList_GET_ITEM(operations, i), cells);
        if (cell == NULL || PyList_Append(cells, cell) < 0
            || (IS_VALUE(cell) && PyDict_SetItem(slopes->origin, cell, written) < 0)) {
            Py_XDECREF(cell);
            goto failed;
        }
        Py_DECREF(cell);
    }
    PyObject *checked = PyTuple_GET_ITEM(plan, 3);
    for (Py_ssize_t i = 0; slopes->refuse != Py_None && i < PyList_GET_SIZE(checked); i++) {
        PyObject *cell = cell_at(cells, PyList_GET_ITEM(checked, i));
        if (cell == NULL)
            goto failed;
        double number = IS_VALUE(cell) ? ((Node *)cell)->data : PyFloat_AsDouble(cell);
        if (PyErr_Occurred())
            goto failed;
        if (!isfinite(number)) {
            PyObject *answer = PyObject_CallOneArg(slopes->refuse, inputs);
            if (answer == NULL)
                goto failed;
            Py_DECREF(answer);
        }
    }
    Py_XDECREF(written);
    return cells;
failed:
    Py_XDECREF(written);
    Py_XDECREF(cells);
    return NULL;
}

/* Add a contribution to the adjoint of a node in a dict; 0, or -1 with an error. */
static int
arrive(PyObject *adjoints, PyObject *node, PyObject *handed)
{
    PyObject *before = PyDict_GetItemWithError(adjoints, node);
    if (before == NULL)
        return PyErr_Occurred() ? -1 : PyDict_SetItem(adjoints, node, handed);
    Py_INCREF(before);
    PyObject *sum = PyNumber_Add(before, handed);
    int answer = sum == NULL ? -1 : PyDict_SetItem(adjoints, node, sum);
    Py_DECREF(before);
    Py_XDECREF(sum);
    return answer;
}

/* Add upstream × local to the adjoints of the active inputs of a node: 0; -1 with an error, -2 with one of a local
   gradient or a product. */
static int
hand_down(Node *node, PyObject *upstream, PyObject *adjoints, const Slopes *slopes)
{
    PyObject *inputs = inputs_of((PyObject *)node, NULL);
    PyObject *plan = inputs == NULL ? NULL : find_plan(node, inputs, slopes), *cells = NULL;
    int answer = plan == NULL ? -1 : (cells = record_cells(node, inputs, plan, slopes)) == NULL ? -2 : 0;
    for (Py_ssize_t i = 0; answer == 0 && i < PyTuple_GET_SIZE(inputs); i++) {
        PyObject *outputs = PyTuple_GET_ITEM(plan, 2);
        PyObject *output = i < PyList_GET_SIZE(outputs) ? PyList_GET_ITEM(outputs, i) : Py_None;
        if (output == Py_None)
            continue;
        PyObject *local = cell_at(cells, output), *handed = NULL;
        if (local != NULL && PyFloat_CheckExact(local) && PyFloat_AS_DOUBLE(local) == 1.0)
            handed = as_object(upstream);
        else if (local != NULL)
            handed = PyNumber_Multiply(upstream, local);
        answer = handed == NULL ? -2 : arrive(adjoints, PyTuple_GET_ITEM(inputs, i), handed);
        Py_XDECREF(handed);
    }
    Py_XDECREF(inputs);
    Py_XDECREF(plan);
    Py_XDECREF(cells);
    return answer;
}

/* Set `failed` of the slopes, beside the exception. */
static void
note_failed(PyObject *slopes, Node *node)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyObject_SetAttrString(slopes, "failed", (PyObject *)node) < 0)
        PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

/* Take the adjoint of a gate out of a dict, and hand it down. */
static int
visit(PyObject *gate, PyObject *adjoints, const Slopes *slopes)
{
    if (!IS_VALUE(gate) || ((Node *)gate)->first == NULL) {
        PyErr_Format(PyExc_TypeError, "a reverse pass must be over gates, got %R", gate);
        return -1;
    }
    PyObject *upstream = PyDict_GetItemWithError(adjoints, gate);
    if (upstream == NULL)
        return -(PyErr_Occurred() != NULL);
    Py_INCREF(upstream);
    int answer = PyDict_DelItem(adjoints, gate);
    if (answer == 0)
        answer = hand_down((Node *)gate, upstream, adjoints, slopes);
    Py_DECREF(upstream);
    return answer;
}

/* record_reverse(gates, adjoints, slopes) */
PyObject *
record_reverse(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *given, *adjoints, *from;
    Slopes slopes;
    if (!PyArg_ParseTuple(args, "O!O!O:record_reverse", &PyList_Type, &given, &PyDict_Type, &adjoints, &from))
        return NULL;
    PyObject *gates = PyList_AsTuple(given); /* a list may change meanwhile */
    int answer = gates == NULL || !read_slopes(from, &slopes) ? -1 : 0;
    for (Py_ssize_t i = answer < 0 ? 0 : PyTuple_GET_SIZE(gates); answer == 0 && i-- > 0;) {
        PyObject *gate = PyTuple_GET_ITEM(gates, i);
        if ((answer = visit(gate, adjoints, &slopes)) == -2)
            note_failed(from, (Node *)gate);
    }
    if (gates != NULL)
        release_slopes(&slopes);
    Py_XDECREF(gates);
    return answer < 0 ? NULL : as_object(NULL);
}
