/* What the functions in C have in common. They do what others in Python do, only faster: properties hold them together,
 * and what is out of the ordinary they leave to Python.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <string.h>

typedef struct {
    const char *begin;
    const char *end;
} Span;

static inline bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The keys of an event that are looked for, and the methods of a digest: interned, so that they are found sooner. */
#define KEYS(KEY)                                                                                                      \
    KEY(event) KEY(data) KEY(timestamp) KEY(time) KEY(name) KEY(context) KEY(user_id) KEY(username) KEY(course_id)     \
        KEY(session) KEY(update) KEY(digest)

typedef struct {
#define KEY(key) PyObject *key;
    KEYS(KEY)
#undef KEY
} Keys;

/* Return what stands under a key, borrowed, or NULL; then an error may be set. */
static inline PyObject *
look(PyObject *dict, PyObject *key)
{
    return PyDict_GetItemWithError(dict, key);
}

/* Return a tuple that takes over these items, of which any may be NULL after an error: then there is none. */
PyObject *new_tuple(int count, PyObject *const *items);

/* The same as an instance of a named tuple. */
PyObject *new_named_tuple(PyObject *type, int count, PyObject *const *items);

/* What Python can call; each is documented where it is defined. */
PyObject *classify_lines(PyObject *module, PyObject *arguments);
PyObject *read_event(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *xapi_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *caliper_statement(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
