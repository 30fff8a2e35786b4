/* The compiled engine: the parts of the Python engine that every node passes through, with C types.

   The Python files stay the whole of the engine and say what it does; each part here has its twin there, named beside
   it, and gives the same numbers to the last bit. No derivative is written here: they come from the table, as tapes. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <string.h>

/* a*b + c in two roundings, as Python does it; gcc is told by -ffp-contract=off. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

#include "tape.h"
#include "node.h"
#include "row.h"
#include "record.h"
#include "pull.h"
#include "walk.h"
#include "operators.h"
#include "call.h"
#include "scope.h"

/* install(roles, operand, init, data, arrange): what value.py holds: (INPUT, PARAMETER, CONSTANT), operand(), __init__ and
   the property `data` of Value, and how dot puts its inputs. */
static PyObject *
install(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *roles[3], *operand, *init, *data, *arrange;
    if (!PyArg_ParseTuple(args, "(OOO)OOOO", roles, roles + 1, roles + 2, &operand, &init, &data, &arrange))
        return NULL;
    for (int i = 0; i < 3; i++) {
        Row *row = (Row *)PyObject_CallOneArg((PyObject *)&Row_Type, roles[i]);
        if (row == NULL)
            return NULL;
        Py_XSETREF(role_rows[i], row);
    }
    constant_row = role_rows[2];
    Py_XSETREF(operand_function, as_object(operand));
    Py_XSETREF(initialise, as_object(init));
    value_type->tp_vectorcall = value_make;
    Py_XSETREF(data_property, as_object(data));
    Py_XSETREF(dot_arrange, as_object(arrange));
    Py_RETURN_NONE;
}

/* install_operators(gates, comparisons): the table, and functions for < <= == != > >=. */
static PyObject *
install_operators(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *gates, *compare;
    if (!PyArg_ParseTuple(args, "O!O!", &PyDict_Type, &gates, &PyTuple_Type, &compare))
        return NULL;
    for (int i = 0; i < ROWS; i++) {
        PyObject *gate = PyDict_GetItemString(gates, row_names[i]);
        PyObject *row = gate == NULL ? NULL : PyObject_GetAttrString(gate, "record");
        int fits = row != NULL && Py_IS_TYPE(row, &Row_Type) && ((Row *)row)->forward != NULL
                   && ((Row *)row)->inputs == (i < ROW_NEG ? 2 : 1);
        if (!fits) {
            PyErr_Format(PyExc_TypeError, "the operators need the gate %s", row_names[i]);
            Py_XDECREF(row);
            return NULL;
        }
        Py_XSETREF(rows[i], (Row *)row);
    }
    Py_XSETREF(comparisons, as_object(compare));
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"install", install, METH_VARARGS, NULL},
    {"install_operators", install_operators, METH_VARARGS, NULL},
    {"sweep", sweep, METH_O, NULL},
    {"stale_edge", stale_edge, METH_O, NULL},
    {"keep", keep, METH_O, NULL},
    {"tick", tick, METH_NOARGS, NULL},
    {"trim", trim, METH_NOARGS, NULL},
    {NULL}
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "core", "The compiled engine.", -1, functions, NULL, NULL, NULL, NULL
};

PyMODINIT_FUNC
PyInit_core(void)
{
    PyTypeObject *types[] = {&Row_Type, &Tape_Type, &Walk_Type, &Recording_Type, &Call_Type};
    PyObject *core = PyModule_Create(&module), *codes = PyDict_New();
    record_name = PyUnicode_InternFromString("record");
    arrange_name = PyUnicode_InternFromString("arrange");
    int failed = core == NULL || codes == NULL || record_name == NULL || arrange_name == NULL;
    for (PyType_Slot *slot = value_slots; slot->slot; slot++)
        if (slot->slot == Py_tp_hash)
            slot->pfunc = (void *)PyBaseObject_Type.tp_hash; /* equality is identity */
    value_type = (PyTypeObject *)PyType_FromSpec(&value_spec);
    failed = failed || value_type == NULL || PyModule_AddType(core, value_type) < 0;
    scope_type = (PyTypeObject *)PyType_FromSpec(&scope_spec);
    if (scope_type != NULL)
        scope_type->tp_vectorcall = scope_make;
    failed = failed || scope_type == NULL || PyModule_AddType(core, scope_type) < 0;
    for (int i = 0; !failed && i < 5; i++)
        failed = PyModule_AddType(core, types[i]) < 0;
    for (int i = 0; !failed && i < CODES; i++) {
        PyObject *code = PyLong_FromLong(i);
        failed = code == NULL || PyDict_SetItemString(codes, code_names[i], code) < 0;
        Py_XDECREF(code);
    }
    failed = failed || PyModule_AddStringConstant(core, "SOURCE", SOURCE) < 0;
    if (failed || PyModule_AddObject(core, "CODES", codes) < 0) {
        Py_XDECREF(core);
        Py_XDECREF(codes);
        return NULL;
    }
    return core;
}
