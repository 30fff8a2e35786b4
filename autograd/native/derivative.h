/* The reverse loop on Values, as a function of the module core. */

#ifndef DERIVATIVE_H
#define DERIVATIVE_H

#include <Python.h>

PyObject *record_reverse(PyObject *module, PyObject *args);

#endif
