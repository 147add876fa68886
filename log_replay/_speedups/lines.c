/* transform_line, the twin of statements/native/recipes.py's transform_line: from the bytes of a line to its statements,
 * without Python objects for the event's fields. It supports the usual events of the names that have recipes.
 */
#include "problems.h"

#define MAX_TEXT 32768
#define MAX_DATA 16384
#define RANGE_BITS 12 /* as in identities/ranges.py */
#define UUID_DIGITS 32

static Py_ssize_t
length_of(Span span)
{
    return span.end - span.begin;
}

static bool
is_ascii(Span text)
{
    unsigned char bits = 0;
    for (const char *at = text.begin; at < text.end; at++) {
        bits |= (unsigned char)*at; /* without an early end, compilers turn the loop into vector instructions */
    }
    return bits < 128;
}

/* Return true if a text is valid UTF-8. */
static bool
is_utf8(Span text)
{
    if (is_ascii(text)) {
        return true;
    }
    PyObject *decoded = PyUnicode_DecodeUTF8(text.begin, length_of(text), NULL);
    PyErr_Clear();
    Py_XDECREF(decoded);
    return decoded != NULL;
}

/* Return the JSON in a line; its begin is NULL if Python must look for it. */
static Span
json_in(Span line)
{
    const char *brace = line.begin < line.end ? memchr(line.begin, '{', (size_t)length_of(line)) : NULL;
    const char *end = line.end;
    while (brace && end > brace && is_white_space(end[-1])) {
        end--;
    }
    return brace && end[-1] == '}' ? (Span){brace, end} : (Span){NULL, NULL};
}

/* Return true for a string that is the data of a form: it starts as no JSON does; see JSON_STARTS in events/__init__.py. */
static bool
is_form(const JsonNode *string)
{
    static const char files[] = "[object FormData]"; /* browsers send this for a form with files */
    if (length_of(string->text) == sizeof(files) - 1 && memcmp(string->text.begin, files, sizeof(files) - 1) == 0) {
        return true;
    }
    return !string->escaped && string->text.begin < string->text.end && *string->text.begin > ' ' &&
           !strchr("{[\"-0123456789tfnNI", *string->text.begin);
}

static bool
has_members(const JsonTree *tree, const JsonNode *object)
{
    return object->after > (int)(object - tree->nodes) + 1;
}

/* Parse the JSON of an event, and its data if that is JSON in a string, for which memory is needed. Return false if Python
 * must do so.
 */
static bool
parse_line(Line *line, Span json, JsonTree *tree, JsonTree *data_tree, Output memory)
{
    if (!json.begin || !parse_json(json, tree) || !is_utf8(json)) {
        return false;
    }
    const JsonNode *root = tree->nodes;
    const JsonNode *event = member(tree, root, SPAN("event")), *context = member(tree, root, SPAN("context"));
    if (!event || member(tree, root, SPAN("data")) || member(tree, root, SPAN("timestamp"))) {
        return false;
    }
    line->tree = line->data_tree = tree;
    line->context = context && context->type == JSON_OBJECT ? context : NULL;
    line->data = event->type == JSON_OBJECT ? event : NULL;
    line->form = NULL;
    line->common.timestamp = NULL;
    if (event->type == JSON_STRING && is_form(event)) {
        line->form = event;
    }
    else if (event->type == JSON_STRING) {
        Output unescaped = memory;
        if (!write_unescaped(&unescaped, event->text) || !parse_json((Span){memory.at, unescaped.at}, data_tree)) {
            return false;
        }
        line->data_tree = data_tree;
        line->data = data_tree->nodes;
    }
    return line->context && (line->form || (line->data && line->data->type == JSON_OBJECT && has_members(line->data_tree, line->data)));
}

/* Return true if a value is false in Python. Set declined for values that no event has as a user. */
static bool
is_empty(const JsonNode *value, bool *declined)
{
    if (!value || value->type == JSON_NULL) {
        return true;
    }
    if (value->type == JSON_STRING) {
        /* In upstream's error message, the name "None" looks the same as no name. */
        *declined = *declined || value->escaped || (length_of(value->text) == 4 && memcmp(value->text.begin, "None", 4) == 0);
        return value->text.begin == value->text.end;
    }
    if (value->type != JSON_NUMBER || length_of(value->text) > 18) {
        *declined = true;
        return true;
    }
    for (const char *at = value->text.begin; at < value->text.end; at++) {
        *declined = *declined || !is_digit(*at);
    }
    return *value->text.begin == '0';
}

