/* The usual problem_check events: of browsers, with the data of a form, and of the server, with a submission. */
#include "problems.h"

#define MAX_FRAGMENTS 32768
#define MAX_QUESTIONS 64
#define MAX_DIGITS 400 /* Python does not write numbers with thousands of digits */
#define NONE ((Span){NULL, NULL})

/* The parts of an event that its statements are built from. */
typedef struct {
    const Keys *keys;
    Line *line;
    PyObject *texts;        /* ProblemTexts */
    PyObject *type;         /* the class of statements */
    const JsonNode *answers; /* the submission, or NULL */
    int questions;          /* its length if it has several answers, or 0 */
    Span problem;           /* the usage key */
    bool has_no_referer;    /* upstream rejects the event after the object's definition */
    bool has_no_id;         /* upstream finds no usage key, and rejects the event after everything else */
} Problem;

static Py_ssize_t
length_of(Span span)
{
    return span.end - span.begin;
}

static bool
is_text(const JsonNode *value)
{
    return value && value->type == JSON_STRING;
}

static bool
has_text(const JsonNode *value)
{
    return is_text(value) && value->text.begin < value->text.end;
}

/* Return true if there is no value, null or an empty text. */
static bool
is_empty(const JsonNode *value)
{
    return !value || value->type == JSON_NULL || (is_text(value) && !has_text(value));
}

static bool
equals(Span text, Span other)
{
    return length_of(text) == length_of(other) && memcmp(text.begin, other.begin, (size_t)length_of(text)) == 0;
}

static PyObject *
item(const Problem *problem, int field)
{
    return PyTuple_GetItem(problem->texts, field);
}

static Span
text_of(const Problem *problem, int field)
{
    PyObject *bytes = item(problem, field);
    const char *text = PyBytes_AsString(bytes);
    return (Span){text, text ? text + PyBytes_Size(bytes) : NULL};
}

/* Return a member of the data. Set declined if Python's Finder would find another value for this key. */
static const JsonNode *
in_data(const Line *line, Span key, bool *declined)
{
    const JsonNode *value = line->data ? member(line->data_tree, line->data, key) : NULL;
    const JsonNode *found = find_first(line->tree, line->data_tree, key);
    *declined = *declined || (found != value && !(!found && value->type == JSON_NULL));
    return value;
}

/* Write the interaction type for a response type; "other" if it is missing. Return false if Python must do so. */
static bool
write_interaction_type(const Problem *problem, const JsonNode *response_type, Output *output)
{
    PyObject *found = NULL;
    if (response_type && response_type->type != JSON_NULL) {
        if (response_type->type != JSON_STRING || response_type->escaped) {
            return false;
        }
        Span name = response_type->text;
        PyObject *key = PyUnicode_DecodeUTF8(name.begin, length_of(name), NULL);
        found = key ? PyDict_GetItemWithError(item(problem, ProblemTexts_interaction_types), key) : NULL;
        Py_XDECREF(key);
    }
    if (!found) {
        return write_span(output, SPAN("other"));
    }
    const char *text = PyBytes_AsString(found);
    return text && write_span(output, (Span){text, text + PyBytes_Size(found)});
}

/* Write the number of attempts as an extension, if there is one. */
static bool
write_attempts(const Problem *problem, Output *output)
{
    const Line *line = problem->line;
    const JsonNode *attempts = line->data ? member(line->data_tree, line->data, SPAN("attempts")) : NULL;
    if (!attempts || attempts->type == JSON_NULL || equals(attempts->text, SPAN("0"))) {
        return true;
    }
    if (attempts->type != JSON_NUMBER || length_of(attempts->text) > MAX_DIGITS) {
        return false;
    }
    for (const char *at = attempts->text.begin; at < attempts->text.end; at++) {
        if (!is_digit(*at)) {
            return false;
        }
    }
    return write_span(output, text_of(problem, ProblemTexts_attempts)) && write_span(output, attempts->text) &&
           write_span(output, SPAN("}"));
}

