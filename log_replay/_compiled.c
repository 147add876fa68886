/* Functions in C that do what others in Python do, only faster. Properties hold them together, and what is out of the
 * ordinary they leave to Python.
 *
 * ``sift`` does what prefilter.py's ``sift_in_python`` does, at a tenth of its cost: each line is looked through once or
 * twice, 64 bytes at a time, which compilers turn into vector code; Python objects are made only for lines that must be
 * parsed, and for names. ``read_event`` is ``events.parse_event``, and ``open_statement`` xAPI's ``opening``.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <string.h>

#define CHUNK 64
/* subjects.py's MAX_DEPTH */
#define MAX_DEPTH 50
/* So many digits in a row may be an integer that does not fit 64 bits. */
#define LONG_DIGITS 19

typedef struct {
    const char *begin;
    const char *end;
} Span;

/* A text to look for, by two characters in it that seldom stand beside each other. */
typedef struct {
    const char *text;
    Py_ssize_t length;
    Py_ssize_t pair_at;
} Needle;

static const char URL[] = "/";
static const char LEAD[] = "{\"name\": \"";
static const Needle NAME_KEY = {"\"name\"", 6, 0};             /* "n */
static const Needle EVENT_TYPE_KEY = {"\"event_type\"", 12, 5}; /* t_ */
static const Needle ESCAPED_ASCII = {"\\u00", 4, 0};           /* \u */

/* Return where the first such pair begins, or NULL. */
static const char *
find_pair(const char *at, const char *end, char first, char second)
{
    while (end - at > CHUNK) {
        unsigned char hit = 0;
        for (int i = 0; i < CHUNK; i++) {
            hit |= (at[i] == first) & (at[i + 1] == second);
        }
        if (hit) {
            while (at[0] != first || at[1] != second) {
                at++;
            }
            return at;
        }
        at += CHUNK;
    }
    for (; at + 1 < end; at++) {
        if (at[0] == first && at[1] == second) {
            return at;
        }
    }
    return NULL;
}

/* Return where the needle first stands as a whole, or NULL. */
static const char *
find_needle(const char *at, const char *end, const Needle *needle)
{
    const char first = needle->text[needle->pair_at], second = needle->text[needle->pair_at + 1];
    while (end - at >= needle->length) {
        const char *pair = find_pair(at + needle->pair_at, end, first, second);
        if (!pair) {
            return NULL;
        }
        at = pair - needle->pair_at;
        if (end - at >= needle->length && memcmp(at, needle->text, (size_t)needle->length) == 0) {
            return at;
        }
        at++;
    }
    return NULL;
}

/* White space as Python's bytes have it. */
static bool
is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *
skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at)) {
        at++;
    }
    return at;
}

/* Return the text that stands behind a key, after a colon, unless it is spelled with escapes; else its begin is NULL. */
static Span
plain_value(const char *behind_key, const char *end)
{
    Span none = {NULL, NULL};
    const char *at = skip_blanks(behind_key, end);
    if (at == end || *at != ':') {
        return none;
    }
    at = skip_blanks(at + 1, end);
    if (at == end || *at != '"') {
        return none;
    }
    const char *begin = ++at;
    while (at < end && *at != '"' && *at != '\\') {
        at++;
    }
    if (at == end || *at != '"') {
        return none;
    }
    return (Span){begin, at};
}

/* Return the value that the first such key has. */
static Span
value_of(const char *at, const char *end, const Needle *key)
{
    while ((at = find_needle(at, end, key))) {
        Span value = plain_value(at + key->length, end);
        if (value.begin) {
            return value;
        }
        at++;
    }
    return (Span){NULL, NULL};
}

static bool
is_url(Span name)
{
    return name.begin < name.end && *name.begin == '/';
}

/* Return 1 if a name is among the names, of which none is a URL, 0 if not, -1 on an error. */
static int
is_known(Span name, PyObject *names)
{
    if (is_url(name)) {
        return 0;
    }
    PyObject *key = PyBytes_FromStringAndSize(name.begin, name.end - name.begin);
    if (!key) {
        return -1;
    }
    int known = PySet_Contains(names, key);
    Py_DECREF(key);
    return known;
}

/* Return 1 if any plain value of a key called "name" is among the names, 0 if not, -1 on an error. */
static int
names_known(const char *at, const char *end, PyObject *names)
{
    while (true) {
        Span value = value_of(at, end, &NAME_KEY);
        if (!value.begin) {
            return 0;
        }
        int known = is_known(value, names);
        if (known) {
            return known;
        }
        at = value.end + 1;
    }
}