/* Find the user of an event as user_of() in events.c does: the last value looked at if all are empty, which may be NULL.
 * Return false if Python must find it.
 */
static bool
find_user(const Line *line, const JsonNode **user)
{
    bool declined = false;
    const Span keys[] = {SPAN("user_id"), SPAN("username")};
    for (int i = 0; i < 2 && line->data; i++) {
        *user = member(line->data_tree, line->data, keys[i]);
        if (!is_empty(*user, &declined) || declined) {
            return !declined;
        }
    }
    for (int i = 0; i < 2; i++) {
        *user = find_first(line->tree, line->data_tree, keys[i]);
        if (!is_empty(*user, &declined) || declined) {
            return !declined;
        }
    }
    return !*user || (*user)->type != JSON_NUMBER; /* the username is 0 */
}

static PyObject *
string_object(Span text)
{
    return PyUnicode_DecodeUTF8(text.begin, length_of(text), NULL);
}

/* Return the number that a text of 1 to 18 digits is; -1 for other texts. */
static long long
number_in(Span text)
{
    long long number = 0;
    if (text.begin == text.end || length_of(text) > 18) {
        return -1;
    }
    for (const char *at = text.begin; at < text.end; at++) {
        if (!is_digit(*at)) {
            return -1;
        }
        number = 10 * number + (*at - '0');
    }
    return number;
}

/* Return the user as a Python object. */
static PyObject *
user_object(const JsonNode *user)
{
    if (!user || user->type == JSON_NULL) {
        return Py_NewRef(Py_None);
    }
    if (user->type == JSON_STRING) {
        return string_object(user->text);
    }
    return PyLong_FromLongLong(number_in(user->text));
}

/* Set the line's external id from the digits of a UUID. Return its text; the begin is NULL for a user without one, who has
 * zeros.
 */
static Span
external_id_of(Line *line, const char *digits)
{
    static const int groups[] = {8, 4, 4, 4, 12};
    char *at = line->external_id;
    if (!*digits) {
        return (Span){NULL, NULL};
    }
    for (int i = 0; i < 5; i++) {
        if (i) {
            *at++ = '-';
        }
        memcpy(at, digits, (size_t)groups[i]);
        at += groups[i];
        digits += groups[i];
    }
    return (Span){line->external_id, at};
}

/* Return the external id of a user in the ranges; the begin is NULL if it is not there, or on an error. */
static Span
external_id_in_ranges(Line *line, PyObject *ranges, const JsonNode *user)
{
    long long id = line->user_id = number_in(user->text);
    Py_ssize_t at = (Py_ssize_t)(id & ((1 << RANGE_BITS) - 1)) * UUID_DIGITS;
    PyObject *number = id < 0 ? NULL : PyLong_FromLongLong(id >> RANGE_BITS);
    PyObject *digits = number ? PyDict_GetItemWithError(ranges, number) : NULL;
    Py_XDECREF(number);
    if (!digits || !PyBytes_Check(digits) || PyBytes_Size(digits) < at + UUID_DIGITS) {
        return (Span){NULL, NULL};
    }
    return external_id_of(line, PyBytes_AsString(digits) + at);
}

/* Find the external id of a user in the dicts of IdentityCache. Return false if Python must find it, on an error, or if the
 * line's rejection is set.
 */
static bool
find_external_id(Line *line, PyObject *recipes, const JsonNode *user, PyObject *user_object)
{
    PyObject *found = PyDict_GetItemWithError(PyTuple_GetItem(recipes, LineRecipes_users), user_object);
    PyObject *ranges = PyTuple_GetItem(recipes, LineRecipes_ranges);
    Span external_id = {NULL, NULL};
    if (found && PyTuple_Check(found) && PyTuple_Size(found) == User_count) {
        PyObject *text = PyTuple_GetItem(found, User_external_id);
        Py_ssize_t length = 0;
        line->user_id = PyLong_AsLongLong(PyTuple_GetItem(found, User_id));
        const char *begin = PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &length) : NULL;
        external_id = (Span){begin, begin ? begin + length : NULL};
    }
    else if (!found && !PyErr_Occurred() && ranges != Py_None) {
        external_id = external_id_in_ranges(line, ranges, user);
    }
    if (PyErr_Occurred()) {
        return false;
    }
    if (!external_id.begin && (!found || found == Py_None)) {
        line->rejection = Py_NewRef(PyTuple_GetItem(recipes, found ? LineRecipes_unknown_user : LineRecipes_not_cached));
        return false;
    }
    line->common.name = external_id;
    return external_id.begin && needs_no_escapes(external_id);
}

