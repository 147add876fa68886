/* What a dry run reports about transformed events: counts of their statements, courses and users. count_statements is the twin
 * of the Python function of this name in inspect/counting.py. A tally counts the events that transform_line transforms, while
 * their statements are in the processor's cache.
 */
#include <stdlib.h>

#include "speedups.h"

#define SMALLEST_SPACE 64 /* a power of 2 */
#define NO_ID LLONG_MIN
#define TALLY "log_replay.tally"

/* A set of ids, in a hash table with open addressing. A free place has NO_ID. */
typedef struct {
    long long *places;
    size_t space;
    size_t used;
} Ids;

typedef struct {
    Hours hours;
    Minute minute;
    PyObject *key_bytes;
    Needle key;         /* the text before a statement's verb */
    Py_ssize_t key_at;  /* where it was in the last statement that C code made */
    Py_ssize_t threshold;
    long long size;
    Py_ssize_t longest;
    Py_ssize_t untimed;
    TextCounts verbs;
    TextCounts courses;
    Py_ssize_t without_course;
    Ids users;
    PyObject *long_ones;
    PyObject *others;
    PyObject *rejected;
} Tally;

static int
no_memory(void)
{
    PyErr_NoMemory();
    return -1;
}

static void
put_id(Ids *ids, long long id)
{
    size_t at = (size_t)mixed(0, (uint64_t)id) & (ids->space - 1);
    while (ids->places[at] != NO_ID && ids->places[at] != id) {
        at = (at + 1) & (ids->space - 1);
    }
    ids->used += ids->places[at] == NO_ID;
    ids->places[at] = id;
}

/* Add an id to a set. Return 0, or -1 on an error. */
static int
add_id(Ids *ids, long long id)
{
    if (2 * ids->used >= ids->space) {
        Ids larger = {NULL, ids->space ? 4 * ids->space : SMALLEST_SPACE, 0};
        larger.places = PyMem_Malloc(larger.space * sizeof(long long));
        if (!larger.places) {
            return no_memory();
        }
        for (size_t i = 0; i < larger.space; i++) {
            larger.places[i] = NO_ID;
        }
        for (size_t i = 0; i < ids->space; i++) {
            if (ids->places[i] != NO_ID) {
                put_id(&larger, ids->places[i]);
            }
        }
        PyMem_Free(ids->places);
        *ids = larger;
    }
    put_id(ids, id);
    return 0;
}

/* Return the ids as bytes, or NULL on an error. They are moved to the beginning of the set's memory. */
static PyObject *
id_bytes(Ids *ids)
{
    size_t count = 0;
    for (size_t i = 0; i < ids->space; i++) {
        if (ids->places[i] != NO_ID) {
            ids->places[count++] = ids->places[i];
        }
    }
    return PyBytes_FromStringAndSize((const char *)ids->places, (Py_ssize_t)(count * sizeof(long long)));
}

/* Return the verb of a statement: the value after the first occurrence of the key. If there is none, begin is NULL.
 *
 * In statements that C code makes, nothing before the verb can contain the key, and it is usually where it was in the statement
 * before. The search takes 370 instructions, this comparison 10.
 */
static Span
verb_of(Tally *tally, const char *text, const char *end, bool made_in_c)
{
    const Needle *key = &tally->key;
    const char *at = text + tally->key_at;
    if (!made_in_c || end - at < key->length || memcmp(at, key->text, (size_t)key->length) != 0) {
        at = find_needle(text, end, key);
        if (!at) {
            return (Span){NULL, NULL};
        }
        tally->key_at = at - text;
    }
    const char *value = at + key->length, *quote = memchr(value, '"', (size_t)(end - value));
    return quote ? (Span){value, quote} : (Span){NULL, NULL};
}

