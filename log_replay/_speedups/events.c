/* ``read_event`` is ``events.parse_event`` for plain lines. */
#include "speedups.h"

/* subjects.py's MAX_DEPTH */
#define MAX_DEPTH 50

static bool
is_branch(PyObject *value)
{
    return PyDict_Check(value) && PyDict_Size(value) > 0;
}

/* Find what the first such key below a branch says, borrowed, NULL for nothing; see subjects.py. Return 0, 1 if it lies
 * too deep, or -1 on an error. */
static int
first_below(PyObject *branch, PyObject *key, int depth, PyObject **found)
{
    PyObject *value;
    Py_ssize_t at = 0;
    *found = NULL;
    if (depth > MAX_DEPTH) {
        return 1;
    }
    while (PyDict_Next(branch, &at, NULL, &value)) {
        if (is_branch(value)) {
            int failed = 0;
            *found = look(value, key);
            if (!*found) {
                failed = PyErr_Occurred() ? -1 : first_below(value, key, depth + 1, found);
            }
            if (failed) {
                return failed;
            }
            if (*found && *found != Py_None) {
                return 0;
            }
        }
    }
    *found = NULL;
    return 0;
}

/* Find what the first such key says, borrowed, None for nothing. Return as first_below. */
static int
first(PyObject *fields, PyObject *key, PyObject **found)
{
    *found = look(fields, key);
    int failed = *found ? 0 : PyErr_Occurred() ? -1 : first_below(fields, key, 0, found);
    if (!*found) {
        *found = Py_None;
    }
    return failed;
}

/* Find whom an event is about, borrowed; see subjects.py's user_of. Return as first_below. */
static int
user_of(const Keys *keys, PyObject *fields, PyObject *data, PyObject **user)
{
    PyObject *const transform_paths[] = {keys->user_id, keys->username};
    for (int i = 0; i < 2 && PyDict_Check(data); i++) {
        *user = look(data, transform_paths[i]);
        int named = *user ? PyObject_IsTrue(*user) : PyErr_Occurred() ? -1 : 0;
        if (named) {
            return named < 0 ? -1 : 0;
        }
    }
    for (int i = 0; i < 2; i++) {
        int failed = first(fields, transform_paths[i], user);
        int named = failed ? 0 : PyObject_IsTrue(*user);
        if (failed || named < 0) {
            return failed ? failed : -1;
        }
        if (named) {
            return 0;
        }
    }
    return 0;
}

/* Return what a text holds as JSON, or NULL, without an error if it may be something else: then Python decides. */
static PyObject *
load(PyObject *loads, PyObject *text)
{
    PyObject *loaded = PyObject_CallFunctionObjArgs(loads, text, NULL);
    if (!loaded && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
    }
    return loaded;
}

/* Return 1 if a text begins as JSON may, 0 if not, -1 on an error. */
static int
begins_as_json(PyObject *text)
{
    Py_ssize_t length = PyUnicode_GetLength(text);
    for (Py_ssize_t at = 0; at < length; at++) {
        Py_UCS4 c = PyUnicode_ReadChar(text, at);
        if (c == (Py_UCS4)-1 && PyErr_Occurred()) {
            return -1;
        }
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            return c && c < 128 && strchr("{[\"-0123456789tfnNI", (int)c);
        }
    }
    return 0;
}

/* Complete what a line says, and find what of it an event has by itself: its name, its user, its course. Return 1, or 0
 * if Python decides, or -1 on an error.
 */
static int
complete(const Keys *keys, PyObject *loads, PyObject *fields, PyObject **name, PyObject **user, PyObject **course)
{
    PyObject *data = look(fields, keys->event);
    if (!data) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int nested = PyUnicode_Check(data) ? begins_as_json(data) : 0;
    if (nested < 0) {
        return -1;
    }
    data = nested ? load(loads, data) : Py_NewRef(data);
    if (!data) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int failed = PyDict_SetItem(fields, keys->data, data);
    Py_DECREF(data); /* the fields have it */
    if (!failed && !look(fields, keys->timestamp)) {
        PyObject *time = PyErr_Occurred() ? NULL : look(fields, keys->time);
        failed = time ? PyDict_SetItem(fields, keys->timestamp, time) : PyErr_Occurred() ? -1 : 0;
    }
    if (failed) {
        return -1;
    }
    *name = look(fields, keys->name);
    PyObject *context = PyErr_Occurred() ? NULL : look(fields, keys->context);
    *course = context && PyDict_Check(context) ? look(context, keys->course_id) : NULL;
    if (PyErr_Occurred()) {
        return -1;
    }
    failed = user_of(keys, fields, data, user);
    return failed < 0 ? -1 : !failed;
}

/* read_event(loads, event_type, position_type, object, text, begin, end, start) */
PyObject *
read_event(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 8) {
        PyErr_SetString(PyExc_TypeError, "read_event takes eight arguments");
        return NULL;
    }
    PyObject *loads = arguments[0], *object = arguments[3];
    Py_ssize_t begin = PyLong_AsSsize_t(arguments[5]), end = PyLong_AsSsize_t(arguments[6]);
    long long start = PyLong_AsLongLong(arguments[7]);
    Py_buffer buffer;
    if (PyErr_Occurred() || PyObject_GetBuffer(arguments[4], &buffer, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *line = NULL;
    if (0 <= begin && begin <= end && end <= buffer.len) {
        line = PyBytes_FromStringAndSize((const char *)buffer.buf + begin, end - begin);
    }
    else {
        PyErr_SetString(PyExc_ValueError, "the text has no such line");
    }
    PyBuffer_Release(&buffer);
    if (!line) {
        return NULL;
    }
    const char *text = PyBytes_AsString(line);
    PyObject *fields = begin < end && text[0] == '{' && text[end - begin - 1] == '}' ? load(loads, line) : NULL;
    PyObject *name, *user, *course, *event = NULL;
    int done = PyErr_Occurred() ? -1 : 0;
    if (fields && PyDict_Check(fields)) {
        done = complete(PyModule_GetState(module), loads, fields, &name, &user, &course);
    }
    if (done > 0) {
        PyObject *const place[] = {Py_NewRef(object), PyLong_FromLongLong(start + begin)};
        PyObject *const parts[] = {
            new_named_tuple(arguments[2], 2, place),
            name && PyUnicode_Check(name) ? Py_NewRef(name) : PyUnicode_FromStringAndSize(NULL, 0),
            Py_NewRef(fields),
            Py_NewRef(line),
            Py_NewRef(user),
            Py_NewRef(course ? course : Py_None),
        };
        event = new_named_tuple(arguments[1], 6, parts);
    }
    Py_XDECREF(fields);
    Py_DECREF(line);
    return event || done ? event : Py_NewRef(Py_None);
}
