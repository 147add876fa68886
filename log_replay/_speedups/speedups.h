/* What the C files share. Each function of the extension does the same as a Python function, its twin, in less time.
 * Tests compare the results. Unusual input is left to the twin.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "layouts.h"

/* Part of a text: from begin up to, but without, end. */
typedef struct {
    const char *begin;
    const char *end;
} Span;

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

/* The number of lines or statements of an hour that follow each other, so that a dict is changed once for all of them. */
typedef struct {
    PyObject *counts;
    long long hour;
    Py_ssize_t number;
} Hours;

/* The minute of the last time that was read. Lines and statements of the same minute follow each other. */
typedef struct {
    const char *text;
    long long minutes;
} Minute;

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
    uint64_t *sample;
    Py_ssize_t sampled;
    Py_ssize_t space;
} LineScan;

/* Begin a scan with a sample of this level. Return 0, or -1 on an error. */
int begin_scan(LineScan *scan, PyObject *level);

/* Scan one line. Return 0, or -1 on an error. */
int scan_line(LineScan *scan, const char *begin, const char *end);

/* End a scan, and return a plain tuple with the fields of ScannedLines; NULL if the scan failed, or on an error. */
PyObject *end_scan(LineScan *scan, bool failed);

/* The functions of the Python module, documented at their definitions. */
PyObject *classify_lines(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *read_event(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *xapi_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *caliper_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *scan_lines(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *count_statements(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
