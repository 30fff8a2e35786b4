/* The loops of backward.py over the nodes of a walk, as functions of the module core. */

#ifndef BACKWARD_H
#define BACKWARD_H

#include <Python.h>

PyObject *sweep(PyObject *module, PyObject *walk);
PyObject *stale_edge(PyObject *module, PyObject *walk);
PyObject *keep(PyObject *module, PyObject *walk);
PyObject *assign(PyObject *module, PyObject *args);

#endif
