/* The C engine: C versions of the parts of the Python engine that run once for every node. The Python files define
   the behaviour. Each function here names the Python function that it replaces, and gives the same numbers to the
   last bit. No derivative is written in C: the rules of the table arrive as bytecode. Files use each other's
   functions through their headers. Short functions that run for every node are inline there; symbols are hidden, so
   that other calls are direct. */

#include "abi.h"
#include "backward.h"
#include "bytecode.h"
#include "call.h"
#include "context.h"
#include "derivative.h"
#include "memory.h"
#include "record.h"
#include "restore.h"
#include "row.h"
#include "scope.h"
#include "value.h"
#include "walk.h"

/* Replace a reference that the engine holds to an object of value.py. */
static void
hold(void *place, void *x)
{
    PyObject **held = place, *before = *held;
    *held = x;
    Py_XDECREF(before);
}

/* Raise if the engine was installed already: nodes refer to the installed objects. */
static int
may_install(void)
{
    if (installed)
        PyErr_SetString(PyExc_RuntimeError, "the engine is installed already");
    return !installed;
}

/* install(roles, operand, init, data, arrange, row): (INPUT, PARAMETER, CONSTANT), the function operand, Value's
   __init__ and property `data`, `arrange` of dot, and the function that makes the row of a gate. */
static PyObject *
install(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *roles[3], *leaves[3] = {NULL, NULL, NULL}, *operand, *init, *data, *arrange, *row;
    if (!PyArg_ParseTuple(args, "(OOO)OOO!OO:install", roles, roles + 1, roles + 2, &operand, &init, &PyProperty_Type, &data,
                          &arrange, &row))
        return NULL;
    if (!PyCallable_Check(operand) || !PyCallable_Check(init) || !PyCallable_Check(arrange) || !PyCallable_Check(row)) {
        PyErr_Format(PyExc_TypeError, "the engine must be given roles, and functions of value.py, got %R", args);
        return NULL;
    }
    int made = 1;
    for (int i = 0; made && i < 3; i++)
        made = (leaves[i] = PyObject_CallOneArg((PyObject *)row_type, roles[i])) != NULL;
    if (!made || !may_install()) {
        for (int i = 0; i < 3; i++)
            Py_XDECREF(leaves[i]);
        return NULL;
    }
    for (int i = 0; i < 3; i++)
        hold(&role_rows[i], leaves[i]);
    constant_row = role_rows[2];
    hold(&operand_function, as_object(operand));
    hold(&initialise, as_object(init));
    hold(&data_property, as_object(data));
    hold(&dot_arrange, as_object(arrange));
    hold(&make_row, as_object(row));
    Py_RETURN_NONE;
}

/* Return the row that an operator records, a new reference. */
static PyObject *
find_row(PyObject *gates, int i)
{
    PyObject *gate = PyMapping_GetItemString(gates, row_names[i]);
    PyObject *record = gate == NULL ? NULL : (PyObject *)row_of(gate);
    Py_XDECREF(gate);
    if (record != NULL
        && !(Py_IS_TYPE(record, row_type) && ((Row *)record)->forward != NULL
             && ((Row *)record)->inputs == (i < ROW_NEG ? 2 : 1))) {
        PyErr_Format(PyExc_TypeError, "the operators need the gate %s, which runs as bytecode, got %R", row_names[i], record);
        Py_CLEAR(record);
    }
    return record;
}

/* install_operators(gates, comparisons): the table of gates, and functions for < <= == != > >=. Afterwards Values can
   be made. */
