/* The Python module log_replay._speedups.functions. */
#include <stdlib.h>

#include "speedups.h"

/* From Python 3.14 on, a tuple has its hash, which only tuple.__new__ initialises. */
#define FIRST_VERSION_WITH_HASHES 0x030E0000
/* Number of items that with_room() makes room for at first. */
#define SMALLEST_SPACE 64

/* Set the items of a tuple that was created for them, or release them if that failed, or if an item is NULL. Return the tuple,
 * or NULL.
 */
static PyObject *
with_items(PyObject *created, int count, PyObject *const *items)
{
    bool complete = created != NULL;
    for (int i = 0; i < count; i++) {
        complete = complete && items[i];
        if (created) {
            PyTuple_SetItem(created, i, items[i]);
        }
        else {
            Py_XDECREF(items[i]);
        }
    }
    if (!complete) {
        Py_CLEAR(created);
    }
    return created;
}

PyObject *
new_tuple(int count, PyObject *const *items)
{
    return with_items(PyTuple_New(count), count, items);
}

PyObject *
new_named_tuple(PyObject *type, int count, PyObject *const *items)
{
    if (!PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, &PyTuple_Type)) {
        PyErr_SetString(PyExc_TypeError, "not a named tuple class");
        return with_items(NULL, count, items);
    }
    if (Py_Version < FIRST_VERSION_WITH_HASHES) {
        /* This takes a third of the time. */
        return with_items(PyType_GenericAlloc((PyTypeObject *)type, count), count, items);
    }
    PyObject *plain = new_tuple(count, items), *created = NULL;
    if (plain) {
        newfunc tuple_new = (newfunc)PyType_GetSlot(&PyTuple_Type, Py_tp_new);
        PyObject *arguments = PyTuple_Pack(1, plain);
        created = arguments ? tuple_new((PyTypeObject *)type, arguments, NULL) : NULL;
        Py_XDECREF(arguments);
    }
    Py_XDECREF(plain);
    return created;
}

int
add_count(PyObject *counts, PyObject *key, Py_ssize_t number)
{
    if (!key) {
        return -1;
    }
    int done = -1;
    PyObject *before = PyDict_GetItemWithError(counts, key);
    if (before || !PyErr_Occurred()) {
        PyObject *count = PyLong_FromSsize_t(number + (before ? PyLong_AsSsize_t(before) : 0));
        if (count) {
            done = PyDict_SetItem(counts, key, count);
            Py_DECREF(count);
        }
    }
    Py_DECREF(key);
    return done;
}

void *
with_room(void *items, size_t used, size_t *space, size_t item_size)
{
    if (used < *space) {
        return items;
    }
    size_t larger_space = *space ? 2 * *space : SMALLEST_SPACE;
    void *larger = realloc(items, larger_space * item_size);
    if (larger) {
        *space = larger_space;
    }
    return larger;
}

#define FAST(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL

/* inspect.signature() reads the signature before the "--". */
static PyMethodDef methods[] = {
    {"classify_lines", FAST(classify_lines),
     "classify_lines(text, names, level)\n--\n\n"
     "Classify the lines of a text, and scan them unless the level is None."},
    {"read_event", FAST(read_event),
     "read_event(LOADS, EVENT, POSITION, object, text, begin, end, start, username_first)\n--\n\n"
     "Read the event in a plain line. Return None if the twin must read it."},
    {"xapi_statement", FAST(xapi_statement),
     "xapi_statement(template, STATEMENT, fields, name, fragments)\n--\n\n"
     "Build an xAPI statement. Return None if the twin must build it."},
    {"caliper_statement", FAST(caliper_statement),
     "caliper_statement(template, STATEMENT, line, fields, external_id, extensions, object)\n--\n\n"
     "Build the envelope of a Caliper event. Return None if the twin must build it."},
    {"scan_lines", FAST(scan_lines),
     "scan_lines(text, level)\n--\n\n"
     "Read the time of each line of a text, and take a sample of the lines."},
    {"count_statements", FAST(count_statements),
     "count_statements(noted, verb_key, threshold)\n--\n\n"
     "Count the statements of events by hour and verb, and their bytes."},
    {"new_tally", FAST(new_tally),
     "new_tally(verb_key, threshold)\n--\n\n"
     "Return a tally, to which transform_line adds the events that it transforms or rejects."},
    {"count_tally", FAST(count_tally),
     "count_tally(tally)\n--\n\n"
     "Return what a tally has counted. It cannot be used again."},
    {"pack_events", FAST(pack_events),
     "pack_events(events)\n--\n\n"
     "Pack the events of a block into columns, and their statements into lines. Return None if the twin must do it."},
    {"transform_line", FAST(transform_line),
     "transform_line(TRANSFORMED_EVENT, REJECTED, POSITION, STATEMENT, recipes, object, text, begin, end, start, noted)\n--\n\n"
     "Transform the event in a line, or reject it. Return its user and course if they must be looked up\n"
     "first, or None if the twin must transform it."},
    {NULL, NULL, 0, NULL},
};

static int
intern_keys(PyObject *module)
{
    Keys *keys = PyModule_GetState(module);
#define KEY(key)                                                                                                       \
    keys->key = PyUnicode_InternFromString(#key);                                                                      \
    if (!keys->key) {                                                                                                  \
        return -1;                                                                                                     \
    }
    KEYS(KEY)
#undef KEY
    return 0;
}

/* Add the field names of one layout. Return 0, or -1 on an error. */
static int
add_layout(PyObject *layouts, const char *name, int count, const char *const *fields)
{
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; i < count && tuple; i++) {
        PyObject *field = PyUnicode_FromString(fields[i]);
        if (!field) {
            Py_CLEAR(tuple);
        }
        else {
            PyTuple_SetItem(tuple, i, field);
        }
    }
    int failed = tuple ? PyDict_SetItemString(layouts, name, tuple) : -1;
    Py_XDECREF(tuple);
    return failed;
}

/* Add LAYOUTS, a dict of the field names by class name. Return 0, or -1 on an error. */
static int
add_layouts(PyObject *module)
{
    PyObject *layouts = PyDict_New();
    int failed = layouts ? 0 : -1;
#define NAME(layout, field) #field,
#define ADD(layout, FIELDS)                                                                                            \
    if (!failed) {                                                                                                     \
        static const char *const names[] = {FIELDS(NAME)};                                                             \
        failed = add_layout(layouts, #layout, layout##_count, names);                                                  \
    }
    LAYOUTS(ADD)
#undef ADD
#undef NAME
    failed = failed ? failed : PyModule_AddObjectRef(module, "LAYOUTS", layouts);
    Py_XDECREF(layouts);
    return failed;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, intern_keys}, {Py_mod_exec, add_layouts}, {0, NULL}};

/* The keys are never freed: the module is kept until the process ends. */
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "functions", NULL, sizeof(Keys), methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_functions(void)
{
    return PyModuleDef_Init(&definition);
}
