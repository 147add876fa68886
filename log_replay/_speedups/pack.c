/* Pack the events of a block for their way to another process: a few large columns instead of thousands of small objects.
 * pack_events is the twin of the Python function of this name in pipeline/workers/codec.py.
 */
#include <stdlib.h>

#include "speedups.h"

/* A column of numbers. */
typedef struct {
    PyObject *bytes;
    int64_t *numbers;
} Numbers;

/* What the columns are made of. */
typedef struct {
    PyObject *names;
    PyObject *routes; /* None as long as all events have all routes */
    Numbers offsets;
    Numbers statements_per_event;
    Span (*statements)[Statement_count]; /* the id, timestamp and text of each statement */
    Py_ssize_t count;                    /* of statements */
    size_t space;
} Events;

/* Return a new column for this many numbers; its bytes are NULL on an error. */
static Numbers
new_numbers(Py_ssize_t count)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(int64_t));
    return (Numbers){bytes, bytes ? (int64_t *)PyBytes_AsString(bytes) : NULL};
}

/* Set span to a string's characters. Return 1 if it is ASCII, 0 if it is not, and -1 on an error. */
static int
ascii_span(PyObject *string, Span *span)
{
    Py_ssize_t length, characters = string ? PyUnicode_GetLength(string) : -1;
    if (characters < 0) {
        return -1;
    }
    span->begin = PyUnicode_AsUTF8AndSize(string, &length);
    if (!span->begin) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            return -1;
        }
        PyErr_Clear(); /* half of a pair of surrogates */
        return 0;
    }
    span->end = span->begin + length;
    return length == characters;
}

/* Add a statement; otherwise like ascii_span. */
static int
add_statement(Events *events, PyObject *statement)
{
    void *statements = with_room(events->statements, (size_t)events->count, &events->space, sizeof(*events->statements));
    if (!statements) {
        PyErr_NoMemory();
        return -1;
    }
    events->statements = statements;
    Span *spans = events->statements[events->count++];
    PyObject *text = PyTuple_GetItem(statement, Statement_text);
    Py_ssize_t length;
    char *begin;
    if (!text || PyBytes_AsStringAndSize(text, &begin, &length) < 0) {
        return -1;
    }
    spans[Statement_text] = (Span){begin, begin + length};
    int is_ascii = ascii_span(PyTuple_GetItem(statement, Statement_id), &spans[Statement_id]);
    return is_ascii <= 0 ? is_ascii : ascii_span(PyTuple_GetItem(statement, Statement_timestamp), &spans[Statement_timestamp]);
}

/* Set the routes of an event. Return 0, or -1 on an error. */
static int
set_routes(Events *events, Py_ssize_t index, Py_ssize_t count, PyObject *routes)
{
    if (events->routes == Py_None) {
        if (routes == Py_None) {
            return 0;
        }
        PyObject *list = PyList_New(count);
        for (Py_ssize_t i = 0; i < count && list; i++) {
            PyList_SetItem(list, i, Py_NewRef(Py_None));
        }
        if (!list) {
            return -1;
        }
        Py_DECREF(events->routes);
        events->routes = list;
    }
    return PyList_SetItem(events->routes, index, Py_NewRef(routes));
}

/* Add all events; otherwise like ascii_span. */
static int
add_events(Events *events, PyObject *list)
{
    Py_ssize_t count = PyList_Size(list);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *event = PyList_GetItem(list, i);
        PyObject *position = PyTuple_GetItem(event, TransformedEvent_position);
        PyObject *name = PyTuple_GetItem(event, TransformedEvent_name);
        PyObject *statements = PyTuple_GetItem(event, TransformedEvent_statements);
        PyObject *routes = PyTuple_GetItem(event, TransformedEvent_routes);
        PyObject *offset = position ? PyTuple_GetItem(position, Position_offset) : NULL;
        Py_ssize_t statement_count = statements ? PyTuple_Size(statements) : -1;
        if (!name || !routes || !offset || statement_count < 0 || set_routes(events, i, count, routes) < 0) {
            return -1;
        }
        events->offsets.numbers[i] = PyLong_AsLongLong(offset);
        if (events->offsets.numbers[i] == -1 && PyErr_Occurred()) {
            return -1;
        }
        events->statements_per_event.numbers[i] = statement_count;
        PyList_SetItem(events->names, i, Py_NewRef(name));
        for (Py_ssize_t j = 0; j < statement_count; j++) {
            int is_ascii = add_statement(events, PyTuple_GetItem(statements, j));
            if (is_ascii <= 0) {
                return is_ascii;
            }
        }
    }
    return 1;
}

