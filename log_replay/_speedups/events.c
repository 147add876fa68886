/* read_event, the twin of events/__init__.py's read_event. */
#include "speedups.h"

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

/* Find the value of the first of two keys that has a true value in a dict, as a borrowed reference, or None. Anything but a
 * dict has none. Return 1 if the value is true, 0 if not, or -1 on an error.
 */
static int
find_in(PyObject *section, PyObject *const *order, PyObject **user)
{
    *user = Py_None;
    for (int i = 0; i < 2 && section && PyDict_Check(section); i++) {
        PyObject *value = get(section, order[i]);
        int named = value ? PyObject_IsTrue(value) : PyErr_Occurred() ? -1 : 0;
        *user = value ? value : Py_None;
        if (named) {
            return named;
        }
    }
    return 0;
}

/* Do the same in all dicts of an event. Return 2 if it is nested too deep. */
static int
find_anywhere(PyObject *fields, PyObject *const *order, PyObject **user)
{
    for (int i = 0; i < 2; i++) {
        int failed = first(fields, order[i], user);
        if (failed) {
            return failed < 0 ? -1 : 2;
        }
        int named = PyObject_IsTrue(*user);
        if (named) {
            return named;
        }
    }
    return 0;
}

/* Find the user of an event, as a borrowed reference; see subjects.py's user_of. Return the same as first_below. */
static int
user_of(const Keys *keys, PyObject *fields, PyObject *data, bool username_first, PyObject **user)
{
    PyObject *const username_then_id[] = {keys->username, keys->user_id};
    PyObject *const id_then_username[] = {keys->user_id, keys->username};
    int found;
    if (username_first) {
        found = find_anywhere(fields, username_then_id, user);
        if (!found) {
            found = find_in(data, username_then_id, user);
        }
        if (!found) {
            PyObject *context = get(fields, keys->context);
            found = PyErr_Occurred() ? -1 : find_in(context, username_then_id, user);
        }
    }
    else {
        found = find_in(data, id_then_username, user);
        if (!found) {
            found = find_anywhere(fields, id_then_username, user);
        }
    }
    return found < 0 ? -1 : found == 2;
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
complete(
    const Keys *keys, PyObject *loads, bool username_first, PyObject *fields, PyObject **name, PyObject **user,
    PyObject **course)
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
    failed = user_of(keys, fields, data, username_first, user);
    return failed < 0 ? -1 : !failed;
}

/* Return the JSON in a line of a text, as bytes; NULL if the twin must look for it, or on an error. It is all from the first
 * brace to the last one: lines may have a prefix of the LMS's logger, and a carriage return.
 */
static PyObject *
copy_json(PyObject *text, Py_ssize_t begin, Py_ssize_t end)
{
    Py_buffer buffer;
    PyObject *json = NULL;
    if (PyObject_GetBuffer(text, &buffer, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    if (0 <= begin && begin <= end && end <= buffer.len) {
        const char *line = (const char *)buffer.buf + begin, *line_end = (const char *)buffer.buf + end;
        const char *brace = begin < end ? memchr(line, '{', (size_t)(end - begin)) : NULL;
        while (brace && line_end > brace && is_white_space(line_end[-1])) {
            line_end--;
        }
        if (brace && line_end[-1] == '}') {
            json = PyBytes_FromStringAndSize(brace, line_end - brace);
        }
    }
    else {
        PyErr_SetString(PyExc_ValueError, "the line is not within the text");
    }
    PyBuffer_Release(&buffer);
    return json;
}

PyObject *
read_event(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 9) {
        PyErr_SetString(PyExc_TypeError, "read_event takes nine arguments");
        return NULL;
    }
    PyObject *loads = arguments[0], *object = arguments[3];
    Py_ssize_t begin = PyLong_AsSsize_t(arguments[5]), end = PyLong_AsSsize_t(arguments[6]);
    long long start = PyLong_AsLongLong(arguments[7]);
    bool username_first = arguments[8] == Py_True;
    PyObject *json = PyErr_Occurred() ? NULL : copy_json(arguments[4], begin, end);
    PyObject *fields = json ? load(loads, json) : NULL;
    PyObject *name, *user, *course, *event = NULL;
    int done = PyErr_Occurred() ? -1 : 0;
    if (fields && PyDict_Check(fields)) {
        done = complete(PyModule_GetState(module), loads, username_first, fields, &name, &user, &course);
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
            [Event_json_text] = Py_NewRef(json),
            [Event_user] = Py_NewRef(user),
            [Event_course_id] = Py_NewRef(course ? course : Py_None),
        };
        event = new_named_tuple(arguments[1], Event_count, items);
    }
    Py_XDECREF(fields);
    Py_XDECREF(json);
    return event || done ? event : Py_NewRef(Py_None);
}
