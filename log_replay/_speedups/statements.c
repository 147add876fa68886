/* xapi_statement and caliper_statement, the twins of the Python functions of these names in
 * statements/native/xapi/statement.py and statements/native/caliper/envelope.py. They support timestamps in the LMS's
 * format, and names and sessions that need no escapes in JSON.
 */
#include "speedups.h"

/* 2026-03-02T08:15:27.913562+00:00 */
#define TIME_LENGTH 32
#define SHA1_LENGTH 20

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

/* Return the number that two digits form, or -1 if they are not digits. */
static int
number(const char *digits)
{
    return is_digit(digits[0]) && is_digit(digits[1]) ? 10 * (digits[0] - '0') + digits[1] - '0' : -1;
}

bool
is_timestamp(Span time)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = time.begin;
    if (length_of(time) != TIME_LENGTH || at[0] != '2' || !is_digit(at[1]) || at[4] != '-' || at[7] != '-' ||
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

bool
needs_no_escapes(Span name)
{
    for (const char *at = name.begin; at < name.end; at++) {
        if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\') {
            return false;
        }
    }
    return true;
}

/* Copy a text to a place and return the place after it. */
static char *
put(char *at, Span text)
{
    memcpy(at, text.begin, (size_t)length_of(text));
    return at + length_of(text);
}

PyObject *
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

/* Write a UUID as text. */
static void
write_uuid(const unsigned char *uuid, char *id)
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < UUID_BYTES; i++) {
        unsigned char byte = uuid[i];
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *id++ = '-';
        }
        *id++ = hex[byte >> 4];
        *id++ = hex[byte & 0x0f];
    }
}

int
sha1_uuid(const Keys *keys, PyObject *new_digest, PyObject *name, unsigned char *uuid)
{
    int done = -1;
    PyObject *digest = PyObject_CallFunctionObjArgs(new_digest, NULL);
    PyObject *updated = digest ? PyObject_CallMethodObjArgs(digest, keys->update, name, NULL) : NULL;
    PyObject *bytes = updated ? PyObject_CallMethodObjArgs(digest, keys->digest, NULL) : NULL;
    if (bytes && PyBytes_Check(bytes) && PyBytes_Size(bytes) == SHA1_LENGTH) {
        memcpy(uuid, PyBytes_AsString(bytes), UUID_BYTES);
        uuid[6] = (unsigned char)((uuid[6] & 0x0f) | 0x50); /* the version */
        uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80); /* the variant */
        done = 0;
    }
    else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "new_digest does not return a SHA-1 digest");
    }
    Py_XDECREF(bytes);
    Py_XDECREF(updated);
    Py_XDECREF(digest);
    return done;
}

int
write_id(const Keys *keys, PyObject *new_digest, PyObject *name, char *id)
{
    unsigned char uuid[UUID_BYTES];
    int failed = sha1_uuid(keys, new_digest, name, uuid);
    if (!failed) {
        write_uuid(uuid, id);
    }
    return failed;
}

/* Return true if a value is a string without lone surrogates, and set text to its UTF-8. */
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

/* Find the common parts in an event's fields. Return 1, 0 if the twin must build the statement, or -1 on an error. */
static int
find_common(const Keys *keys, PyObject *fields, PyObject *name, Common *common)
{
    common->timestamp = get(fields, keys->timestamp);
    PyObject *session = PyErr_Occurred() ? NULL : get(fields, keys->session);
    if (PyErr_Occurred()) {
        return -1;
    }
    if (!is_text(name, &common->name) || !needs_no_escapes(common->name) || !common->timestamp || !session ||
        !is_text(common->timestamp, &common->time) || !is_timestamp(common->time)) {
        return 0;
    }
    common->session = span_of("");
    return session == Py_None || (is_text(session, &common->session) && needs_no_escapes(common->session));
}

int
get_texts(PyObject *tuple, int first, int count, Span *texts)
{
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) != count) {
        PyErr_SetString(PyExc_TypeError, "not a template or fragments of this type of statement");
        return -1;
    }
    for (int i = first; i < count; i++) {
        char *text;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(tuple, i), &text, &length) < 0) {
            return -1;
        }
        texts[i] = (Span){text, text + length};
    }
    return 0;
}

