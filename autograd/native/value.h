/* The type Value: its operators, and how one is made. */

#ifndef VALUE_H
#define VALUE_H

#include "row.h"

/* The rows that operators record. */
enum { ROW_ADD, ROW_SUB, ROW_MUL, ROW_DIV, ROW_POW, ROW_NEG, ROW_ABS, ROW_RECIPROCAL, ROWS };
INTERNAL extern const char *const row_names[ROWS];
INTERNAL extern Row *rows[ROWS];
INTERNAL extern PyObject *comparisons; /* value.py's functions for < <= == != > >=, in Python's order */
INTERNAL extern PyObject *initialise;  /* value.py's __init__ */

INTERNAL extern PyType_Spec value_spec;
PyObject *value_make(PyObject *type, PyObject *const *args, size_t flags, PyObject *names); /* Value(number, label) */

#endif
