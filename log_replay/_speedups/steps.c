#include "steps.h"

/* A step is a tuple that starts with its kind. LineStep_... are the kinds; see layouts.h. */
enum { TOP_LEVEL, CONTEXT, DATA, DISCUSSION, EVENT, ANY }; /* SECTIONS in steps.py */

#define DAY_SECONDS 86400
#define MAX_KEY 2048
/* The seconds of a number with more digits before the point may need an exponent. */
#define MAX_WHOLE_DIGITS 11
#define MAX_DIGITS 15
#define MAX_NUMBER 40
#define DECIMALS 3

static Span
bytes_span(PyObject *bytes)
{
    char *text = PyBytes_AsString(bytes);
    return (Span){text, text ? text + PyBytes_Size(bytes) : NULL};
}

const JsonNode *
value_at(const Line *line, PyObject *path, bool *declined)
{
    Span text = bytes_span(path), key = {text.begin + 1, text.end};
    const JsonNode *discussion;
    switch (*text.begin) {
    case TOP_LEVEL:
        return member(line->tree, line->tree->nodes, key);
    case CONTEXT:
        return member(line->tree, line->context, key);
    case DATA:
        *declined = *declined || !line->data;
        return line->data ? member(line->data_tree, line->data, key) : NULL;
    case DISCUSSION:
        *declined = *declined || !line->data;
        discussion = line->data ? member(line->data_tree, line->data, SPAN("discussion")) : NULL;
        return discussion ? member(line->data_tree, discussion, key) : NULL;
    case EVENT:
        *declined = *declined || !line->data || line->data_tree != line->tree;
        return *declined ? NULL : member(line->tree, line->data, key);
    case ANY:
        return find_first(line->tree, line->data_tree, key);
    default:
        *declined = true;
        return NULL;
    }
}

/* Return the number's value, or a negative one if Python must read it. */
static double
number_value(Span text)
{
    char copy[MAX_NUMBER + 1];
    size_t length = (size_t)(text.end - text.begin);
    if (length > MAX_NUMBER || *text.begin == '-' || memchr(text.begin, 'e', length) || memchr(text.begin, 'E', length)) {
        return -1;
    }
    memcpy(copy, text.begin, length);
    copy[length] = 0;
    double value = PyOS_string_to_double(copy, NULL, NULL);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return -1;
    }
    return value;
}

/* Return the number at the first of two paths that has one other than zero; NULL if both are empty or missing. */
static const JsonNode *
first_number(const Line *line, PyObject *path, PyObject *other_path, bool *declined)
{
    for (int i = 0; i < 2; i++) {
        PyObject *at = i ? other_path : path;
        /* The data of a form has no numbers. */
        bool is_missing = at == Py_None || (line->form && *bytes_span(at).begin == DATA);
        const JsonNode *value = is_missing ? NULL : value_at(line, at, declined);
        bool is_last = i == 1 || other_path == Py_None;
        if (*declined) {
            return NULL;
        }
        if (value && value->type == JSON_NUMBER) {
            double number = number_value(value->text);
            *declined = number < 0;
            if (number != 0 || is_last) {
                return value;
            }
        }
        else if (value && value->type != JSON_NULL && !(value->type == JSON_STRING && value->text.begin == value->text.end)) {
            *declined = true;
            return NULL;
        }
        if (is_last) {
            return NULL;
        }
    }
    return NULL;
}

/* Write a number rounded to three decimals, as Python's round() and orjson do. Return false if Python must write it. */
static bool
write_seconds(Output *output, Span text)
{
    const char *point = memchr(text.begin, '.', (size_t)(text.end - text.begin));
    Py_ssize_t whole = (point ? point : text.end) - text.begin, decimals = point ? text.end - point - 1 : 0;
    if (whole > MAX_WHOLE_DIGITS) {
        return false;
    }
    if (decimals > DECIMALS) {
        char *rounded = PyOS_double_to_string(number_value(text), 'f', DECIMALS, 0, NULL);
        if (!rounded) {
            PyErr_Clear();
            return false;
        }
        char *end = rounded + strlen(rounded);
        while (end[-1] == '0' && end[-2] != '.') {
            end--;
        }
        bool done = write_span(output, (Span){rounded, end});
        PyMem_Free(rounded);
        return done;
    }
    static const char zero[] = ".0";
    const char *end = text.end;
    while (decimals > 1 && end[-1] == '0') {
        end--;
        decimals--;
    }
    return write_span(output, (Span){text.begin, end}) && (decimals || write_span(output, (Span){zero, zero + 2}));
}

