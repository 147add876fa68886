/* Statements about problem_check events; see statements/native/xapi/problem_check.py. */
#ifndef PROBLEMS_H
#define PROBLEMS_H

#include "steps.h"

/* Return the statements of an event in a tuple; NULL if Python must transform it, or on an error. time_rejection is the
 * rejection for the event's time, or NULL.
 */
PyObject *problem_statements(
    const Keys *keys, Line *line, PyObject *texts, PyObject *time_rejection, PyObject *type);

#endif