/* Return true if a time has no zone, and would be in the LMS's format with one. */
static bool
is_time_without_zone(Span time)
{
    static const char zone[] = "+00:00";
    char with_zone[40];
    size_t length = (size_t)length_of(time);
    if (length + sizeof(zone) > sizeof(with_zone)) {
        return false;
    }
    memcpy(with_zone, time.begin, length);
    memcpy(with_zone + length, zone, sizeof(zone) - 1);
    return is_timestamp((Span){with_zone, with_zone + length + sizeof(zone) - 1});
}

/* Find the time of an event. Return false if Python must do so. */
static bool
find_time(Line *line)
{
    const JsonNode *time = member(line->tree, line->tree->nodes, SPAN("time"));
    line->has_no_zone = false;
    if (!time) {
        line->common.time = SPAN("");
        line->common.time_in_id = SPAN("None");
        return !find_first(line->tree, line->data_tree, SPAN("time")) &&
               !find_first(line->tree, line->data_tree, SPAN("timestamp"));
    }
    line->common.time = line->common.time_in_id = time->text;
    line->has_no_zone = time->type == JSON_STRING && is_time_without_zone(time->text);
    return line->has_no_zone || (time->type == JSON_STRING && is_timestamp(time->text));
}

/* Find what all statements of an event contain. Return false if Python must do so. */
static bool
find_common(Line *line)
{
    const JsonNode *session = member(line->tree, line->tree->nodes, SPAN("session"));
    if (!session || !find_time(line)) {
        return false;
    }
    line->common.session = session->type == JSON_STRING ? session->text : SPAN("");
    return session->type == JSON_NULL ||
           (session->type == JSON_STRING && !session->escaped && needs_no_escapes(session->text));
}

/* Return the rejection of an event for its time, or NULL. */
static PyObject *
time_rejection(const Line *line, PyObject *recipe)
{
    bool has_no_time = !length_of(line->common.time);
    PyObject *rejection = PyTuple_GetItem(recipe, has_no_time ? LineRecipe_no_time : LineRecipe_no_zone);
    return (has_no_time || line->has_no_zone) && rejection != Py_None ? rejection : NULL;
}

static bool
is_caliper(PyObject *recipe)
{
    return PyTuple_GetItem(recipe, LineRecipe_before_name_in_id) == Py_None;
}

/* Remove the timestamp of a statement without a time. */
static void
remove_timestamp(Output *output, const char *begin)
{
    static const char timestamp[] = ",\"timestamp\":\"\"";
    const size_t length = sizeof(timestamp) - 1;
    const char *at = begin;
    while ((at = memchr(at, ',', (size_t)(output->at - at)))) {
        if ((size_t)(output->at - at) >= length && memcmp(at, timestamp, length) == 0) {
            memmove((char *)begin + (at - begin), at + length, (size_t)(output->at - at) - length);
            output->at -= length;
            return;
        }
        at++;
    }
}

/* Write the id of a line's statement. Return 0, or -1 on an error. */
static int
write_line_id(const Keys *keys, const Line *line, PyObject *recipe, Span json, char *id)
{
    PyObject *before = PyTuple_GetItem(recipe, LineRecipe_before_name_in_id), *named;
    if (before == Py_None) {
        named = PyBytes_FromStringAndSize(json.begin, length_of(json));
    }
    else {
        PyObject *after = PyTuple_GetItem(recipe, LineRecipe_after_name_in_id);
        const char *before_name = PyBytes_AsString(before), *after_name = PyBytes_AsString(after);
        if (!before_name || !after_name) {
            return -1;
        }
        const Span spans[] = {
            {before_name, before_name + PyBytes_Size(before)}, line->common.name,
            {after_name, after_name + PyBytes_Size(after)}, line->common.time_in_id,
        };
        named = joined(spans, 4);
    }
    int failed = named ? write_id(keys, PyTuple_GetItem(recipe, LineRecipe_new_digest), named, id) : -1;
    Py_XDECREF(named);
    return failed;
}

