/* How a node is made whole: from its origin and all its inputs. */

#ifndef RESTORE_H
#define RESTORE_H

#include <Python.h>

/* Of core.c's functions. */
PyObject *restore(PyObject *module, PyObject *args);
PyObject *record_output(PyObject *module, PyObject *args);

#endif