/* Append the offset of an event and the text of one of its statements to a list. Return 0, or -1 on an error. */
static int
append_text(PyObject *list, long long offset, PyObject *text)
{
    PyObject *const items[] = {PyLong_FromLongLong(offset), Py_NewRef(text)};
    PyObject *pair = new_tuple(2, items);
    int done = pair ? PyList_Append(list, pair) : -1;
    Py_XDECREF(pair);
    return done;
}

/* Count one statement of the event at an offset. Return 0, or -1 on an error. */
static int
count_statement(Tally *tally, PyObject *statement, long long offset, bool made_in_c)
{
    char *text;
    Py_ssize_t length, time_length;
    PyObject *timestamp = PyTuple_GetItem(statement, Statement_timestamp);
    PyObject *body = timestamp ? PyTuple_GetItem(statement, Statement_text) : NULL;
    if (!body || PyBytes_AsStringAndSize(body, &text, &length) < 0) {
        return -1;
    }
    tally->size += length;
    if (length > tally->longest) {
        tally->longest = length;
    }
    if (length > tally->threshold && append_text(tally->long_ones, offset, body) < 0) {
        return -1;
    }
    const char *time = PyUnicode_AsUTF8AndSize(timestamp, &time_length);
    if (!time) {
        PyErr_Clear();
    }
    long long microseconds = time ? microseconds_of(time, time + time_length, &tally->minute) : -1;
    if (microseconds < 0) {
        tally->untimed++;
    }
    else if (!count_hour(&tally->hours, microseconds)) {
        return no_memory();
    }
    Span verb = verb_of(tally, text, text + length, made_in_c);
    if (!verb.begin) {
        return append_text(tally->others, offset, body);
    }
    return count_text(&tally->verbs, verb, 1) ? 0 : no_memory();
}

/* Count the statements of an event. Return their number, or -1 on an error. */
static Py_ssize_t
count_statements_of(Tally *tally, PyObject *statements, long long offset, bool made_in_c)
{
    Py_ssize_t count = PyTuple_Size(statements);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (count_statement(tally, PyTuple_GetItem(statements, i), offset, made_in_c) < 0) {
            return -1;
        }
    }
    return count;
}

static void
end_tally(Tally *tally)
{
    Py_CLEAR(tally->key_bytes);
    Py_CLEAR(tally->long_ones);
    Py_CLEAR(tally->others);
    Py_CLEAR(tally->rejected);
    free(tally->hours.counts);
    free_texts(&tally->verbs);
    free_texts(&tally->courses);
    PyMem_Free(tally->users.places);
}

/* Begin a tally. Return 0, or -1 on an error. */
static int
begin_tally(Tally *tally, PyObject *key, PyObject *threshold)
{
    *tally = (Tally){.threshold = PyLong_AsSsize_t(threshold), .minute = {.minutes = NO_MINUTE}};
    if (tally->threshold == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (!PyBytes_Check(key) || PyBytes_Size(key) < 2) {
        PyErr_SetString(PyExc_TypeError, "the key of verbs is not bytes, or too short");
        return -1;
    }
    tally->key_bytes = Py_NewRef(key);
    tally->key = (Needle){PyBytes_AsString(key), PyBytes_Size(key), 0};
    tally->long_ones = PyList_New(0);
    tally->others = PyList_New(0);
    tally->rejected = PyList_New(0);
    if (!tally->long_ones || !tally->others || !tally->rejected) {
        end_tally(tally);
        return -1;
    }
    return 0;
}

/* Return a plain tuple with the fields of CountedStatements, or NULL on an error. */
static PyObject *
counted_statements(Tally *tally)
{
    PyObject *const items[CountedStatements_count] = {
        [CountedStatements_size_bytes] = PyLong_FromLongLong(tally->size),
        [CountedStatements_longest_bytes] = PyLong_FromSsize_t(tally->longest),
        [CountedStatements_untimed] = PyLong_FromSsize_t(tally->untimed),
        [CountedStatements_hours] = hour_dict(&tally->hours),
        [CountedStatements_verbs] = text_dict(&tally->verbs, false),
        [CountedStatements_long] = Py_NewRef(tally->long_ones),
        [CountedStatements_others] = Py_NewRef(tally->others),
    };
    return new_tuple(CountedStatements_count, items);
}

PyObject *
count_statements(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Tally tally;
    if (count != 3 || !PyList_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "count_statements takes a list, a key and a length");
        return NULL;
    }
    if (begin_tally(&tally, arguments[1], arguments[2]) < 0) {
        return NULL;
    }
    bool failed = false;
    Py_ssize_t events = PyList_Size(arguments[0]);
    for (Py_ssize_t i = 0; i < events && !failed; i++) {
        PyObject *event = PyList_GetItem(arguments[0], i);
        PyObject *statements = PyTuple_GetItem(event, NotedEvent_statements);
        PyObject *at = statements ? PyTuple_GetItem(event, NotedEvent_offset) : NULL;
        long long offset = at ? PyLong_AsLongLong(at) : -1;
        failed = PyErr_Occurred() || count_statements_of(&tally, statements, offset, false) < 0;
    }
    PyObject *counted = failed ? NULL : counted_statements(&tally);
    end_tally(&tally);
    return counted;
}