/* Return whether an ASCII character may be spelled with an escape. */
static bool
has_escaped_ascii(const char *at, const char *end)
{
    at = memchr(at, '\\', (size_t)(end - at));
    while (at && (at = find_needle(at, end, &ESCAPED_ASCII))) {
        if (end - at > 4 && at[4] >= '2' && at[4] <= '7') {
            return true;
        }
        at++;
    }
    return false;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Return whether so many digits stand in a row that they include one of every nineteenth byte. */
static bool
has_long_digits(const char *begin, const char *end)
{
    for (const char *at = begin + LONG_DIGITS - 1; at < end; at += LONG_DIGITS) {
        if (is_digit(*at)) {
            const char *first = at, *last = at;
            while (first > begin && is_digit(first[-1])) {
                first--;
            }
            while (last + 1 < end && is_digit(last[1])) {
                last++;
            }
            if (last - first + 1 >= LONG_DIGITS) {
                return true;
            }
        }
    }
    return false;
}

/* Return what the line seems to call its event; nothing at all where it does not say. */
static Span
guessed_name(const char *begin, const char *end)
{
    const char *brace = memchr(begin, '{', (size_t)(end - begin));
    if (brace) {
        const char *key = skip_blanks(brace + 1, end);
        if (end - key >= NAME_KEY.length && memcmp(key, NAME_KEY.text, (size_t)NAME_KEY.length) == 0) {
            Span name = plain_value(key + NAME_KEY.length, end);
            if (name.begin) {
                return name;
            }
        }
    }
    Span type = value_of(begin, end, &EVENT_TYPE_KEY);
    return type.begin ? type : (Span){end, end};
}

/* Count so many more of a name. Return 0, or -1 on an error. */
static int
count_name(PyObject *counts, Span name, Py_ssize_t more)
{
    PyObject *key = PyBytes_FromStringAndSize(name.begin, name.end - name.begin);
    if (!key) {
        return -1;
    }
    int done = -1;
    PyObject *before = PyDict_GetItemWithError(counts, key);
    if (before || !PyErr_Occurred()) {
        PyObject *count = PyLong_FromSsize_t(more + (before ? PyLong_AsSsize_t(before) : 0));
        if (count) {
            done = PyDict_SetItem(counts, key, count);
            Py_DECREF(count);
        }
    }
    Py_DECREF(key);
    return done;
}

/* Append and let go of an item, which may be NULL after an error. Return 0, or -1 on an error. */
static int
append(PyObject *list, PyObject *item)
{
    if (!item) {
        return -1;
    }
    int done = PyList_Append(list, item);
    Py_DECREF(item);
    return done;
}

static PyObject *
place(Py_ssize_t begin, Py_ssize_t end, bool exact)
{
    PyObject *place = PyTuple_New(3), *first = PyLong_FromSsize_t(begin), *last = PyLong_FromSsize_t(end);
    if (!place || !first || !last) {
        Py_XDECREF(place);
        Py_XDECREF(first);
        Py_XDECREF(last);
        return NULL;
    }
    PyTuple_SetItem(place, 0, first);
    PyTuple_SetItem(place, 1, last);
    PyTuple_SetItem(place, 2, PyBool_FromLong(exact));
    return place;
}

typedef struct {
    PyObject *names;
    Py_ssize_t lines;
    Py_ssize_t blank;
    Py_ssize_t urls;
    PyObject *broken;
    PyObject *unknown;
    PyObject *events;
} Sifted;

/* Sift one line. Return 0, or -1 on an error. */
static int
sift_line(Sifted *sifted, const char *text, const char *begin, const char *end)
{
    const char *looked = begin;
    Span lead = {NULL, NULL};
    int known = 0;
    if (end - begin > (Py_ssize_t)sizeof(LEAD) - 1 && memcmp(begin, LEAD, sizeof(LEAD) - 1) == 0) {
        looked = begin + sizeof(LEAD) - 1;
        const char *quote = memchr(looked, '"', (size_t)(end - looked));
        if (quote) {
            lead = (Span){looked, quote};
            known = is_known(lead, sifted->names);
        }
    }
    if (known == 0) {
        known = names_known(looked, end, sifted->names);
    }
    if (known < 0) {
        return -1;
    }
    bool escaped = has_escaped_ascii(begin, end);
    if (known || escaped) {
        bool exact = !escaped && !has_long_digits(begin, end);
        return append(sifted->events, place(begin - text, end - text, exact));
    }
    while (end > begin && is_blank(end[-1])) {
        end--;
    }
    if (end == begin) {
        sifted->blank++;
        return 0;
    }
    if (end[-1] != '}' || !memchr(begin, '{', (size_t)(end - begin))) {
        return append(sifted->broken, PyLong_FromSsize_t(begin - text));
    }
    Span name = lead.begin ? lead : guessed_name(begin, end);
    if (is_url(name)) {
        sifted->urls++;
        return 0;
    }
    return count_name(sifted->unknown, name, 1);
}

static PyObject *
sift(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const char *text;
    Py_ssize_t length;
    Sifted sifted = {0};
    if (!PyArg_ParseTuple(arguments, "y#O:sift", &text, &length, &sifted.names)) {
        return NULL;
    }
    sifted.broken = PyList_New(0);
    sifted.unknown = PyDict_New();
    sifted.events = PyList_New(0);
    PyObject *result = NULL;
    if (sifted.broken && sifted.unknown && sifted.events) {
        const char *end = text + length;
        int failed = 0;
        for (const char *begin = text; begin < end && !failed; sifted.lines++) {
            const char *line_end = memchr(begin, '\n', (size_t)(end - begin));
            line_end = line_end ? line_end : end;
            failed = sift_line(&sifted, text, begin, line_end);
            begin = line_end + 1;
        }
        if (!failed && sifted.urls) {
            failed = count_name(sifted.unknown, (Span){URL, URL + 1}, sifted.urls);
        }
        if (!failed) {
            result = Py_BuildValue(
                "(nnOOO)", sifted.lines, sifted.blank, sifted.broken, sifted.unknown, sifted.events);
        }
    }
    Py_XDECREF(sifted.broken);
    Py_XDECREF(sifted.unknown);
    Py_XDECREF(sifted.events);
    return result;
}

/* The keys of an event that are looked for, and the methods of a digest. */
typedef struct {
    PyObject *event;
    PyObject *data;
    PyObject *timestamp;
    PyObject *time;
    PyObject *name;
    PyObject *context;
    PyObject *user_id;
    PyObject *username;
    PyObject *course_id;
    PyObject *update;
    PyObject *digest;
} Keys;

/* Return what stands under a key, borrowed, or NULL; then an error may be set. */
static PyObject *
look(PyObject *dict, PyObject *key)
{
    return PyDict_GetItemWithError(dict, key);
}

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
    PyObject *const ways[] = {keys->user_id, keys->username};
    for (int i = 0; i < 2 && PyDict_Check(data); i++) {
        *user = look(data, ways[i]);
        int named = *user ? PyObject_IsTrue(*user) : PyErr_Occurred() ? -1 : 0;
        if (named) {
            return named < 0 ? -1 : 0;
        }
    }
    for (int i = 0; i < 2; i++) {
        int failed = first(fields, ways[i], user);
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

/* Complete what a line says, and return its parts as an event has them; NULL, without an error if Python decides. */
static PyObject *
parts_of_event(const Keys *keys, PyObject *loads, PyObject *fields, PyObject *line, PyObject *position)
{
    PyObject *parts = NULL, *user;
    PyObject *data = look(fields, keys->event);
    if (!data) {
        return NULL;
    }
    int nested = PyUnicode_Check(data) ? begins_as_json(data) : 0;
    if (nested < 0) {
        return NULL;
    }
    data = nested ? load(loads, data) : Py_NewRef(data);
    if (!data) {
        return NULL;
    }
    int failed = PyDict_SetItem(fields, keys->data, data);
    if (!failed && !look(fields, keys->timestamp)) {
        PyObject *time = PyErr_Occurred() ? NULL : look(fields, keys->time);
        failed = time ? PyDict_SetItem(fields, keys->timestamp, time) : PyErr_Occurred() ? -1 : 0;
    }
    PyObject *name = failed ? NULL : look(fields, keys->name);
    PyObject *context = failed || PyErr_Occurred() ? NULL : look(fields, keys->context);
    PyObject *course = context && PyDict_Check(context) ? look(context, keys->course_id) : NULL;
    if (!failed && !PyErr_Occurred() && user_of(keys, fields, data, &user) == 0) {
        PyObject *text = name && PyUnicode_Check(name) ? Py_NewRef(name) : PyUnicode_FromStringAndSize(NULL, 0);
        if (text) {
            parts = PyTuple_Pack(6, position, text, fields, line, user, course ? course : Py_None);
            Py_DECREF(text);
        }
    }
    Py_DECREF(data);
    return parts;
}

static PyObject *
read_event(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    char *text;
    Py_ssize_t length;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "read_event(loads, new_event, line, position)");
        return NULL;
    }
    PyObject *loads = arguments[0], *new_event = arguments[1], *line = arguments[2], *position = arguments[3];
    if (PyBytes_AsStringAndSize(line, &text, &length) < 0) {
        return NULL;
    }
    PyObject *fields = length && text[0] == '{' && text[length - 1] == '}' ? load(loads, line) : NULL, *parts = NULL;
    if (fields && PyDict_Check(fields)) {
        parts = parts_of_event(PyModule_GetState(module), loads, fields, line, position);
    }
    Py_XDECREF(fields);
    if (!parts) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    PyObject *event = PyObject_CallFunctionObjArgs(new_event, parts, NULL);
    Py_DECREF(parts);
    return event;
}