/* Write a definition. The words are a name or a description, or NULL; response_type gives the interaction type. */
static bool
write_definition(
    const Problem *problem, Span member_name, const JsonNode *words, const JsonNode *response_type, bool is_group,
    Output *output)
{
    if (!write_span(output, text_of(problem, ProblemTexts_definition)) || !write_attempts(problem, output)) {
        return false;
    }
    if (words) {
        if (!is_text(words) || !write_span(output, member_name) || !write_string(output, words) ||
            !write_span(output, SPAN("\"}"))) {
            return false;
        }
    }
    if (!write_span(output, SPAN(",\"interactionType\":\""))) {
        return false;
    }
    if (is_group) {
        return response_type && response_type->type == JSON_STRING && write_span(output, SPAN("other\"}"));
    }
    return write_interaction_type(problem, response_type, output) && write_span(output, SPAN("\"}"));
}

/* Reject the event: everything that upstream uses before was valid. Return false. */
static bool
reject(const Problem *problem, int reason)
{
    problem->line->rejection = Py_NewRef(item(problem, reason));
    return false;
}

/* Write the activity of a block. A group has another type. */
static bool
write_activity(
    const Problem *problem, Span key, Span rest_of_key, const JsonNode *answer, bool is_group, Output *output)
{
    const Line *line = problem->line;
    if (!write_span(output, text_of(problem, ProblemTexts_iri)) || !write_span(output, key) ||
        !write_span(output, rest_of_key) ||
        !write_span(
            output, is_group ? SPAN("\",\"objectType\":\"GroupActivity\",\"definition\":")
                             : SPAN("\",\"objectType\":\"Activity\",\"definition\":"))) {
        return false;
    }
    bool done;
    if (answer) {
        const JsonNode *question = member(line->data_tree, answer, SPAN("question"));
        const JsonNode *response_type = member(line->data_tree, answer, SPAN("response_type"));
        if (!is_text(question)) {
            return reject(problem, question ? ProblemTexts_no_text : ProblemTexts_no_question);
        }
        done = write_definition(
            problem, SPAN(",\"description\":{\"en-US\":\""), question, response_type, is_group, output);
    }
    else {
        const JsonNode *name = find_first(line->tree, line->data_tree, SPAN("display_name"));
        const JsonNode *response_type = find_first(line->tree, line->data_tree, SPAN("response_type"));
        name = is_empty(name) ? NULL : name;
        done = write_definition(problem, SPAN(",\"name\":{\"en-US\":\""), name, response_type, false, output);
    }
    return done && write_span(output, SPAN("}"));
}

/* Write a list of texts as upstream does: as the JSON of its JSON. */
static bool
write_list(const JsonTree *tree, const JsonNode *list, Output *output)
{
    bool is_first = true;
    if (!write_span(output, SPAN("["))) {
        return false;
    }
    for (int i = (int)(list - tree->nodes) + 1; i < list->after; i = tree->nodes[i].after) {
        const JsonNode *value = &tree->nodes[i];
        if (value->type != JSON_STRING || !write_span(output, is_first ? SPAN("") : SPAN(", ")) ||
            !write_span(output, SPAN("\\\"")) || !write_string_twice(output, value) ||
            !write_span(output, SPAN("\\\""))) {
            return false;
        }
        is_first = false;
    }
    return write_span(output, SPAN("]"));
}

/* Write the members success and response of a result. before is written before the first one. */
static bool
write_result_members(const Problem *problem, const JsonNode *answer, bool has_members, Output *output)
{
    const JsonTree *tree = problem->line->data_tree;
    const JsonNode *value = member(tree, answer, SPAN("answer")), *correct = member(tree, answer, SPAN("correct"));
    if (!value) {
        return reject(problem, ProblemTexts_no_answer);
    }
    if ((correct && correct->type != JSON_NULL && correct->type != JSON_TRUE && correct->type != JSON_FALSE)) {
        return false;
    }
    if (correct && correct->type != JSON_NULL) {
        const Span success = correct->type == JSON_TRUE ? SPAN("\"success\":true") : SPAN("\"success\":false");
        if (!write_span(output, has_members ? SPAN(",") : SPAN("")) || !write_span(output, success)) {
            return false;
        }
        has_members = true;
    }
    if (value->type == JSON_NULL) {
        return true;
    }
    if (!write_span(output, has_members ? SPAN(",\"response\":\"") : SPAN("\"response\":\""))) {
        return false;
    }
    bool done = value->type == JSON_STRING  ? write_string(output, value)
                : value->type == JSON_ARRAY ? write_list(tree, value, output)
                                            : false;
    return done && write_span(output, SPAN("\""));
}