static char *
write_integer(char *at, int value)
{
    char digits[8];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count) {
        *at++ = digits[--count];
    }
    return at;
}

/* Write an ISO 8601 duration of less than a day; see caliper_duration in times.py. Return false if Python must write it. */
static bool
write_duration(Output *output, Span text)
{
    double seconds = number_value(text);
    if (seconds < 0 || seconds >= DAY_SECONDS) {
        return false;
    }
    int whole = (int)seconds;
    double exact = (seconds - whole) * 1e6;
    int microseconds = (int)exact;
    double rest = exact - microseconds;
    microseconds += rest > 0.5 || (rest == 0.5 && microseconds & 1); /* as Python rounds */
    if (microseconds == 1000000) {
        return false;
    }
    char duration[32], *at = duration;
    if (whole == 0 && microseconds == 0) {
        static const char none[] = "P0D";
        return write_span(output, (Span){none, none + 3});
    }
    *at++ = 'P';
    *at++ = 'T';
    if (whole >= 3600) {
        at = write_integer(at, whole / 3600);
        *at++ = 'H';
    }
    if (whole / 60 % 60) {
        at = write_integer(at, whole / 60 % 60);
        *at++ = 'M';
    }
    if (whole % 60 || microseconds) {
        at = write_integer(at, whole % 60);
        if (microseconds) {
            *at++ = '.';
            for (int unit = 100000; microseconds; unit /= 10) {
                *at++ = (char)('0' + microseconds / unit);
                microseconds %= unit;
            }
        }
        *at++ = 'S';
    }
    return write_span(output, (Span){duration, at});
}

/* Write a number between two texts, or another text if there is no number. The step: kind, path, path for a number that is
 * zero or missing at the first one, text before and after the number, text without a number. None as that text: it is
 * required.
 */
static int
write_number(const Line *line, PyObject *step, Output *output, bool (*write)(Output *, Span))
{
    bool declined = false;
    PyObject *without = PyTuple_GetItem(step, 5);
    const JsonNode *number = first_number(line, PyTuple_GetItem(step, 1), PyTuple_GetItem(step, 2), &declined);
    if (declined || (!number && without == Py_None)) {
        return 0;
    }
    if (!number) {
        return write_span(output, bytes_span(without));
    }
    return write_span(output, bytes_span(PyTuple_GetItem(step, 3))) && write(output, number->text) &&
           write_span(output, bytes_span(PyTuple_GetItem(step, 4)));
}

/* Write what a Python function returns for the JSON at some paths, which is cached in a dict. The step: kind, paths, dict,
 * function. The dict's keys are these JSONs, each after its type; the function gets a key, and may add it to the dict. It
 * returns None if Python must transform the event, and anything but bytes to reject it.
 */
static int
write_cached(Line *line, PyObject *step, Output *output)
{
    char memory[MAX_KEY];
    Output key = {memory, memory + MAX_KEY};
    PyObject *paths = PyTuple_GetItem(step, 1);
    Py_ssize_t count = PyTuple_Size(paths);
    for (Py_ssize_t i = 0; i < count; i++) {
        bool declined = false;
        PyObject *path = PyTuple_GetItem(paths, i);
        bool in_form = line->form && *bytes_span(path).begin == DATA;
        const JsonNode *value = in_form ? NULL : value_at(line, path, &declined);
        const char type[] = {(char)(in_form ? 'f' : value ? '0' + value->type : '-'), '\n'};
        if (declined || !write_span(&key, (Span){type, type + 1}) || (value && !write_span(&key, value->text)) ||
            !write_span(&key, (Span){type + 1, type + 2})) {
            return 0;
        }
    }
    PyObject *bytes = PyBytes_FromStringAndSize(memory, key.at - memory);
    PyObject *found = bytes ? Py_XNewRef(PyDict_GetItemWithError(PyTuple_GetItem(step, 2), bytes)) : NULL;
    if (bytes && !found && !PyErr_Occurred()) {
        found = PyObject_CallFunctionObjArgs(PyTuple_GetItem(step, 3), bytes, NULL);
    }
    Py_XDECREF(bytes);
    if (!found) {
        return -1;
    }
    int done = 0;
    if (PyBytes_Check(found)) {
        done = write_span(output, bytes_span(found));
    }
    else if (found != Py_None) {
        line->rejection = Py_NewRef(found);
    }
    Py_DECREF(found);
    return done;
}