static void
free_tally(PyObject *capsule)
{
    Tally *tally = PyCapsule_GetPointer(capsule, TALLY);
    if (tally) {
        end_tally(tally);
        PyMem_Free(tally);
    }
}

PyObject *
new_tally(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "new_tally takes two arguments");
        return NULL;
    }
    Tally *tally = PyMem_Malloc(sizeof(Tally));
    if (!tally) {
        return PyErr_NoMemory();
    }
    if (begin_tally(tally, arguments[0], arguments[1]) < 0) {
        PyMem_Free(tally);
        return NULL;
    }
    PyObject *capsule = PyCapsule_New(tally, TALLY, free_tally);
    if (!capsule) {
        end_tally(tally);
        PyMem_Free(tally);
    }
    return capsule;
}

int
tally_event(PyObject *capsule, long long offset, long long user_id, Span course, PyObject *statements)
{
    Tally *tally = PyCapsule_GetPointer(capsule, TALLY);
    Py_ssize_t number = tally ? count_statements_of(tally, statements, offset, true) : -1;
    if (number < 0 || add_id(&tally->users, user_id) < 0) {
        return -1;
    }
    if (course.begin == course.end) {
        tally->without_course += number;
        return 0;
    }
    return count_text(&tally->courses, course, number) ? 0 : no_memory();
}

int
tally_reject(PyObject *capsule, PyObject *reason, PyObject *user, PyObject *course)
{
    Tally *tally = PyCapsule_GetPointer(capsule, TALLY);
    PyObject *rejected = tally && reason ? PyTuple_Pack(3, reason, user, course) : NULL;
    int failed = rejected ? PyList_Append(tally->rejected, rejected) : -1;
    Py_XDECREF(rejected);
    return failed;
}

/* Return a dict of the numbers of statements by course, empty for those without a course; NULL on an error. */
static PyObject *
course_dict(const Tally *tally)
{
    PyObject *courses = text_dict(&tally->courses, true);
    if (courses && tally->without_course &&
        add_count(courses, PyUnicode_FromStringAndSize(NULL, 0), tally->without_course) < 0) {
        Py_CLEAR(courses);
    }
    return courses;
}

PyObject *
count_tally(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 1) {
        PyErr_SetString(PyExc_TypeError, "count_tally takes one argument");
        return NULL;
    }
    Tally *tally = PyCapsule_GetPointer(arguments[0], TALLY);
    if (!tally) {
        return NULL;
    }
    PyObject *const items[CountedEvents_count] = {
        [CountedEvents_statements] = counted_statements(tally),
        [CountedEvents_courses] = course_dict(tally),
        [CountedEvents_users] = id_bytes(&tally->users),
        [CountedEvents_rejected] = Py_NewRef(tally->rejected),
    };
    return new_tuple(CountedEvents_count, items);
}