/* Return the text that a step writes into the memory; its begin is NULL if Python must transform the event, or on an error. */
static Span
step_text(const Problem *problem, int field, Output *output)
{
    const char *begin = output->at;
    return run_step(problem->line, item(problem, field), output) == 1 ? (Span){begin, output->at} : NONE;
}

/* Do the same for a step whose rejection may not be the first one: then Python must reject the event. */
static Span
later_step_text(const Problem *problem, int field, Output *output)
{
    Span text = step_text(problem, field, output);
    Py_CLEAR(problem->line->rejection);
    return text;
}

/* Find the usage key of a browser event's problem: in the page's address, or else in the names of the form's fields. */
static bool
find_problem_of_form(Problem *problem, Output *output)
{
    const Span form = problem->line->form->text;
    problem->problem = later_step_text(problem, ProblemTexts_page, output);
    if (!problem->problem.begin) {
        return false;
    }
    if (length_of(problem->problem)) {
        return true;
    }
    const char *id = memchr(form.begin, '_', (size_t)length_of(form));
    if (!id) {
        problem->has_no_id = true;
        problem->problem = SPAN("");
        return true;
    }
    const char *end = memchr(id + 1, '_', (size_t)(form.end - id - 1));
    Span prefix = later_step_text(problem, ProblemTexts_block_prefix, output);
    if (!prefix.begin || !length_of(prefix) || !write_span(output, (Span){id + 1, end ? end : form.end})) {
        return false;
    }
    problem->problem = (Span){prefix.begin, output->at};
    return true;
}

/* Find the answers of a server's event, and the first one with a response type. Return false if Python must find them. */
static bool
find_answers(Problem *problem, const JsonNode **typed)
{
    const Line *line = problem->line;
    const JsonTree *tree = line->data_tree;
    bool declined = false;
    const JsonNode *submission = in_data(line, SPAN("submission"), &declined);
    *typed = NULL;
    if (!declined && !submission) {
        return true; /* before 2014 */
    }
    if (declined || submission->type != JSON_OBJECT) {
        return false;
    }
    int count = 0;
    for (int i = (int)(submission - tree->nodes) + 1; i < submission->after; i = tree->nodes[i].after) {
        const JsonNode *answer = &tree->nodes[i];
        if (answer->type != JSON_OBJECT || answer->after == i + 1) {
            return false;
        }
        const JsonNode *response_type = member(tree, answer, SPAN("response_type"));
        if (response_type && response_type->type != JSON_STRING && response_type->type != JSON_NULL) {
            return false;
        }
        if (!*typed && has_text(response_type)) {
            *typed = answer;
        }
        count++;
    }
    problem->answers = submission;
    problem->questions = count > 1 ? count : 0;
    return (*typed || count == 1) && count <= MAX_QUESTIONS;
}

/* Return a statement with the id of a name, which new_digest's digest starts. */
static PyObject *
new_statement(const Problem *problem, int template, PyObject *new_digest, PyObject *name, const Span *fragments, char *id)
{
    Span texts[XapiTemplate_count];
    PyObject *tuple = item(problem, template);
    if (get_texts(tuple, XapiTemplate_before_name_in_id, XapiTemplate_count, texts) < 0 ||
        write_id(problem->keys, new_digest ? new_digest : PyTuple_GetItem(tuple, XapiTemplate_new_digest), name, id) < 0) {
        return NULL;
    }
    return new_xapi_statement(texts, &problem->line->common, fragments, id, problem->type);
}

