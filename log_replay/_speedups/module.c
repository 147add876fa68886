/* The module ``log_replay._speedups.functions``. */
#include "speedups.h"

PyObject *
new_tuple(int count, PyObject *const *items)
{
    PyObject *made = PyTuple_New(count);
    bool complete = made != NULL;
    for (int i = 0; i < count; i++) {
        complete = complete && items[i];
        if (made) {
            PyTuple_SetItem(made, i, items[i]);
        }
        else {
            Py_XDECREF(items[i]);
        }
    }
    if (!complete) {
        Py_CLEAR(made);
    }
    return made;
}

PyObject *
new_named_tuple(PyObject *type, int count, PyObject *const *items)
{
    PyObject *plain = new_tuple(count, items), *made = NULL;
    if (!PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, &PyTuple_Type)) {
        PyErr_SetString(PyExc_TypeError, "not a type of tuples");
    }
    else if (plain) {
        /* tuple.__new__ itself: a tuple may hold more than its items, since Python 3.14 its hash. */
        newfunc tuple_new = (newfunc)PyType_GetSlot(&PyTuple_Type, Py_tp_new);
        PyObject *arguments = PyTuple_Pack(1, plain);
        made = arguments ? tuple_new((PyTypeObject *)type, arguments, NULL) : NULL;
        Py_XDECREF(arguments);
    }
    Py_XDECREF(plain);
    return made;
}

#define FAST(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL

static PyMethodDef methods[] = {
    {"classify_lines", classify_lines, METH_VARARGS, "Classify the lines of a text; see prefilter.classify_in_python."},
    {"read_event", FAST(read_event), "Read a plain line's event as parse_event does; None: it must decide."},
    {"xapi_statement", FAST(xapi_statement), "Put together what build_statement_in_python does; None: it must."},
    {"caliper_statement", FAST(caliper_statement), "Put together what build_envelope_in_python does; None: it must."},
    {NULL, NULL, 0, NULL},
};

static int
intern_keys(PyObject *module)
{
    Keys *keys = PyModule_GetState(module);
#define KEY(key)                                                                                                       \
    keys->key = PyUnicode_InternFromString(#key);                                                                      \
    if (!keys->key) {                                                                                                  \
        return -1;                                                                                                     \
    }
    KEYS(KEY)
#undef KEY
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, intern_keys}, {0, NULL}};

/* The keys are interned and live as long as the process, as does the module. */
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "functions", NULL, sizeof(Keys), methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_functions(void)
{
    return PyModuleDef_Init(&definition);
}
