/* The fields of the named tuples that the C code reads or creates, in order. Each list gives an enumerator for each field,
 * such as Event_name, and the names in functions.LAYOUTS, which are compared with the Python classes at import.
 */
#define EVENT(FIELD)                                                                                                   \
    FIELD(Event, position) FIELD(Event, name) FIELD(Event, fields) FIELD(Event, json_text) FIELD(Event, user)          \
        FIELD(Event, course_id)
#define POSITION(FIELD) FIELD(Position, object) FIELD(Position, offset)
#define STATEMENT(FIELD) FIELD(Statement, id) FIELD(Statement, timestamp) FIELD(Statement, text)
#define CLASSIFIED_LINES(FIELD)                                                                                        \
    FIELD(ClassifiedLines, lines) FIELD(ClassifiedLines, blank) FIELD(ClassifiedLines, broken)                         \
        FIELD(ClassifiedLines, unknown) FIELD(ClassifiedLines, events) FIELD(ClassifiedLines, scanned)
#define TRANSFORMED_EVENT(FIELD)                                                                                       \
    FIELD(TransformedEvent, position) FIELD(TransformedEvent, name) FIELD(TransformedEvent, statements)                \
        FIELD(TransformedEvent, routes)
#define REJECTED(FIELD)                                                                                                \
    FIELD(Rejected, position) FIELD(Rejected, reason) FIELD(Rejected, name) FIELD(Rejected, unparsable)                \
        FIELD(Rejected, detail)
#define SCANNED_LINES(FIELD)                                                                                           \
    FIELD(ScannedLines, first) FIELD(ScannedLines, last) FIELD(ScannedLines, untimed) FIELD(ScannedLines, hours)       \
        FIELD(ScannedLines, fingerprint) FIELD(ScannedLines, sample)
#define COUNTED_STATEMENTS(FIELD)                                                                                      \
    FIELD(CountedStatements, size_bytes) FIELD(CountedStatements, longest_bytes) FIELD(CountedStatements, untimed)     \
        FIELD(CountedStatements, hours) FIELD(CountedStatements, verbs) FIELD(CountedStatements, long)                 \
            FIELD(CountedStatements, others)
#define COUNTED_EVENTS(FIELD)                                                                                          \
    FIELD(CountedEvents, statements) FIELD(CountedEvents, courses) FIELD(CountedEvents, users)                         \
        FIELD(CountedEvents, rejected)
#define PACKED_COLUMNS(FIELD)                                                                                          \
    FIELD(PackedColumns, offsets) FIELD(PackedColumns, names) FIELD(PackedColumns, routes)                             \
        FIELD(PackedColumns, statements_per_event) FIELD(PackedColumns, ids) FIELD(PackedColumns, id_lengths)          \
            FIELD(PackedColumns, timestamps) FIELD(PackedColumns, timestamp_lengths)
#define NOTED_EVENT(FIELD)                                                                                             \
    FIELD(NotedEvent, user) FIELD(NotedEvent, course_id) FIELD(NotedEvent, statements) FIELD(NotedEvent, offset)

#define XAPI_TEMPLATE(FIELD)                                                                                           \
    FIELD(XapiTemplate, new_digest) FIELD(XapiTemplate, before_name_in_id) FIELD(XapiTemplate, after_name_in_id)       \
        FIELD(XapiTemplate, before_name) FIELD(XapiTemplate, after_name) FIELD(XapiTemplate, after_timestamp)          \
            FIELD(XapiTemplate, before_session)
#define XAPI_FRAGMENTS(FIELD)                                                                                          \
    FIELD(XapiFragments, extensions) FIELD(XapiFragments, context) FIELD(XapiFragments, object)                        \
        FIELD(XapiFragments, result)
#define CALIPER_TEMPLATE(FIELD)                                                                                        \
    FIELD(CaliperTemplate, new_digest) FIELD(CaliperTemplate, before_send_time)                                        \
        FIELD(CaliperTemplate, before_event_time) FIELD(CaliperTemplate, before_actor)                                 \
            FIELD(CaliperTemplate, after_actor) FIELD(CaliperTemplate, before_session)                                 \
                FIELD(CaliperTemplate, after_session) FIELD(CaliperTemplate, before_extensions)                        \
                    FIELD(CaliperTemplate, after_id)

