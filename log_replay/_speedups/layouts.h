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
        FIELD(ClassifiedLines, unknown) FIELD(ClassifiedLines, events)

#define LAYOUTS(LAYOUT)                                                                                                \
    LAYOUT(Event, EVENT)                                                                                               \
    LAYOUT(Position, POSITION)                                                                                         \
    LAYOUT(Statement, STATEMENT)                                                                                       \
    LAYOUT(ClassifiedLines, CLASSIFIED_LINES)

#define ENUMERATOR(layout, field) layout##_##field,
#define ENUMERATORS(layout, FIELDS) enum { FIELDS(ENUMERATOR) layout##_count };
LAYOUTS(ENUMERATORS)
#undef ENUMERATORS
#undef ENUMERATOR
