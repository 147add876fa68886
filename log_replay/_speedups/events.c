/* read_event, the twin of events/__init__.py's read_event. */
#include "speedups.h"

/* As in subjects.py. */
#define MAX_DEPTH 50

/* Return true for a dict that is not empty. */
static bool
is_parent(PyObject *value)
{
    return PyDict_Check(value) && PyDict_Size(value) > 0;
}

/* Find the value of the first such key in the dicts within a dict; see subjects.py. It is a borrowed reference, or NULL if
 * there is none. Return 0, 1 if the event is nested too deep, or -1 on an error.
 */
static int
first_below(PyObject *parent, PyObject *key, int depth, PyObject **found)
{
    PyObject *value;
    Py_ssize_t at = 0;
    *found = NULL;
    if (depth > MAX_DEPTH) {
        return 1;
    }
    while (PyDict_Next(parent, &at, NULL, &value)) {
        if (is_parent(value)) {
            int failed = 0;
            *found = get(value, key);
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

/* Find the value of the first such key, as a borrowed reference, or None. Return the same as first_below. */
static int
first(PyObject *fields, PyObject *key, PyObject **found)
{
    *found = get(fields, key);
    int failed = *found ? 0 : PyErr_Occurred() ? -1 : first_below(fields, key, 0, found);
    if (!*found) {
        *found = Py_None;
    }
    return failed;
}

/* Find the user of an event, as a borrowed reference; see subjects.py's user_of. Return the same as first_below. */
static int
user_of(const Keys *keys, PyObject *fields, PyObject *data, PyObject **user)
{
    PyObject *const user_keys[] = {keys->user_id, keys->username};
    for (int i = 0; i < 2 && PyDict_Check(data); i++) {
        *user = get(data, user_keys[i]);
        int named = *user ? PyObject_IsTrue(*user) : PyErr_Occurred() ? -1 : 0;
        if (named) {
            return named < 0 ? -1 : 0;
        }
    }
    for (int i = 0; i < 2; i++) {
        int failed = first(fields, user_keys[i], user);
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

/* Return the value of JSON, or NULL. If the text may not be JSON, no error is set: the twin must decide. */
static PyObject *
load(PyObject *loads, PyObject *text)
{
    PyObject *loaded = PyObject_CallFunctionObjArgs(loads, text, NULL);
    if (!loaded && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
    }
    return loaded;
}

/* Return 1 if the first character of a text may begin JSON, 0 if not, -1 on an error. */
static int
starts_as_json(PyObject *text)
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

/* Add data and timestamp to the fields of an event, and find its name, user and course, as borrowed references. Return 1, 0
 * if the twin must decide, or -1 on an error.
 */
static int
complete(const Keys *keys, PyObject *loads, PyObject *fields, PyObject **name, PyObject **user, PyObject **course)
{
    PyObject *data = get(fields, keys->event);
    if (!data) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int nested = PyUnicode_Check(data) ? starts_as_json(data) : 0;
    if (nested < 0) {
        return -1;
    }
    data = nested ? load(loads, data) : Py_NewRef(data);
    if (!data) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int failed = PyDict_SetItem(fields, keys->data, data);
    Py_DECREF(data); /* the fields keep it */
    if (!failed && !get(fields, keys->timestamp)) {
        PyObject *time = PyErr_Occurred() ? NULL : get(fields, keys->time);
        failed = time ? PyDict_SetItem(fields, keys->timestamp, time) : PyErr_Occurred() ? -1 : 0;
    }
    if (failed) {
        return -1;
    }
    *name = get(fields, keys->name);
    PyObject *context = PyErr_Occurred() ? NULL : get(fields, keys->context);
    *course = context && PyDict_Check(context) ? get(context, keys->course_id) : NULL;
    if (PyErr_Occurred()) {
        return -1;
    }
    failed = user_of(keys, fields, data, user);
    return failed < 0 ? -1 : !failed;
}

/* Return the bytes of a line in a text, or NULL on an error. */
static PyObject *
copy_line(PyObject *text, Py_ssize_t begin, Py_ssize_t end)
{
    Py_buffer buffer;
    PyObject *line = NULL;
    if (PyObject_GetBuffer(text, &buffer, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    if (0 <= begin && begin <= end && end <= buffer.len) {
        line = PyBytes_FromStringAndSize((const char *)buffer.buf + begin, end - begin);
    }
    else {
        PyErr_SetString(PyExc_ValueError, "the line is not within the text");
    }
    PyBuffer_Release(&buffer);
    return line;
}

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
    PyObject *line = PyErr_Occurred() ? NULL : copy_line(arguments[4], begin, end);
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
        PyObject *const position[Position_count] = {
            [Position_object] = Py_NewRef(object),
            [Position_offset] = PyLong_FromLongLong(start + begin),
        };
        PyObject *const items[Event_count] = {
            [Event_position] = new_named_tuple(arguments[2], Position_count, position),
            [Event_name] = name && PyUnicode_Check(name) ? Py_NewRef(name) : PyUnicode_FromStringAndSize(NULL, 0),
            [Event_fields] = Py_NewRef(fields),
            [Event_json_text] = Py_NewRef(line),
            [Event_user] = Py_NewRef(user),
            [Event_course_id] = Py_NewRef(course ? course : Py_None),
        };
        event = new_named_tuple(arguments[1], Event_count, items);
    }
    Py_XDECREF(fields);
    Py_DECREF(line);
    return event || done ? event : Py_NewRef(Py_None);
}
