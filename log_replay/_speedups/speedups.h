/* What the C files share. Each function of the extension does the same as a Python function, its twin, in less time.
 * Tests compare the results. Unusual input is left to the twin.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "layouts.h"

/* Part of a text: from begin up to, but without, end. */
typedef struct {
    const char *begin;
    const char *end;
} Span;

/* The span of a string literal or an array. */
#define SPAN(text) ((Span){text, text + sizeof(text) - 1})

/* A text to search for. pair_at is the index of two characters that are rarely next to each other in a log. */
typedef struct {
    const char *text;
    Py_ssize_t length;
    Py_ssize_t pair_at;
} Needle;

/* Return the first occurrence of the needle, or NULL. */
const char *find_needle(const char *at, const char *end, const Needle *needle);

static inline bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Return true for the white space characters of Python's bytes.strip(). */
static inline bool
is_white_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Keys of an event's fields, and methods of a digest. They are interned, which makes lookups faster. */
#define KEYS(KEY)                                                                                                      \
    KEY(event) KEY(data) KEY(timestamp) KEY(time) KEY(name) KEY(context) KEY(user_id) KEY(username) KEY(course_id)     \
        KEY(session) KEY(update) KEY(digest)

typedef struct {
#define KEY(key) PyObject *key;
    KEYS(KEY)
#undef KEY
} Keys;

/* Return the value of a key as a borrowed reference, or NULL if there is none or on an error. */
static inline PyObject *
get(PyObject *dict, PyObject *key)
{
    return PyDict_GetItemWithError(dict, key);
}

/* Return a new tuple, or NULL on an error. It takes over the references to its items. If creating an item failed, that
 * item is NULL, and so is the result.
 */
PyObject *new_tuple(int count, PyObject *const *items);

/* Return a new named tuple; otherwise like new_tuple. */
PyObject *new_named_tuple(PyObject *type, int count, PyObject *const *items);

/* Add a number to the count of a key in a dict, and release the reference to the key. If creating the key failed, it is
 * NULL. Return 0, or -1 on an error.
 */
int add_count(PyObject *counts, PyObject *key, Py_ssize_t number);

/* Return an array with room for one more item, or NULL without memory. Set space to the number of items that it has room for. It
 * may move the array, which malloc() returned, or which is NULL. It can be called without Python's global lock.
 */
void *with_room(void *items, size_t used, size_t *space, size_t item_size);

/* Numbers by text, in a hash table with open addressing. A place without a text is free. Only text_dict needs Python's global
 * lock.
 */
typedef struct {
    const char *text;
    size_t length;
    uint64_t hash;
    size_t index; /* of the text in the order in which the texts came */
    Py_ssize_t number;
} TextCount;

typedef struct {
    TextCount *places;
    size_t space;
    size_t used;
    bool borrowed; /* true if the texts stay where they are, and need not be copied */
} TextCounts;

/* Return a hash that depends on one more word. */
uint64_t mixed(uint64_t hash, uint64_t word);

/* Add a number to that of a text, which is 0 at first. Return false without memory. */
bool count_text(TextCounts *counts, Span text, Py_ssize_t number);

bool contains_text(const TextCounts *counts, Span text);

void free_texts(TextCounts *counts);

/* Return a dict of the numbers by text, as bytes or as strings, in the order in which the texts came; NULL on an error. */
PyObject *text_dict(const TextCounts *counts, bool as_strings);

/* The number of lines or statements of an hour that follow each other. */
typedef struct {
    long long hour;
    Py_ssize_t number;
} HourCount;

typedef struct {
    HourCount *counts;
    size_t used;
    size_t space;
} Hours;

/* Add 1 to an hour, for a time in microseconds since 1970. Return false without memory. */
bool count_hour(Hours *hours, long long microseconds);

/* Return a dict of the numbers by hour, or NULL on an error. */
PyObject *hour_dict(const Hours *hours);