/* Return the statement of a line in a tuple; NULL if Python must transform the line, or on an error. */
static PyObject *
statements_of(const Keys *keys, Line *line, PyObject *recipe, PyObject *type, Span json)
{
    static const char urn[] = "urn:uuid:";
    char id[sizeof(urn) - 1 + UUID_LENGTH], text[MAX_TEXT], utc[MILLISECONDS_LENGTH + 1];
    Output output = {text, text + MAX_TEXT};
    PyObject *rejection = time_rejection(line, recipe);
    memcpy(id, urn, sizeof(urn) - 1);
    PyObject *problem = PyTuple_GetItem(recipe, LineRecipe_problem);
    if (problem != Py_None) {
        return problem_statements(keys, line, problem, rejection, type);
    }
    if (write_line_id(keys, line, recipe, json, id + sizeof(urn) - 1) < 0) {
        return NULL;
    }
    line->id = (Span){is_caliper(recipe) ? id : id + sizeof(urn) - 1, id + sizeof(id)};
    if (run_steps(line, PyTuple_GetItem(recipe, LineRecipe_steps), &output) <= 0) {
        return NULL;
    }
    if (rejection) { /* for xAPI, upstream reads the time last */
        line->rejection = Py_NewRef(rejection);
        return NULL;
    }
    if (!length_of(line->common.time)) {
        remove_timestamp(&output, text);
    }
    else {
        memcpy(utc, line->common.time.begin, MILLISECONDS_LENGTH);
        utc[MILLISECONDS_LENGTH] = 'Z';
    }
    PyObject *const items[Statement_count] = {
        [Statement_id] = string_object(line->id),
        [Statement_timestamp] = is_caliper(recipe) ? PyUnicode_FromStringAndSize(utc, sizeof(utc)) : string_object(line->common.time),
        [Statement_text] = PyBytes_FromStringAndSize(text, output.at - text),
    };
    PyObject *const statements[] = {new_named_tuple(type, Statement_count, items)};
    return new_tuple(1, statements);
}

/* Return the course of an event; NULL if it has none. */
static const JsonNode *
course_of(const Line *line)
{
    const JsonNode *course = member(line->tree, line->context, SPAN("course_id"));
    return course && course->type == JSON_STRING && !course->escaped ? course : NULL;
}

/* Return the course of an event as a Python object. */
static PyObject *
course_object(const Line *line)
{
    const JsonNode *course = course_of(line);
    return course ? string_object(course->text) : Py_NewRef(Py_None);
}

/* Add an event to a tally, or append a NotedEvent to a list. If the event is rejected, statements is None. Return 0, or -1 on an
 * error.
 */
static int
note(PyObject *noted, const Line *line, PyObject *user, PyObject *statements, long long offset)
{
    if (noted == Py_None) {
        return 0;
    }
    if (!PyList_Check(noted) && statements != Py_None) {
        const JsonNode *course = course_of(line);
        return tally_event(noted, offset, line->user_id, course ? course->text : SPAN(""), statements);
    }
    if (!PyList_Check(noted)) {
        PyObject *course = course_object(line);
        int failed = course ? tally_reject(noted, PyTuple_GetItem(line->rejection, 0), user, course) : -1;
        Py_XDECREF(course);
        return failed;
    }
    PyObject *const items[NotedEvent_count] = {
        [NotedEvent_user] = Py_NewRef(user),
        [NotedEvent_course_id] = course_object(line),
        [NotedEvent_statements] = Py_NewRef(statements),
        [NotedEvent_offset] = PyLong_FromLongLong(offset),
    };
    PyObject *tuple = new_tuple(NotedEvent_count, items);
    int failed = tuple ? PyList_Append(noted, tuple) : -1;
    Py_XDECREF(tuple);
    return failed;
}

/* Return the recipe for an event, as a borrowed reference; NULL if it has none, or on an error. */
static PyObject *
recipe_of(const Line *line, PyObject *by_name)
{
    const JsonNode *name = member(line->tree, line->tree->nodes, SPAN("name"));
    PyObject *key = name && name->type == JSON_STRING && !name->escaped ? string_object(name->text) : NULL;
    PyObject *recipe = key ? PyDict_GetItemWithError(by_name, key) : NULL;
    Py_XDECREF(key);
    if (recipe && (!PyTuple_Check(recipe) || PyTuple_Size(recipe) != LineRecipe_count)) {
        PyErr_SetString(PyExc_TypeError, "not a recipe");
        return NULL;
    }
    return recipe;
}

