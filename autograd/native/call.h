/* The call of a gate, exp(x) or dot(w, x, bias). */

#ifndef CALL_H
#define CALL_H

#include "node.h"

INTERNAL extern PyTypeObject *call_type;
INTERNAL extern PyType_Spec call_spec;
INTERNAL extern PyObject *record_name, *arrange_name; /* "record", "arrange" */
INTERNAL extern PyObject *dot_arrange;                /* `arrange` of the gate dot */

#endif