/* What of a frame is bytes; see opening.py. */
enum { BEFORE_NAME_IN_ID, AFTER_NAME_IN_ID, BEFORE_NAME, AFTER_NAME, AFTER_TIME, TEXTS };

static const char BEFORE_ID[] = "{\"id\":\"";
/* 2026-03-02T08:15:27.913562+00:00 */
#define MOMENT 32
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

static PyObject *
open_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 3 || !PyTuple_Check(arguments[0]) || PyTuple_Size(arguments[0]) != TEXTS + 1) {
        PyErr_SetString(PyExc_TypeError, "open_statement(frame, external_id, moment)");
        return NULL;
    }
    Span texts[TEXTS], name, moment;
    for (int i = 0; i < TEXTS; i++) {
        char *text;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(arguments[0], i + 1), &text, &length) < 0) {
            return NULL;
        }
        texts[i] = (Span){text, text + length};
    }
    Span *const given[] = {&name, &moment};
    for (int i = 0; i < 2; i++) {
        Py_ssize_t length;
        const char *text = PyUnicode_Check(arguments[i + 1]) ? PyUnicode_AsUTF8AndSize(arguments[i + 1], &length) : NULL;
        if (!text) {
            PyErr_Clear(); /* a lone surrogate */
            return Py_NewRef(Py_None);
        }
        *given[i] = (Span){text, text + length};
    }
    if (!is_bare(name) || !is_timestamp(moment)) {
        return Py_NewRef(Py_None);
    }
    char id[UUID];
    const Span named[] = {texts[BEFORE_NAME_IN_ID], name, texts[AFTER_NAME_IN_ID], moment};
    PyObject *in_id = joined(named, 4);
    const Keys *keys = PyModule_GetState(module);
    int failed = in_id ? name_id(keys, PyTuple_GetItem(arguments[0], 0), in_id, id) : -1;
    Py_XDECREF(in_id);
    if (failed) {
        return NULL;
    }
    const Span parts[] = {span_of(BEFORE_ID), {id, id + UUID}, texts[BEFORE_NAME], name, texts[AFTER_NAME], moment,
                          texts[AFTER_TIME]};
    PyObject *opened = joined(parts, 7), *spelled = PyUnicode_FromStringAndSize(id, UUID), *both = NULL;
    if (opened && spelled) {
        both = PyTuple_Pack(2, spelled, opened);
    }
    Py_XDECREF(opened);
    Py_XDECREF(spelled);
    return both;
}

