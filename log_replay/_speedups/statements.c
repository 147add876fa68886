/* ``xapi_statement`` and ``caliper_statement`` put together what their events say, and the id that follows from it: for
 * users with accounts, moments as the LMS spells them and names that JSON spells as they are.
 */
#include "speedups.h"

/* 2026-03-02T08:15:27.913562+00:00, and how much of it Caliper takes */
#define MOMENT 32
#define UP_TO_MILLISECONDS 23
#define UUID 36
#define SHA1 20

static Span
span_of(const char *text)
{
    return (Span){text, text + strlen(text)};
}

static Py_ssize_t
length_of(Span span)
{
    return span.end - span.begin;
}

/* Return the number that two digits say, or -1. */
static int
number(const char *digits)
{
    return is_digit(digits[0]) && is_digit(digits[1]) ? 10 * (digits[0] - '0') + digits[1] - '0' : -1;
}

/* Return whether a moment is spelled as the LMS spells it, in this millennium, in UTC and with microseconds, so that it
 * is a statement's timestamp as it is; see times.py. Of days, leap days are left to Python.
 */
static bool
is_timestamp(Span moment)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = moment.begin;
    if (length_of(moment) != MOMENT || at[0] != '2' || !is_digit(at[1]) || at[4] != '-' || at[7] != '-' ||
        at[10] != 'T' || at[13] != ':' || at[16] != ':' || at[19] != '.' || memcmp(at + 26, "+00:00", 6) != 0) {
        return false;
    }
    int year = number(at + 2), month = number(at + 5), day = number(at + 8);
    int hour = number(at + 11), minute = number(at + 14), second = number(at + 17);
    int fractions[] = {number(at + 20), number(at + 22), number(at + 24)};
    if (fractions[0] < 0 || fractions[1] < 0 || fractions[2] < 0 || fractions[0] + fractions[1] + fractions[2] == 0) {
        return false;
    }
    return year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] && hour >= 0 && hour < 24 &&
           minute >= 0 && minute < 60 && second >= 0 && second < 60;
}

/* Return whether JSON spells a name as it is. */
static bool
is_bare(Span name)
{
    for (const char *at = name.begin; at < name.end; at++) {
        if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\') {
            return false;
        }
    }
    return name.begin < name.end;
}

static char *
put(char *at, Span text)
{
    memcpy(at, text.begin, (size_t)length_of(text));
    return at + length_of(text);
}

/* Return the spans after each other, as bytes. */
static PyObject *
joined(const Span *spans, int count)
{
    Py_ssize_t length = 0;
    for (int i = 0; i < count; i++) {
        length += length_of(spans[i]);
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, length);
    char *at = bytes ? PyBytes_AsString(bytes) : NULL;
    for (int i = 0; i < count && at; i++) {
        at = put(at, spans[i]);
    }
    return bytes;
}

/* Spell the id that has this digest: version 5, and its variant; see identifiers.py. */
static void
spell_uuid(const unsigned char *digest, char *id)
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        unsigned char byte = digest[i];
        byte = i == 6 ? (unsigned char)((byte & 0x0f) | 0x50) : byte;
        byte = i == 8 ? (unsigned char)((byte & 0x3f) | 0x80) : byte;
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *id++ = '-';
        }
        *id++ = hex[byte >> 4];
        *id++ = hex[byte & 0x0f];
    }
}

/* Write the id of this name in a namespace, which is a digest that has begun. Return 0, or -1 on an error. */
static int
name_id(const Keys *keys, PyObject *begin, PyObject *name, char *id)
{
    int done = -1;
    PyObject *digest = PyObject_CallFunctionObjArgs(begin, NULL);
    PyObject *updated = digest ? PyObject_CallMethodObjArgs(digest, keys->update, name, NULL) : NULL;
    PyObject *bytes = updated ? PyObject_CallMethodObjArgs(digest, keys->digest, NULL) : NULL;
    if (bytes && PyBytes_Check(bytes) && PyBytes_Size(bytes) == SHA1) {
        spell_uuid((const unsigned char *)PyBytes_AsString(bytes), id);
        done = 0;
    }
    else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "a namespace is a digest by SHA-1 that has begun");
    }
    Py_XDECREF(bytes);
    Py_XDECREF(updated);
    Py_XDECREF(digest);
    return done;
}

/* What an event says that every statement says: who, when, and in which session, if any. */
typedef struct {
    Span name;
    Span moment;
    Span session;
    PyObject *timestamp; /* the moment, borrowed */
} Said;

/* Return whether a value is a text; what is no UTF-8 is none. */
static bool
is_text(PyObject *value, Span *text)
{
    Py_ssize_t length;
    const char *begin = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, &length) : NULL;
    if (!begin) {
        PyErr_Clear(); /* a lone surrogate */
        return false;
    }
    *text = (Span){begin, begin + length};
    return true;
}

/* Find what an event's fields say. Return 1, or 0 if Python decides, or -1 on an error. */
static int
find_said(const Keys *keys, PyObject *fields, PyObject *name, Said *said)
{
    said->timestamp = get(fields, keys->timestamp);
    PyObject *session = PyErr_Occurred() ? NULL : get(fields, keys->session);
    if (PyErr_Occurred()) {
        return -1;
    }
    if (!is_text(name, &said->name) || !is_bare(said->name) || !said->timestamp || !session ||
        !is_text(said->timestamp, &said->moment) || !is_timestamp(said->moment)) {
        return 0;
    }
    said->session = span_of("");
    if (session == Py_None) {
        return 1;
    }
    return is_text(session, &said->session) && (!length_of(said->session) || is_bare(said->session));
}

