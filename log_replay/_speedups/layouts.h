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
#define SCANNED_LINES(FIELD)                                                                                           \
    FIELD(ScannedLines, first) FIELD(ScannedLines, last) FIELD(ScannedLines, untimed) FIELD(ScannedLines, hours)       \
        FIELD(ScannedLines, fingerprint) FIELD(ScannedLines, sample)
#define COUNTED_STATEMENTS(FIELD)                                                                                      \
    FIELD(CountedStatements, size_bytes) FIELD(CountedStatements, longest_bytes) FIELD(CountedStatements, untimed)     \
        FIELD(CountedStatements, hours) FIELD(CountedStatements, verbs) FIELD(CountedStatements, long)                 \
            FIELD(CountedStatements, others)

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

#define LAYOUTS(LAYOUT)                                                                                                \
    LAYOUT(Event, EVENT)                                                                                               \
    LAYOUT(Position, POSITION)                                                                                         \
    LAYOUT(Statement, STATEMENT)                                                                                       \
    LAYOUT(ClassifiedLines, CLASSIFIED_LINES)                                                                          \
    LAYOUT(TransformedEvent, TRANSFORMED_EVENT)                                                                        \
    LAYOUT(ScannedLines, SCANNED_LINES)                                                                                \
    LAYOUT(CountedStatements, COUNTED_STATEMENTS)                                                                      \
    LAYOUT(XapiTemplate, XAPI_TEMPLATE)                                                                                \
    LAYOUT(XapiFragments, XAPI_FRAGMENTS)                                                                              \
    LAYOUT(CaliperTemplate, CALIPER_TEMPLATE)

#define ENUMERATOR(layout, field) layout##_##field,
#define ENUMERATORS(layout, FIELDS) enum { FIELDS(ENUMERATOR) layout##_count };
LAYOUTS(ENUMERATORS)
#undef ENUMERATORS
#undef ENUMERATOR