PyObject *
new_xapi_statement(const Span *template, const Common *common, const Span *fragments, const char *id, PyObject *type)
{
    static const char timestamp[] = ",\"timestamp\":\"";
    const bool has_session = length_of(common->session), has_result = length_of(fragments[XapiFragments_result]);
    Span after_name = template[XapiTemplate_after_name], after_timestamp = template[XapiTemplate_after_timestamp];
    if (!length_of(common->time)) {
        after_name.end -= sizeof(timestamp) - 1;
        after_timestamp.begin++; /* a quote */
    }
    const Span none = span_of("");
    const Span spans[] = {
        span_of("{\"id\":\""), {id, id + UUID_LENGTH},
        template[XapiTemplate_before_name], common->name, after_name,
        common->time, after_timestamp,
        fragments[XapiFragments_extensions],
        has_session ? template[XapiTemplate_before_session] : none, common->session,
        span_of(has_session ? "\"}" : "}"),
        fragments[XapiFragments_context],
        span_of("},\"object\":"), fragments[XapiFragments_object],
        has_result ? span_of(",\"result\":") : none, fragments[XapiFragments_result],
        span_of("}"),
    };
    PyObject *const items[Statement_count] = {
        [Statement_id] = PyUnicode_FromStringAndSize(id, UUID_LENGTH),
        [Statement_timestamp] =
            common->timestamp ? Py_NewRef(common->timestamp)
                              : PyUnicode_FromStringAndSize(common->time.begin, length_of(common->time)),
        [Statement_text] = joined(spans, sizeof(spans) / sizeof(*spans)),
    };
    return new_named_tuple(type, Statement_count, items);
}

PyObject *
xapi_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    const Keys *keys = PyModule_GetState(module);
    Span template[XapiTemplate_count], fragments[XapiFragments_count];
    Common common;
    if (count != 5 || !PyDict_Check(arguments[2])) {
        PyErr_SetString(PyExc_TypeError, "xapi_statement takes a template, a class, a dict, a name and fragments");
        return NULL;
    }
    if (get_texts(arguments[0], XapiTemplate_before_name_in_id, XapiTemplate_count, template) < 0 ||
        get_texts(arguments[4], 0, XapiFragments_count, fragments) < 0) {
        return NULL;
    }
    int found = find_common(keys, arguments[2], arguments[3], &common);
    if (found <= 0) {
        return found ? NULL : Py_NewRef(Py_None);
    }
    char id[UUID_LENGTH];
    const Span id_spans[] = {
        template[XapiTemplate_before_name_in_id], common.name, template[XapiTemplate_after_name_in_id], common.time,
    };
    PyObject *named = joined(id_spans, sizeof(id_spans) / sizeof(*id_spans));
    int failed = named ? write_id(keys, PyTuple_GetItem(arguments[0], XapiTemplate_new_digest), named, id) : -1;
    Py_XDECREF(named);
    if (failed) {
        return NULL;
    }
    return new_xapi_statement(template, &common, fragments, id, arguments[1]);
}

PyObject *
caliper_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    static const char urn[] = "urn:uuid:";
    const Keys *keys = PyModule_GetState(module);
    Span template[CaliperTemplate_count], extensions, object;
    Common common;
    if (count != 7 || !PyBytes_Check(arguments[2]) || !PyDict_Check(arguments[3])) {
        PyErr_SetString(
            PyExc_TypeError, "caliper_statement takes a template, a class, bytes, a dict, and three strings");
        return NULL;
    }
    if (get_texts(arguments[0], CaliperTemplate_before_send_time, CaliperTemplate_count, template) < 0) {
        return NULL;
    }
    int found = find_common(keys, arguments[3], arguments[4], &common);
    if (found <= 0 || !is_text(arguments[5], &extensions) || !is_text(arguments[6], &object)) {
        return found < 0 ? NULL : Py_NewRef(Py_None);
    }
    char id[sizeof(urn) - 1 + UUID_LENGTH], utc[MILLISECONDS_LENGTH + 1];
    memcpy(id, urn, sizeof(urn) - 1);
    memcpy(utc, common.time.begin, MILLISECONDS_LENGTH);
    utc[MILLISECONDS_LENGTH] = 'Z';
    PyObject *new_digest = PyTuple_GetItem(arguments[0], CaliperTemplate_new_digest);
    if (write_id(keys, new_digest, arguments[2], id + sizeof(urn) - 1) < 0) {
        return NULL;
    }
    const bool has_session = length_of(common.session);
    const Span none = span_of(""), time = {utc, utc + sizeof(utc)};
    const Span spans[] = {
        template[CaliperTemplate_before_send_time], time,
        template[CaliperTemplate_before_event_time], time,
        template[CaliperTemplate_before_actor], common.name, template[CaliperTemplate_after_actor],
        has_session ? template[CaliperTemplate_before_session] : none, common.session,
        has_session ? template[CaliperTemplate_after_session] : none,
        template[CaliperTemplate_before_extensions], extensions,
        span_of("},\"object\":"), object,
        span_of(",\"id\":\""), {id, id + sizeof(id)}, template[CaliperTemplate_after_id],
    };
    PyObject *const items[Statement_count] = {
        [Statement_id] = PyUnicode_FromStringAndSize(id, sizeof(id)),
        [Statement_timestamp] = PyUnicode_FromStringAndSize(utc, sizeof(utc)),
        [Statement_text] = joined(spans, sizeof(spans) / sizeof(*spans)),
    };
    return new_named_tuple(arguments[1], Statement_count, items);
}