/* Write the string at a path; it must not be empty. */
static int
write_string_at(const Line *line, PyObject *step, Output *output)
{
    bool declined = false;
    const JsonNode *string = value_at(line, PyTuple_GetItem(step, 1), &declined);
    return !declined && string && string->type == JSON_STRING && string->text.begin < string->text.end &&
           write_string(output, string);
}

static bool
is_null(const JsonNode *value)
{
    return !value || value->type == JSON_NULL;
}

/* Write the string at a path between two texts, or another text if there is none. The step: kind, path, text before and after
 * the string, text without a string.
 */
static int
write_optional(const Line *line, PyObject *step, Output *output)
{
    bool declined = false;
    const JsonNode *string = value_at(line, PyTuple_GetItem(step, 1), &declined);
    if (declined || !(is_null(string) || string->type == JSON_STRING)) {
        return 0;
    }
    if (is_null(string) || string->text.begin == string->text.end) {
        return write_span(output, bytes_span(PyTuple_GetItem(step, 4)));
    }
    return write_span(output, bytes_span(PyTuple_GetItem(step, 2))) && write_string(output, string) &&
           write_span(output, bytes_span(PyTuple_GetItem(step, 3)));
}

/* Return true for a string that is not empty and has no escapes. */
static bool
is_plain(const JsonNode *string)
{
    return string && string->type == JSON_STRING && string->text.begin < string->text.end && !string->escaped;
}

static Span
without_slashes(Span text)
{
    while (text.end > text.begin && text.end[-1] == '/') {
        text.end--;
    }
    return text;
}

/* Write a string without the parts that are equal to another one, and without slashes at its end, neither before nor after
 * the parts are removed. The step: kind, the paths of the strings.
 */
static int
write_without(const Line *line, PyObject *step, Output *output)
{
    bool declined = false;
    const JsonNode *string = value_at(line, PyTuple_GetItem(step, 1), &declined);
    const JsonNode *part = value_at(line, PyTuple_GetItem(step, 2), &declined);
    if (declined || !is_plain(string) || !is_plain(part)) {
        return 0;
    }
    Span rest = without_slashes(string->text);
    size_t length = (size_t)(part->text.end - part->text.begin);
    char *begin = output->at;
    const char *at = rest.begin;
    while (at < rest.end) {
        if ((size_t)(rest.end - at) >= length && memcmp(at, part->text.begin, length) == 0) {
            at += length;
        }
        else if (!write_span(output, (Span){at, at + 1})) {
            return 0;
        }
        else {
            at++;
        }
    }
    output->at = begin + (without_slashes((Span){begin, output->at}).end - begin);
    return 1;
}

/* Return true if Python writes a number as it is: an integer, or the shortest text of a float that needs no exponent. */
static bool
is_written_alike(Span number)
{
    const char *at = number.begin, *point = memchr(number.begin, '.', (size_t)(number.end - number.begin));
    if (*at == '-' || number.end - at > MAX_DIGITS) {
        return false;
    }
    for (; at < number.end; at++) {
        if (!is_digit(*at) && at != point) {
            return false;
        }
    }
    /* Python writes a number that is less than 0.0001 with an exponent. */
    return !point || (number.end[-1] != '0' && number_value(number) >= 0.0001) || point + 2 == number.end;
}

/* Write the number at a path. */
static int
write_plain_number(const Line *line, PyObject *step, Output *output)
{
    bool declined = false;
    const JsonNode *value = value_at(line, PyTuple_GetItem(step, 1), &declined);
    return !declined && value && value->type == JSON_NUMBER && is_written_alike(value->text) &&
           write_span(output, value->text);
}

/* Check that there is a string at a path. */
static int
check_present(const Line *line, PyObject *step)
{
    bool declined = false;
    const JsonNode *value = value_at(line, PyTuple_GetItem(step, 1), &declined);
    return !declined && value && value->type == JSON_STRING && value->text.begin < value->text.end;
}

/* Check that a string at a path is equal to a text. The step: kind, path, text. */
static int
check_equal(const Line *line, PyObject *step)
{
    bool declined = false;
    const JsonNode *value = value_at(line, PyTuple_GetItem(step, 1), &declined);
    Span text = bytes_span(PyTuple_GetItem(step, 2));
    Py_ssize_t length = text.end - text.begin;
    return !declined && value && value->type == JSON_STRING && value->text.end - value->text.begin == length &&
           memcmp(value->text.begin, text.begin, (size_t)length) == 0;
}

