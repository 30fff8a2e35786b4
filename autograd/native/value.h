/* The type Value: its operators, and Value(data, label). */

#ifndef VALUE_H
#define VALUE_H

#include "row.h"

/* The rows that operators record. */
enum { ROW_ADD, ROW_SUB, ROW_MUL, ROW_DIV, ROW_POW, ROW_NEG, ROW_ABS, ROW_RECIPROCAL, ROWS };
INTERNAL extern const char *const row_names[ROWS];
INTERNAL extern Row *rows[ROWS];
INTERNAL extern PyObject *comparisons; /* functions of value.py for < <= == != > >=, in the order of Py_LT … Py_GE */
INTERNAL extern PyObject *initialise;  /* Value.__init__ of value.py */

INTERNAL extern PyType_Spec value_spec;
PyObject *value_make(PyObject *type, PyObject *const *args, size_t flags, PyObject *names); /* Value(number, label) */

#endif
