/* Pack the events of a block for their way to another process: a few large columns instead of thousands of small objects.
 * pack_events is the twin of the Python function of this name in pipeline/workers/codec.py.
 */
#include "speedups.h"

/* A column of numbers. */
typedef struct {
    PyObject *bytes;
    int64_t *numbers;
} Numbers;

/* A column of texts: all of them as one, and the length of each. */
typedef struct {
    PyObject *joined;
    char *at; /* the place of the next text */
    Numbers lengths;
} Texts;

typedef struct {
    Py_ssize_t statements;
    Py_ssize_t ids_length;
    Py_ssize_t timestamps_length;
    Py_ssize_t texts_length;
} Sizes;

/* Return a new column for this many numbers; its bytes are NULL on an error. */
static Numbers
new_numbers(Py_ssize_t count)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(int64_t));
    return (Numbers){bytes, bytes ? (int64_t *)PyBytes_AsString(bytes) : NULL};
}

/* Return a new column for this many texts of this length in all; one of its objects is NULL on an error. */
static Texts
new_texts(Py_ssize_t count, Py_ssize_t length)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, length);
    return (Texts){bytes, bytes ? PyBytes_AsString(bytes) : NULL, new_numbers(count)};
}

static void
add_text(Texts *texts, Py_ssize_t index, Span text)
{
    size_t length = (size_t)(text.end - text.begin);
    memcpy(texts->at, text.begin, length);
    texts->at += length;
    texts->lengths.numbers[index] = (int64_t)length;
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

/* Set spans to the id, the timestamp and the text of a statement; otherwise like ascii_span. */
static int
statement_spans(PyObject *statement, Span *spans)
{
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

/* Add up the sizes of the events' statements; otherwise like ascii_span. */
static int
add_sizes(PyObject *events, Sizes *sizes)
{
    Py_ssize_t count = PyList_Size(events);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *statements = PyTuple_GetItem(PyList_GetItem(events, i), TransformedEvent_statements);
        Py_ssize_t statement_count = statements ? PyTuple_Size(statements) : -1;
        if (statement_count < 0) {
            return -1;
        }
        for (Py_ssize_t j = 0; j < statement_count; j++) {
            Span spans[Statement_count];
            int is_ascii = statement_spans(PyTuple_GetItem(statements, j), spans);
            if (is_ascii <= 0) {
                return is_ascii;
            }
            sizes->ids_length += spans[Statement_id].end - spans[Statement_id].begin;
            sizes->timestamps_length += spans[Statement_timestamp].end - spans[Statement_timestamp].begin;
            sizes->texts_length += spans[Statement_text].end - spans[Statement_text].begin + 1;
        }
        sizes->statements += statement_count;
    }
    return 1;
}

typedef struct {
    PyObject *names;
    PyObject *routes;
    Numbers offsets;
    Numbers statements_per_event;
    Texts ids;
    Texts timestamps;
    PyObject *lines;
} Columns;

/* Fill the columns. The sizes are known, so all statements can be read. Return 0, or -1 on an error. */
static int
fill(PyObject *events, Columns *columns)
{
    Py_ssize_t count = PyList_Size(events), at = 0;
    char *line = PyBytes_AsString(columns->lines);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *event = PyList_GetItem(events, i);
        PyObject *position = PyTuple_GetItem(event, TransformedEvent_position);
        PyObject *name = PyTuple_GetItem(event, TransformedEvent_name);
        PyObject *statements = PyTuple_GetItem(event, TransformedEvent_statements);
        PyObject *routes = PyTuple_GetItem(event, TransformedEvent_routes);
        PyObject *offset = position ? PyTuple_GetItem(position, Position_offset) : NULL;
        long long number = offset ? PyLong_AsLongLong(offset) : -1;
        if (!name || !routes || PyErr_Occurred()) {
            return -1;
        }
        PyList_SetItem(columns->names, i, Py_NewRef(name));
        PyList_SetItem(columns->routes, i, Py_NewRef(routes));
        Py_ssize_t statement_count = PyTuple_Size(statements);
        columns->offsets.numbers[i] = number;
        columns->statements_per_event.numbers[i] = statement_count;
        for (Py_ssize_t j = 0; j < statement_count; j++, at++) {
            Span spans[Statement_count];
            if (statement_spans(PyTuple_GetItem(statements, j), spans) <= 0) {
                return -1;
            }
            add_text(&columns->ids, at, spans[Statement_id]);
            add_text(&columns->timestamps, at, spans[Statement_timestamp]);
            size_t length = (size_t)(spans[Statement_text].end - spans[Statement_text].begin);
            memcpy(line, spans[Statement_text].begin, length);
            line[length] = '\n';
            line += length + 1;
        }
    }
    return 0;
}

PyObject *
pack_events(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Sizes sizes = {0, 0, 0, 0};
    if (count != 1 || !PyList_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "pack_events takes a list");
        return NULL;
    }
    int is_ascii = add_sizes(arguments[0], &sizes);
    if (is_ascii <= 0) {
        return is_ascii ? NULL : Py_NewRef(Py_None);
    }
    Py_ssize_t events = PyList_Size(arguments[0]);
    Columns columns = {
        .names = PyList_New(events),
        .routes = PyList_New(events),
        .offsets = new_numbers(events),
        .statements_per_event = new_numbers(events),
        .ids = new_texts(sizes.statements, sizes.ids_length),
        .timestamps = new_texts(sizes.statements, sizes.timestamps_length),
        .lines = PyBytes_FromStringAndSize(NULL, sizes.texts_length),
    };
    PyObject *const items[PackedColumns_count] = {
        [PackedColumns_offsets] = columns.offsets.bytes,
        [PackedColumns_names] = columns.names,
        [PackedColumns_routes] = columns.routes,
        [PackedColumns_statements_per_event] = columns.statements_per_event.bytes,
        [PackedColumns_ids] = columns.ids.joined,
        [PackedColumns_id_lengths] = columns.ids.lengths.bytes,
        [PackedColumns_timestamps] = columns.timestamps.joined,
        [PackedColumns_timestamp_lengths] = columns.timestamps.lengths.bytes,
    };
    PyObject *packed = new_tuple(PackedColumns_count, items);
    if (packed && (!columns.lines || fill(arguments[0], &columns) < 0)) {
        Py_CLEAR(packed);
    }
    if (!packed) {
        Py_XDECREF(columns.lines);
        return NULL;
    }
    PyObject *const both[] = {packed, columns.lines};
    return new_tuple(2, both);
}