static PyMethodDef methods[] = {
    {"sift", sift, METH_VARARGS, "Sift the lines of a text; see prefilter.sift_in_python."},
    {"read_event", (PyCFunction)(void (*)(void))read_event, METH_FASTCALL,
     "Read a plain line's event as parse_event does, or return None where it must decide."},
    {"open_statement", (PyCFunction)(void (*)(void))open_statement, METH_FASTCALL,
     "Open a statement as opening.opening_in_python does, or return None where it must."},
    {NULL, NULL, 0, NULL},
};

static int
name_keys(PyObject *module)
{
    Keys *keys = PyModule_GetState(module);
    return (keys->event = PyUnicode_InternFromString("event")) && (keys->data = PyUnicode_InternFromString("data")) &&
                   (keys->timestamp = PyUnicode_InternFromString("timestamp")) &&
                   (keys->time = PyUnicode_InternFromString("time")) &&
                   (keys->name = PyUnicode_InternFromString("name")) &&
                   (keys->context = PyUnicode_InternFromString("context")) &&
                   (keys->user_id = PyUnicode_InternFromString("user_id")) &&
                   (keys->username = PyUnicode_InternFromString("username")) &&
                   (keys->course_id = PyUnicode_InternFromString("course_id")) &&
                   (keys->update = PyUnicode_InternFromString("update")) &&
                   (keys->digest = PyUnicode_InternFromString("digest"))
               ? 0
               : -1;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, name_keys}, {0, NULL}};

/* The keys are interned and live as long as the process, as does the module. */
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_compiled", NULL, sizeof(Keys), methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__compiled(void)
{
    return PyModuleDef_Init(&definition);
}
