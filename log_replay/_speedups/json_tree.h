/* JSON as a tree of spans, without Python objects. */
#ifndef JSON_TREE_H
#define JSON_TREE_H

#include "speedups.h"

typedef enum { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonType;

/* A value. The nodes of an array's or an object's values follow it. */
typedef struct {
    Span key;      /* of a member of an object */
    Span text;     /* the JSON; of a string, what is between the quotes */
    int after;     /* the index of the node after this value's own nodes */
    JsonType type;
    bool escaped;  /* a string with escapes */
} JsonNode;

#define MAX_NODES 1024

typedef struct {
    JsonNode nodes[MAX_NODES];
    int count;
} JsonTree;

/* Parse JSON. Return false if it is not valid, or if Python must parse it: JSON with a key that is repeated or escaped, with
 * more than MAX_NODES values, or nested deeper than MAX_DEPTH. Strings may have lone surrogates as escapes.
 */
bool parse_json(Span text, JsonTree *tree);

/* Return the member of an object with this key, or NULL. */
const JsonNode *member(const JsonTree *tree, const JsonNode *object, Span key);

/* Find the first such key as first() in events.c does. Return NULL if no key is found. If the event's data is not a
 * member of the event, it is in a tree of its own: that is searched last.
 */
const JsonNode *find_first(const JsonTree *tree, const JsonTree *data, Span key);

/* Memory to write to. */
typedef struct {
    char *at;
    const char *end;
} Output;

/* Write a text. Return false if the memory is full. */
bool write_span(Output *output, Span text);

/* Write the value of a string with escapes as UTF-8. Return false if that is not possible. */
bool write_unescaped(Output *output, Span text);

/* Write a string as orjson does, without the quotes. Return false if that is not possible. */
bool write_string(Output *output, const JsonNode *string);

/* Write the JSON of a string inside another string, without the inner quotes. Return false if that is not possible. */
bool write_string_twice(Output *output, const JsonNode *string);

#endif