/* Return one field of all statements, each followed by a line end if they are to be lines; NULL on an error. Set lengths to the
 * length of each, unless it is NULL.
 */
static PyObject *
joined_field(const Events *events, int field, bool as_lines, int64_t *lengths)
{
    Py_ssize_t size = as_lines ? events->count : 0;
    for (Py_ssize_t i = 0; i < events->count; i++) {
        size += events->statements[i][field].end - events->statements[i][field].begin;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    char *at = bytes ? PyBytes_AsString(bytes) : NULL;
    for (Py_ssize_t i = 0; i < events->count && at; i++) {
        const Span span = events->statements[i][field];
        size_t length = (size_t)(span.end - span.begin);
        memcpy(at, span.begin, length);
        at += length;
        if (as_lines) {
            *at++ = '\n';
        }
        if (lengths) {
            lengths[i] = (int64_t)length;
        }
    }
    return bytes;
}

/* Set joined to one text field of all statements, and lengths to the length of each. At least joined is NULL on an error. */
static void
text_columns(const Events *events, int field, PyObject **joined, PyObject **lengths)
{
    Numbers numbers = new_numbers(events->count);
    *joined = numbers.bytes ? joined_field(events, field, false, numbers.numbers) : NULL;
    *lengths = numbers.bytes;
}

/* Return the columns and the lines, or NULL on an error. Take over the references of events. */
static PyObject *
columns_and_lines(const Events *events)
{
    PyObject *ids, *id_lengths, *timestamps, *timestamp_lengths;
    text_columns(events, Statement_id, &ids, &id_lengths);
    text_columns(events, Statement_timestamp, &timestamps, &timestamp_lengths);
    PyObject *const columns[PackedColumns_count] = {
        [PackedColumns_offsets] = events->offsets.bytes,
        [PackedColumns_names] = events->names,
        [PackedColumns_routes] = events->routes,
        [PackedColumns_statements_per_event] = events->statements_per_event.bytes,
        [PackedColumns_ids] = ids,
        [PackedColumns_id_lengths] = id_lengths,
        [PackedColumns_timestamps] = timestamps,
        [PackedColumns_timestamp_lengths] = timestamp_lengths,
    };
    PyObject *const both[] = {
        new_tuple(PackedColumns_count, columns),
        joined_field(events, Statement_text, true, NULL),
    };
    return new_tuple(2, both);
}

PyObject *
pack_events(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 1 || !PyList_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "pack_events takes a list");
        return NULL;
    }
    Py_ssize_t size = PyList_Size(arguments[0]);
    Events events = {
        .names = PyList_New(size),
        .routes = Py_NewRef(Py_None),
        .offsets = new_numbers(size),
        .statements_per_event = new_numbers(size),
        .statements = malloc((size_t)(size + 1) * sizeof(*events.statements)),
        .space = (size_t)size + 1,
    };
    PyObject *packed;
    bool has_memory = events.names && events.offsets.bytes && events.statements_per_event.bytes && events.statements;
    int is_ascii = has_memory ? add_events(&events, arguments[0]) : -1;
    if (!events.statements) {
        PyErr_NoMemory();
    }
    if (is_ascii > 0) {
        packed = columns_and_lines(&events);
    }
    else {
        packed = is_ascii ? NULL : Py_NewRef(Py_None);
        Py_XDECREF(events.names);
        Py_XDECREF(events.routes);
        Py_XDECREF(events.offsets.bytes);
        Py_XDECREF(events.statements_per_event.bytes);
    }
    free(events.statements);
    return packed;
}