/* Run the first steps or, if they do not support the event, the others. The step: kind, steps, other steps. */
static int
run_either(Line *line, PyObject *step, Output *output)
{
    char *begin = output->at;
    int done = run_steps(line, PyTuple_GetItem(step, 1), output);
    if (done || line->rejection) {
        return done;
    }
    output->at = begin;
    return run_steps(line, PyTuple_GetItem(step, 2), output);
}

/* Write members of an object, without those that have no value. The step: kind, tuples of a path, and a name with a colon. */
static int
write_members(const Line *line, PyObject *step, Output *output)
{
    PyObject *members = PyTuple_GetItem(step, 1);
    Py_ssize_t count = PyTuple_Size(members);
    bool is_first = true;
    for (Py_ssize_t i = 0; i < count; i++) {
        bool declined = false;
        PyObject *path_and_name = PyTuple_GetItem(members, i);
        const JsonNode *value = value_at(line, PyTuple_GetItem(path_and_name, 0), &declined);
        if (declined) {
            return 0;
        }
        if (is_null(value) || (value->type == JSON_STRING && value->text.begin == value->text.end)) {
            continue;
        }
        if (!write_span(output, is_first ? SPAN("") : SPAN(",")) || !write_span(output, bytes_span(PyTuple_GetItem(path_and_name, 1)))) {
            return 0;
        }
        is_first = false;
        bool done = value->type == JSON_STRING
                        ? write_span(output, SPAN("\"")) && write_string(output, value) && write_span(output, SPAN("\""))
                        : value->type == JSON_NUMBER && is_written_alike(value->text) && write_span(output, value->text);
        if (!done) {
            return 0;
        }
    }
    return 1;
}

static int
write_session(const Line *line, PyObject *step, Output *output)
{
    if (line->common.session.begin == line->common.session.end) {
        return 1;
    }
    return write_span(output, bytes_span(PyTuple_GetItem(step, 1))) && write_span(output, line->common.session) &&
           write_span(output, bytes_span(PyTuple_GetItem(step, 2)));
}

/* Check that the value at a path is no duration that upstream rejects. */
static int
check_duration(const Line *line, PyObject *step)
{
    bool declined = false;
    const JsonNode *value = value_at(line, PyTuple_GetItem(step, 1), &declined);
    if (!declined && value && value->type == JSON_NUMBER) {
        double number = number_value(value->text);
        return number >= 0 && number < DAY_SECONDS;
    }
    return !declined && (!value || value->type == JSON_NULL);
}

/* Check that there is no value at a path. */
static int
is_missing(const Line *line, PyObject *step)
{
    bool declined = false;
    return !value_at(line, PyTuple_GetItem(step, 1), &declined) && !declined;
}

int
run_step(Line *line, PyObject *step, Output *output)
{
    static const char utc[] = "Z";
    switch (PyLong_AsLong(PyTuple_GetItem(step, 0))) {
    case LineStep_text:
        return write_span(output, bytes_span(PyTuple_GetItem(step, 1)));
    case LineStep_actor:
        return write_span(output, line->common.name);
    case LineStep_time:
        return write_span(output, line->common.time);
    case LineStep_milliseconds:
        return write_span(output, (Span){line->common.time.begin, line->common.time.begin + MILLISECONDS_LENGTH}) &&
               write_span(output, (Span){utc, utc + 1});
    case LineStep_id:
        return write_span(output, line->id);
    case LineStep_session:
        return write_session(line, step, output);
    case LineStep_string:
        return write_string_at(line, step, output);
    case LineStep_seconds:
        return write_number(line, step, output, write_seconds);
    case LineStep_duration:
        return write_number(line, step, output, write_duration);
    case LineStep_valid_duration:
        return check_duration(line, step);
    case LineStep_missing:
        return is_missing(line, step);
    case LineStep_cached:
        return write_cached(line, step, output);
    case LineStep_optional:
        return write_optional(line, step, output);
    case LineStep_without:
        return write_without(line, step, output);
    case LineStep_members:
        return write_members(line, step, output);
    case LineStep_number:
        return write_plain_number(line, step, output);
    case LineStep_present:
        return check_present(line, step);
    case LineStep_equal:
        return check_equal(line, step);
    case LineStep_either:
        return run_either(line, step, output);
    default:
        PyErr_SetString(PyExc_ValueError, "unknown kind of step");
        return -1;
    }
}

int
run_steps(Line *line, PyObject *steps, Output *output)
{
    Py_ssize_t count = PyTuple_Size(steps);
    int done = 1;
    for (Py_ssize_t i = 0; i < count && done == 1; i++) {
        done = run_step(line, PyTuple_GetItem(steps, i), output);
    }
    return PyErr_Occurred() ? -1 : done;
}