static PyObject *
install_operators(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *gates, *compare, *found[ROWS] = {NULL};
    if (!PyArg_ParseTuple(args, "O!O!:install_operators", &PyDict_Type, &gates, &PyTuple_Type, &compare))
        return NULL;
    int fits = PyTuple_GET_SIZE(compare) == 6;
    for (Py_ssize_t i = 0; fits && i < 6; i++)
        fits = PyCallable_Check(PyTuple_GET_ITEM(compare, i));
    if (!fits)
        PyErr_Format(PyExc_TypeError, "comparisons must be a tuple of six functions, got %R", compare);
    for (int i = 0; fits && i < ROWS; i++)
        fits = (found[i] = find_row(gates, i)) != NULL;
    fits = fits && may_install();
    if (fits && constant_row == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "install() must be called before install_operators()");
        fits = 0;
    }
    for (int i = 0; i < ROWS; i++)
        if (fits)
            hold(&rows[i], found[i]);
        else
            Py_XDECREF(found[i]);
    if (!fits)
        return NULL;
    hold(&comparisons, as_object(compare));
    value_type->tp_vectorcall = value_make;
    installed = 1;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"install", install, METH_VARARGS, NULL},
    {"install_operators", install_operators, METH_VARARGS, NULL},
    {"restore", restore, METH_VARARGS, NULL},
    {"output", record_output, METH_VARARGS, NULL},
    {"row", row_of_gate, METH_O, NULL},
    {"record", (PyCFunction)(void (*)(void))record_gate, METH_FASTCALL, NULL},
    {"record_one", (PyCFunction)(void (*)(void))record_gate, METH_FASTCALL, NULL},
    {"record_two", (PyCFunction)(void (*)(void))record_gate, METH_FASTCALL, NULL},
    {"pull", sweep, METH_O, NULL},
    {"stale_edge", stale_edge, METH_O, NULL},
    {"keep", keep, METH_O, NULL},
    {"assign", assign, METH_VARARGS, NULL},
    {"record_reverse", record_reverse, METH_VARARGS, NULL},
    {"tick", tick, METH_NOARGS, NULL},
    {"trim", trim, METH_NOARGS, NULL},
    {0}
};

/* Heap types. All but Value and scope are immutable from Python. */
static int
add_types(PyObject *module)
{
    struct {
        PyType_Spec *spec;
        PyTypeObject **type;
    } types[] = {
        {&value_spec, &value_type}, {&scope_spec, &scope_type}, {&row_spec, &row_type}, {&bytecode_spec, &bytecode_type},
        {&walk_spec, &walk_type}, {&recording_spec, &recording_type}, {&call_spec, &call_type},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        *types[i].type = (PyTypeObject *)PyType_FromSpec(types[i].spec);
        if (*types[i].type == NULL || PyModule_AddType(module, *types[i].type) < 0)
            return -1;
    }
    scope_type->tp_vectorcall = scope_make;
    return 0;
}

/* Make the types, the recording, and the context variable with its default. */
static int
add_parts(PyObject *module, PyObject *codes)
{
    record_name = PyUnicode_InternFromString("record");
    arrange_name = PyUnicode_InternFromString("arrange");
    if (codes == NULL || record_name == NULL || arrange_name == NULL || add_types(module) < 0)
        return -1;
    PyObject *outside = Py_BuildValue("(sOOOO)", "", Py_True, Py_None, Py_None, Py_None);
    context_variable = outside == NULL ? NULL : PyContextVar_New("autograd", outside);
    Py_XDECREF(outside);
    recording = (Recording *)recording_make();
    if (context_variable == NULL || recording == NULL || PyModule_AddObjectRef(module, "context", context_variable) < 0
        || PyModule_AddObjectRef(module, "recording", (PyObject *)recording) < 0)
        return -1;
    for (int i = 0; i < CODES; i++) {
        PyObject *code = PyLong_FromLong(i);
        int added = code == NULL ? -1 : PyDict_SetItemString(codes, code_names[i], code);
        Py_XDECREF(code);
        if (added < 0)
            return -1;
    }
    return PyModule_AddObjectRef(module, "CODES", codes) < 0 ? -1 : PyModule_AddIntConstant(module, "ABI", ABI);
}

/* The engine's state is static, so the module is initialised once per process, in the main interpreter. */
static int
fill(PyObject *module)
{
    static int taken;
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "the compiled engine runs in the main interpreter only");
        return -1;
    }
    if (taken) {
        PyErr_SetString(PyExc_ImportError, "the compiled engine belongs to an earlier import of autograd in this process");
        return -1;
    }
    taken = 1;
    PyObject *codes = PyDict_New();
    int added = add_parts(module, codes);
    Py_XDECREF(codes);
    return added;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL}
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "core",
    .m_doc = "The compiled engine.",
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit_core(void)
{
    return PyModuleDef_Init(&module);
}