/* Return an event that is transformed or rejected, or the user and the course that must be looked up first. */
static PyObject *
result_of(
    PyObject *const *arguments, const Line *line, PyObject *recipe, PyObject *user, PyObject *statements, long long offset)
{
    PyObject *recipes = arguments[4], *noted = arguments[10];
    if (line->rejection == PyTuple_GetItem(recipes, LineRecipes_not_cached)) {
        PyObject *const items[] = {Py_NewRef(user), course_object(line)};
        return new_tuple(2, items);
    }
    if (note(noted, line, user, statements ? statements : Py_None, offset) < 0) {
        return NULL;
    }
    PyObject *const place[Position_count] = {
        [Position_object] = Py_NewRef(arguments[5]),
        [Position_offset] = PyLong_FromLongLong(offset),
    };
    PyObject *position = new_named_tuple(arguments[2], Position_count, place);
    PyObject *name = Py_NewRef(PyTuple_GetItem(recipe, LineRecipe_name));
    if (statements) {
        PyObject *const items[TransformedEvent_count] = {
            [TransformedEvent_position] = position,
            [TransformedEvent_name] = name,
            [TransformedEvent_statements] = Py_NewRef(statements),
            [TransformedEvent_routes] = Py_NewRef(Py_None),
        };
        return new_named_tuple(arguments[0], TransformedEvent_count, items);
    }
    PyObject *const items[Rejected_count] = {
        [Rejected_position] = position,
        [Rejected_reason] = Py_XNewRef(PyTuple_GetItem(line->rejection, 0)),
        [Rejected_name] = name,
        [Rejected_unparsable] = Py_NewRef(Py_False),
        [Rejected_detail] = Py_XNewRef(PyTuple_GetItem(line->rejection, 1)),
    };
    return new_named_tuple(arguments[1], Rejected_count, items);
}

PyObject *
transform_line(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    JsonTree tree, data_tree;
    char data_memory[MAX_DATA];
    Line line = {.rejection = NULL};
    if (count != 11) {
        PyErr_SetString(PyExc_TypeError, "transform_line takes eleven arguments");
        return NULL;
    }
    PyObject *recipes = arguments[4];
    Py_ssize_t begin = PyLong_AsSsize_t(arguments[7]), end = PyLong_AsSsize_t(arguments[8]);
    long long start = PyLong_AsLongLong(arguments[9]);
    Py_buffer buffer;
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (!PyTuple_Check(recipes) || PyTuple_Size(recipes) != LineRecipes_count) {
        PyErr_SetString(PyExc_TypeError, "not recipes");
        return NULL;
    }
    if (PyObject_GetBuffer(arguments[6], &buffer, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *recipe = NULL, *user = NULL, *statements = NULL, *result = NULL;
    const JsonNode *user_node;
    if (begin < 0 || begin > end || end > buffer.len) {
        PyErr_SetString(PyExc_ValueError, "the line is not within the text");
        goto done;
    }
    const char *text = buffer.buf;
    Span json = json_in((Span){text + begin, text + end});
    if (!parse_line(&line, json, &tree, &data_tree, (Output){data_memory, data_memory + MAX_DATA}) || !find_common(&line)) {
        goto done;
    }
    recipe = recipe_of(&line, PyTuple_GetItem(recipes, LineRecipes_by_name));
    if (!recipe || !find_user(&line, &user_node)) {
        goto done;
    }
    user = user_object(user_node);
    bool declined = false;
    PyObject *rejection = time_rejection(&line, recipe);
    if (rejection && is_caliper(recipe)) { /* upstream reads the time first */
        line.rejection = Py_NewRef(rejection);
    }
    else if (is_empty(user_node, &declined)) {
        line.rejection = Py_NewRef(PyTuple_GetItem(recipes, LineRecipes_anonymous));
    }
    else if (user && find_external_id(&line, recipes, user_node, user)) {
        statements = statements_of(PyModule_GetState(module), &line, recipe, arguments[3], json);
    }
    if ((statements || line.rejection) && !PyErr_Occurred()) {
        result = result_of(arguments, &line, recipe, user, statements, start + begin);
    }
done:
    PyBuffer_Release(&buffer);
    Py_XDECREF(user);
    Py_XDECREF(statements);
    Py_XDECREF(line.rejection);
    if (result || PyErr_Occurred()) {
        return result;
    }
    return Py_NewRef(Py_None);
}
