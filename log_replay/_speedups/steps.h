/* The steps that write a statement from a line; see statements/native/recipes.py. */
#ifndef STEPS_H
#define STEPS_H

#include "json_tree.h"

/* An event, and what all its statements contain. */
typedef struct {
    const JsonTree *tree;
    const JsonTree *data_tree; /* of the event's data: the same tree, or another one if the data was JSON in a string */
    const JsonNode *context;   /* NULL if it is not an object */
    const JsonNode *data;      /* likewise */
    const JsonNode *form;      /* the data, if it is a text that is not JSON */
    Common common;
    char external_id[UUID_LENGTH]; /* of the user, unless a Python object has it */
    long long user_id; /* of the user in the LMS, once the external id is found */
    bool has_no_zone; /* the time has no zone, but is valid otherwise */
    Span id;
    PyObject *rejection; /* reason and detail, or the object that stands for an identity that is not cached; or NULL */
} Line;

/* Run one step. Return 1, 0 if Python must transform the event, or -1 on an error. If 0, the line's rejection may be set: all
 * steps before were successful, so upstream rejects the event for this reason.
 */
int run_step(Line *line, PyObject *step, Output *output);

/* Run steps; otherwise like run_step. */
int run_steps(Line *line, PyObject *steps, Output *output);

/* Return the value at a path: the number of a section, and a key. NULL if it is missing. Set declined if the section is not
 * an object.
 */
const JsonNode *value_at(const Line *line, PyObject *path, bool *declined);

#endif