/* Return a statement about one question. Its id is in a namespace of the verb and the question. */
static PyObject *
question_statement(const Problem *problem, const JsonNode *answer, Span prefix, Span context, Span name, Output output)
{
    unsigned char namespace[UUID_BYTES];
    char id[UUID_LENGTH];
    Span fragments[XapiFragments_count] = {
        [XapiFragments_extensions] = SPAN(""), [XapiFragments_context] = context, [XapiFragments_object] = {output.at, NULL}};
    if (!write_activity(problem, prefix, answer->key, answer, false, &output)) {
        return NULL;
    }
    fragments[XapiFragments_object].end = output.at;
    fragments[XapiFragments_result].begin = output.at;
    if (!write_span(&output, SPAN("{")) || !write_result_members(problem, answer, false, &output) ||
        !write_span(&output, SPAN("}"))) {
        return NULL;
    }
    fragments[XapiFragments_result].end = output.at;
    const Span in_namespace[] = {text_of(problem, ProblemTexts_verb_in_ids), answer->key};
    PyObject *words = joined(in_namespace, 2), *named = NULL, *statement = NULL;
    if (words && sha1_uuid(problem->keys, item(problem, ProblemTexts_new_namespace), words, namespace) == 0) {
        const Span in_id[] = {{(char *)namespace, (char *)namespace + UUID_BYTES}, name};
        named = joined(in_id, 2);
    }
    if (named) {
        statement = new_statement(
            problem, ProblemTexts_evaluated, item(problem, ProblemTexts_new_digest), named, fragments, id);
    }
    Py_XDECREF(words);
    Py_XDECREF(named);
    return statement;
}

/* Set the statements about the questions, after the first one, which is about the problem. Return false if Python must do so,
 * or on an error.
 */
static bool
add_questions(const Problem *problem, Span object, const char *id, Span name, Output output, PyObject **statements)
{
    const JsonTree *tree = problem->line->data_tree;
    const char *last = problem->problem.end;
    while (last > problem->problem.begin && last[-1] != '@') {
        last--;
    }
    Span course = later_step_text(problem, ProblemTexts_course, &output);
    if (!course.begin) {
        return false;
    }
    if (!length_of(course)) {
        return reject(problem, ProblemTexts_no_course);
    }
    Span context = {output.at, NULL};
    if (!write_span(&output, SPAN(",\"contextActivities\":{\"parent\":[")) || !write_span(&output, object) ||
        !write_span(&output, SPAN("],\"grouping\":")) || !write_span(&output, course) ||
        !write_span(&output, SPAN("},\"statement\":{\"objectType\":\"StatementRef\",\"id\":\"")) ||
        !write_span(&output, (Span){id, id + UUID_LENGTH}) || !write_span(&output, SPAN("\"}"))) {
        return false;
    }
    context.end = output.at;
    int at = (int)(problem->answers - tree->nodes) + 1;
    for (int i = 1; i <= problem->questions; i++, at = tree->nodes[at].after) {
        statements[i] = question_statement(
            problem, &tree->nodes[at], (Span){problem->problem.begin, last}, context, name, output);
        if (!statements[i]) {
            return false;
        }
    }
    return true;
}

/* Write object and result of the statement about the problem. Return 1, 0 if Python must do so, or -1 on an error. */
static bool
write_problem(Problem *problem, bool from_browser, const JsonNode *typed, Output *output, Span *fragments)
{
    const Line *line = problem->line;
    bool declined = false;
    fragments[XapiFragments_extensions] = SPAN("");
    fragments[XapiFragments_object].begin = output->at;
    if (!write_activity(problem, problem->problem, SPAN(""), typed, problem->questions, output)) {
        return false;
    }
    if (problem->has_no_referer) {
        return reject(problem, ProblemTexts_no_referer);
    }
    fragments[XapiFragments_object].end = fragments[XapiFragments_result].begin = output->at;
    if (!from_browser) {
        in_data(line, SPAN("max_grade"), &declined);
        in_data(line, SPAN("grade"), &declined);
        in_data(line, SPAN("success"), &declined);
        if (declined || !write_span(output, SPAN("{\"score\":")) ||
            !later_step_text(problem, ProblemTexts_score, output).begin) {
            return false;
        }
        if (typed ? !write_result_members(problem, typed, true, output)
                  : !later_step_text(problem, ProblemTexts_untyped, output).begin) {
            return false;
        }
        if (!write_span(output, SPAN("}"))) {
            return false;
        }
    }
    fragments[XapiFragments_result].end = output->at;
    return true;
}

