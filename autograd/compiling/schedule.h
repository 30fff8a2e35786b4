/* Scheduling: steps of one operation side by side, and a slot for every entry. */

#ifndef SCHEDULE_H
#define SCHEDULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern const char assemble_doc[];
PyObject *assemble(PyObject *module, PyObject *args);

#endif