#define USER(FIELD) FIELD(User, id) FIELD(User, username) FIELD(User, email) FIELD(User, external_id)
#define LINE_RECIPES(FIELD)                                                                                            \
    FIELD(LineRecipes, by_name) FIELD(LineRecipes, users) FIELD(LineRecipes, ranges) FIELD(LineRecipes, anonymous)      \
        FIELD(LineRecipes, unknown_user) FIELD(LineRecipes, not_cached) FIELD(LineRecipes, transform)
#define LINE_RECIPE(FIELD)                                                                                             \
    FIELD(LineRecipe, name) FIELD(LineRecipe, new_digest) FIELD(LineRecipe, before_name_in_id)                         \
        FIELD(LineRecipe, after_name_in_id) FIELD(LineRecipe, steps) FIELD(LineRecipe, problem)                \
            FIELD(LineRecipe, no_time) FIELD(LineRecipe, no_zone)
#define PROBLEM_TEXTS(FIELD)                                                                                           \
    FIELD(ProblemTexts, attempted) FIELD(ProblemTexts, evaluated) FIELD(ProblemTexts, context)                         \
        FIELD(ProblemTexts, course) FIELD(ProblemTexts, score) FIELD(ProblemTexts, page)                               \
            FIELD(ProblemTexts, block_prefix) FIELD(ProblemTexts, iri) FIELD(ProblemTexts, definition)                 \
                FIELD(ProblemTexts, attempts) FIELD(ProblemTexts, interaction_types)                                   \
                    FIELD(ProblemTexts, verb_in_ids) FIELD(ProblemTexts, new_namespace) FIELD(ProblemTexts, new_digest)    \
                        FIELD(ProblemTexts, untyped) FIELD(ProblemTexts, no_id) FIELD(ProblemTexts, no_course)             \
                            FIELD(ProblemTexts, no_question) FIELD(ProblemTexts, no_text)                                  \
                                FIELD(ProblemTexts, no_answer) FIELD(ProblemTexts, no_referer)
/* The kinds of steps. */
#define LINE_STEP(FIELD)                                                                                               \
    FIELD(LineStep, text) FIELD(LineStep, actor) FIELD(LineStep, time) FIELD(LineStep, milliseconds)                   \
        FIELD(LineStep, id) FIELD(LineStep, session) FIELD(LineStep, string) FIELD(LineStep, seconds)                  \
            FIELD(LineStep, duration) FIELD(LineStep, valid_duration) FIELD(LineStep, cached)              \
                FIELD(LineStep, missing) FIELD(LineStep, optional) FIELD(LineStep, without)                \
                    FIELD(LineStep, members) FIELD(LineStep, number) FIELD(LineStep, present)              \
                        FIELD(LineStep, either) FIELD(LineStep, equal)

#define LAYOUTS(LAYOUT)                                                                                                \
    LAYOUT(Event, EVENT)                                                                                               \
    LAYOUT(Position, POSITION)                                                                                         \
    LAYOUT(Statement, STATEMENT)                                                                                       \
    LAYOUT(ClassifiedLines, CLASSIFIED_LINES)                                                                          \
    LAYOUT(Rejected, REJECTED)                                                                                         \
    LAYOUT(TransformedEvent, TRANSFORMED_EVENT)                                                                        \
    LAYOUT(ScannedLines, SCANNED_LINES)                                                                                \
    LAYOUT(CountedStatements, COUNTED_STATEMENTS)                                                                      \
    LAYOUT(CountedEvents, COUNTED_EVENTS)                                                                              \
    LAYOUT(PackedColumns, PACKED_COLUMNS)                                                                              \
    LAYOUT(NotedEvent, NOTED_EVENT)                                                                                    \
    LAYOUT(XapiTemplate, XAPI_TEMPLATE)                                                                                \
    LAYOUT(XapiFragments, XAPI_FRAGMENTS)                                                                              \
    LAYOUT(CaliperTemplate, CALIPER_TEMPLATE)                                                                          \
    LAYOUT(User, USER)                                                                                                 \
    LAYOUT(LineRecipes, LINE_RECIPES)                                                                                  \
    LAYOUT(LineRecipe, LINE_RECIPE)                                                                                    \
    LAYOUT(LineStep, LINE_STEP)                                                                                        \
    LAYOUT(ProblemTexts, PROBLEM_TEXTS)

#define ENUMERATOR(layout, field) layout##_##field,
#define ENUMERATORS(layout, FIELDS) enum { FIELDS(ENUMERATOR) layout##_count };
LAYOUTS(ENUMERATORS)
#undef ENUMERATORS
#undef ENUMERATOR
