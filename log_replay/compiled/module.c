/* The module ``log_replay.compiled.functions``. */
#include "compiled.h"

PyObject *
new_tuple(PyObject *type, int count, PyObject *const *items)
{
    PyObject *made = NULL;
    bool complete = true;
    for (int i = 0; i < count; i++) {
        complete = complete && items[i];
    }
    if (complete && PyType_Check(type) && PyType_IsSubtype((PyTypeObject *)type, &PyTuple_Type)) {
        /* What tuple.__new__ does, without a tuple to copy from. */
        made = PyType_GenericAlloc((PyTypeObject *)type, count);
    }
    else if (complete) {
        PyErr_SetString(PyExc_TypeError, "not a type of tuples");
    }
    for (int i = 0; i < count; i++) {
        if (made) {
            PyTuple_SetItem(made, i, items[i]);
        }
        else {
            Py_XDECREF(items[i]);
        }
    }
    return made;
}

#define FAST(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL

static PyMethodDef methods[] = {
    {"sift", sift, METH_VARARGS, "Sift the lines of a text; see prefilter.sift_in_python."},
    {"read_event", FAST(read_event), "Read a plain line's event as parse_event does; None: it must decide."},
    {"xapi_statement", FAST(xapi_statement), "Put together what finished_in_python does; None: it must."},
    {"caliper_statement", FAST(caliper_statement), "Put together what envelope_in_python does; None: it must."},
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