/* 2026-03-02T08:15 */
#define MINUTE_LENGTH 16

#define NO_MINUTE LLONG_MIN

/* The minute of the last time that was read: its text, and the minutes since 1970, NO_MINUTE at first. Lines and statements of
 * the same minute follow each other.
 */
typedef struct {
    char text[MINUTE_LENGTH];
    long long minutes;
} Minute;

/* Return a time in microseconds since 1970, or -1 if it cannot be read or is before 1970. It may be followed by a quote. */
long long microseconds_of(const char *at, const char *end, Minute *last);

/* What a scan has found in the lines so far; see ScannedLines in block_profile.py. */
typedef struct {
    Hours hours;
    Minute minute;
    long long first;
    long long last;
    Py_ssize_t untimed;
    uint64_t fingerprint;
    int level;
    /* Digest and time of each line in the sample. */
    uint64_t (*sample)[2];
    size_t sampled;
    size_t space;
} LineScan;

/* Begin a scan with a sample of this level. Return 0, or -1 on an error. */
int begin_scan(LineScan *scan, PyObject *level);

/* Scan one line, without Python's global lock. Return false without memory. */
bool scan_line(LineScan *scan, const char *begin, const char *end);

/* End a scan, and return a plain tuple with the fields of ScannedLines; NULL if the scan failed, or on an error. */
PyObject *end_scan(LineScan *scan, bool failed);

/* Add a transformed event to a tally, which new_tally() returned. Return 0, or -1 on an error. */
int tally_event(PyObject *tally, long long offset, long long user_id, Span course, PyObject *statements);

/* Add the reason, the user and the course of a rejected event to a tally. Return 0, or -1 on an error. */
int tally_reject(PyObject *tally, PyObject *reason, PyObject *user, PyObject *course);

/* As in subjects.py. */
#define MAX_DEPTH 50

/* The part of a timestamp before the microseconds, which Caliper uses. */
#define MILLISECONDS_LENGTH 23
#define UUID_LENGTH 36
#define UUID_BYTES 16

/* The parts of an event that all its statements contain. */
typedef struct {
    Span name; /* of the actor's account */
    Span time;           /* empty if the event has no time, for which xAPI statements have no timestamp */
    Span time_in_id;
    Span session;        /* empty if the event has no session */
    PyObject *timestamp; /* the time as a Python object, as a borrowed reference, or NULL */
} Common;

/* Return true if a time has the LMS's format, in UTC, with microseconds and a year of 2000 to 2999: then a statement's
 * timestamp has the same text; see times.py. Leap days are left to Python.
 */
bool is_timestamp(Span time);

/* Return true if a text has only characters that need no escapes in JSON, and in Python's JSON of an id. */
bool needs_no_escapes(Span name);

/* Return the joined spans as bytes, or NULL on an error. */
PyObject *joined(const Span *spans, int count);

/* Write the UUID of a name. new_digest() returns a SHA-1 digest that starts with the namespace. Return 0, or -1 on an error.
 */
int write_id(const Keys *keys, PyObject *new_digest, PyObject *name, char *id);

/* Set uuid to the bytes of that UUID. Return 0, or -1 on an error. */
int sha1_uuid(const Keys *keys, PyObject *new_digest, PyObject *name, unsigned char *uuid);

/* Set texts to the fields of a named tuple, from the index of the first one that is bytes. Return 0, or -1 on an error. */
int get_texts(PyObject *tuple, int first, int count, Span *texts);

/* Return an xAPI statement: template and fragments are the texts of an XapiTemplate and of XapiFragments. */
PyObject *new_xapi_statement(
    const Span *template, const Common *common, const Span *fragments, const char *id, PyObject *type);

/* The functions of the Python module, documented at their definitions. */
PyObject *classify_lines(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *read_event(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *xapi_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *caliper_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *scan_lines(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *count_statements(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *new_tally(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *count_tally(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *pack_events(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *transform_line(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