/* Find the address of the page. Return false if Python must do so. */
static bool
find_referer(Problem *problem)
{
    const Line *line = problem->line;
    const JsonNode *found = find_first(line->tree, line->data_tree, SPAN("referer"));
    problem->has_no_referer = is_empty(found);
    return problem->has_no_referer ? is_empty(member(line->tree, line->context, SPAN("referer")))
                                   : has_text(member(line->tree, line->tree->nodes, SPAN("referer")));
}

/* Find the problem, and what decides about the statements. Return false if Python must do so. */
static bool
find_problem(Problem *problem, bool *from_browser, const JsonNode **typed, Output *output)
{
    const Line *line = problem->line;
    const JsonNode *root = line->tree->nodes;
    const JsonNode *source = member(line->tree, root, SPAN("event_source"));
    const JsonNode *response_type = find_first(line->tree, line->data_tree, SPAN("response_type"));
    const JsonNode *same_source = member(line->tree, line->context, SPAN("event_source"));
    if (!has_text(source) || source->escaped ||
        (same_source && !(is_text(same_source) && equals(same_source->text, source->text))) ||
        !find_referer(problem) ||
        (response_type && (response_type->type == JSON_ARRAY || response_type->type == JSON_OBJECT))) {
        return false;
    }
    *from_browser = equals(source->text, SPAN("browser"));
    *typed = NULL;
    if (*from_browser) {
        return line->form && !find_first(line->tree, line->data_tree, SPAN("submission")) &&
               (problem->has_no_referer || find_problem_of_form(problem, output));
    }
    const JsonNode *key = line->data ? member(line->data_tree, line->data, SPAN("problem_id")) : NULL;
    if (!has_text(key) || key->escaped || !find_answers(problem, typed)) {
        return false;
    }
    problem->problem = key->text;
    return true;
}

PyObject *
problem_statements(const Keys *keys, Line *line, PyObject *texts, PyObject *time_rejection, PyObject *type)
{
    Problem problem = {.keys = keys, .line = line, .texts = texts, .type = type, .problem = SPAN("")};
    char memory[MAX_FRAGMENTS], id[UUID_LENGTH];
    Output output = {memory, memory + MAX_FRAGMENTS};
    Span template[XapiTemplate_count], fragments[XapiFragments_count];
    const JsonNode *typed;
    bool from_browser;
    if (!PyTuple_Check(texts) || PyTuple_Size(texts) != ProblemTexts_count) {
        PyErr_SetString(PyExc_TypeError, "not texts of a problem");
        return NULL;
    }
    /* In upstream's order: an unknown course is the first reason to reject the event. */
    fragments[XapiFragments_context] = step_text(&problem, ProblemTexts_context, &output);
    if (!fragments[XapiFragments_context].begin) {
        return NULL;
    }
    if (!find_problem(&problem, &from_browser, &typed, &output) ||
        !write_problem(&problem, from_browser, typed, &output, fragments)) {
        return NULL;
    }
    if (time_rejection) {
        line->rejection = Py_NewRef(time_rejection);
        return NULL;
    }
    if (problem.has_no_id) {
        reject(&problem, ProblemTexts_no_id);
        return NULL;
    }
    int verb = from_browser ? ProblemTexts_attempted : ProblemTexts_evaluated;
    if (get_texts(item(&problem, verb), XapiTemplate_before_name_in_id, XapiTemplate_count, template) < 0) {
        return NULL;
    }
    const Span in_id[] = {
        template[XapiTemplate_before_name_in_id], line->common.name, template[XapiTemplate_after_name_in_id],
        line->common.time_in_id,
    };
    PyObject *name = joined(in_id, 4), *statements[1 + MAX_QUESTIONS] = {NULL}, *tuple = NULL;
    if (!name) {
        return NULL;
    }
    const char *begin = PyBytes_AsString(name);
    statements[0] = new_statement(&problem, verb, NULL, name, fragments, id);
    if (statements[0] &&
        (!problem.questions || add_questions(
                                   &problem, fragments[XapiFragments_object], id,
                                   (Span){begin, begin + PyBytes_Size(name)}, output, statements))) {
        tuple = new_tuple(1 + problem.questions, statements);
    }
    else {
        for (int i = 0; i <= problem.questions; i++) {
            Py_XDECREF(statements[i]);
        }
    }
    Py_DECREF(name);
    return tuple;
}