/* Take so many bytes out of a tuple, which has as many other items before them. Return 0, or -1 on an error. */
static int
take_texts(PyObject *tuple, int before, Span *texts, int count)
{
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) != before + count) {
        PyErr_SetString(PyExc_TypeError, "not a template or fragments of this type of statement");
        return -1;
    }
    for (int i = 0; i < count; i++) {
        char *text;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(tuple, before + i), &text, &length) < 0) {
            return -1;
        }
        texts[i] = (Span){text, text + length};
    }
    return 0;
}

/* The texts of statement.py's XapiTemplate. */
enum { BEFORE_NAME_IN_ID, AFTER_NAME_IN_ID, BEFORE_NAME, AFTER_NAME, AFTER_TIMESTAMP, BEFORE_SESSION, XAPI_TEXTS };
/* The texts of statement.py's XapiFragments. */
enum { EXTENSIONS, CONTEXT, OBJECT, RESULT, FRAGMENTS };

/* xapi_statement(template, statement_type, fields, name, fragments) */
PyObject *
xapi_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    const Keys *keys = PyModule_GetState(module);
    Span template[XAPI_TEXTS], fragments[FRAGMENTS];
    Said said;
    if (count != 5 || !PyDict_Check(arguments[2])) {
        PyErr_SetString(PyExc_TypeError, "xapi_statement takes a template, a type, an event's fields, a name and fragments");
        return NULL;
    }
    if (take_texts(arguments[0], 1, template, XAPI_TEXTS) < 0 || take_texts(arguments[4], 0, fragments, FRAGMENTS) < 0) {
        return NULL;
    }
    int found = find_said(keys, arguments[2], arguments[3], &said);
    if (found <= 0) {
        return found ? NULL : Py_NewRef(Py_None);
    }
    char id[UUID];
    const Span named[] = {template[BEFORE_NAME_IN_ID], said.name, template[AFTER_NAME_IN_ID], said.moment};
    PyObject *in_id = joined(named, 4);
    int failed = in_id ? name_id(keys, PyTuple_GetItem(arguments[0], 0), in_id, id) : -1;
    Py_XDECREF(in_id);
    if (failed) {
        return NULL;
    }
    const bool in_session = length_of(said.session), with_result = length_of(fragments[RESULT]);
    const Span none = span_of("");
    const Span spans[] = {
        span_of("{\"id\":\""), {id, id + UUID}, template[BEFORE_NAME], said.name, template[AFTER_NAME], said.moment,
        template[AFTER_TIMESTAMP], fragments[EXTENSIONS],
        in_session ? template[BEFORE_SESSION] : none, said.session, span_of(in_session ? "\"}" : "}"),
        fragments[CONTEXT], span_of("},\"object\":"), fragments[OBJECT],
        with_result ? span_of(",\"result\":") : none, fragments[RESULT], span_of("}"),
    };
    PyObject *const parts[] = {
        PyUnicode_FromStringAndSize(id, UUID),
        Py_NewRef(said.timestamp),
        joined(spans, sizeof(spans) / sizeof(*spans)),
    };
    return new_named_tuple(arguments[1], 3, parts);
}

/* The texts of envelope.py's CaliperTemplate. */
enum { BEFORE_SEND_TIME, BEFORE_EVENT_TIME, BEFORE_ACTOR, AFTER_ACTOR, BEFORE_EVENT_SESSION, AFTER_EVENT_SESSION, BEFORE_EXTENSIONS,
       AFTER_ID, CALIPER_TEXTS };

/* caliper_statement(template, statement_type, line, fields, external_id, extensions, object) */
PyObject *
caliper_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    static const char urn[] = "urn:uuid:";
    const Keys *keys = PyModule_GetState(module);
    Span template[CALIPER_TEXTS], more, about;
    Said said;
    if (count != 7 || !PyBytes_Check(arguments[2]) || !PyDict_Check(arguments[3])) {
        PyErr_SetString(PyExc_TypeError, "caliper_statement takes a template, a type, a line, its fields and three texts");
        return NULL;
    }
    if (take_texts(arguments[0], 1, template, CALIPER_TEXTS) < 0) {
        return NULL;
    }
    int found = find_said(keys, arguments[3], arguments[4], &said);
    if (found <= 0 || !is_text(arguments[5], &more) || !is_text(arguments[6], &about)) {
        return found < 0 ? NULL : Py_NewRef(Py_None);
    }
    char id[sizeof(urn) - 1 + UUID], time[UP_TO_MILLISECONDS + 1];
    memcpy(id, urn, sizeof(urn) - 1);
    memcpy(time, said.moment.begin, UP_TO_MILLISECONDS);
    time[UP_TO_MILLISECONDS] = 'Z';
    if (name_id(keys, PyTuple_GetItem(arguments[0], 0), arguments[2], id + sizeof(urn) - 1) < 0) {
        return NULL;
    }
    const bool in_session = length_of(said.session);
    const Span none = span_of(""), at = {time, time + sizeof(time)};
    const Span spans[] = {
        template[BEFORE_SEND_TIME], at, template[BEFORE_EVENT_TIME], at, template[BEFORE_ACTOR], said.name, template[AFTER_ACTOR],
        in_session ? template[BEFORE_EVENT_SESSION] : none, said.session, in_session ? template[AFTER_EVENT_SESSION] : none,
        template[BEFORE_EXTENSIONS], more, span_of("},\"object\":"), about, span_of(",\"id\":\""), {id, id + sizeof(id)},
        template[AFTER_ID],
    };
    PyObject *const parts[] = {
        PyUnicode_FromStringAndSize(id, sizeof(id)),
        PyUnicode_FromStringAndSize(time, sizeof(time)),
        joined(spans, sizeof(spans) / sizeof(*spans)),
    };
    return new_named_tuple(arguments[1], 3, parts);
}
