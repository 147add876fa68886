/* A JSON parser that creates no objects, and accepts what orjson accepts. */
#include "json_tree.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef struct {
    const char *end;
    JsonTree *tree;
} Parser;

/* The functions that parse something begin at a place and return the end of what they parsed, or NULL if it is not valid. */
static const char *parse_value(const Parser *parser, const char *at, Span key, int depth);

static Py_ssize_t
length_of(Span span)
{
    return span.end - span.begin;
}

static bool
same(Span one, Span other)
{
    return length_of(one) == length_of(other) && memcmp(one.begin, other.begin, (size_t)length_of(one)) == 0;
}

static inline const char *
skip_space(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at <= ' ' && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    return at;
}

/* Return the first quote, backslash or control character. */
static inline const char *
special_character(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    for (; end - at >= 16; at += 16) {
        __m128i chunk = _mm_loadu_si128((const __m128i *)at);
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash));
        found = _mm_or_si128(found, _mm_cmpeq_epi8(_mm_max_epu8(chunk, control), control));
        int mask = _mm_movemask_epi8(found);
        if (mask) {
            return at + __builtin_ctz((unsigned int)mask); /* compilers that define __SSE2__ have it */
        }
    }
#endif
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= ' ') {
        at++;
    }
    return at;
}

/* Return the value of four hexadecimal digits, or -1. */
static int
hexadecimal(const char *at, const char *end)
{
    int value = 0;
    if (end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* Move over an escape in a string. */
static const char *
skip_escape(const char *at, const char *end)
{
    if (end - at < 2) {
        return NULL;
    }
    if (at[1] == 'u') {
        return hexadecimal(at + 2, end) < 0 ? NULL : at + 6;
    }
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return at + 2;
    default:
        return NULL;
    }
}

/* Parse the rest of a string after its first quote. */
static inline const char *
parse_string(const char *begin, const char *end, Span *text, bool *escaped)
{
    const char *at = special_character(begin, end);
    *escaped = false;
    while (at < end && *at == '\\') {
        *escaped = true;
        at = skip_escape(at, end);
        if (!at) {
            return NULL;
        }
        at = special_character(at, end);
    }
    if (at == end || *at != '"') {
        return NULL;
    }
    *text = (Span){begin, at};
    return at + 1;
}

/* Parse at least one digit. */
static const char *
parse_digits(const char *at, const char *end)
{
    const char *begin = at;
    while (at < end && is_digit(*at)) {
        at++;
    }
    return at > begin ? at : NULL;
}

static const char *
parse_number(const char *at, const char *end)
{
    at += at < end && *at == '-';
    at = at < end && *at == '0' ? at + 1 : parse_digits(at, end);
    if (at && at < end && *at == '.') {
        at = parse_digits(at + 1, end);
    }
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        at = parse_digits(at, end);
    }
    return at;
}

static const char *
parse_word(const char *at, const char *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 ? at + length : NULL;
}

static const char *
parse_array(const Parser *parser, const char *at, int depth)
{
    const char *const end = parser->end;
    at = skip_space(at, end);
    if (at < end && *at == ']') {
        return at + 1;
    }
    while ((at = parse_value(parser, at, (Span){NULL, NULL}, depth))) {
        at = skip_space(at, end);
        if (at == end || *at != ',') {
            return at < end && *at == ']' ? at + 1 : NULL;
        }
        at++;
    }
    return NULL;
}

/* Return true if the object has a member with this key already. seen has a bit for each group of keys. */
static bool
is_repeated(const JsonTree *tree, int first, Span key, uint64_t *seen)
{
    Py_ssize_t length = length_of(key);
    unsigned int hash = length ? (unsigned int)length * 7 + (unsigned char)key.begin[0] * 13u +
                                     (unsigned char)key.begin[length - 1] * 5u + (unsigned char)key.begin[length / 2]
                               : 0;
    uint64_t bit = (uint64_t)1 << (hash & 63);
    if (*seen & bit) {
        for (int i = first; i < tree->count; i = tree->nodes[i].after) {
            if (same(tree->nodes[i].key, key)) {
                return true;
            }
        }
    }
    *seen |= bit;
    return false;
}

static const char *
parse_object(const Parser *parser, const char *at, int depth)
{
    const char *const end = parser->end;
    const int first = parser->tree->count;
    uint64_t seen = 0;
    at = skip_space(at, end);
    if (at < end && *at == '}') {
        return at + 1;
    }
    while (true) {
        Span key;
        bool escaped;
        at = skip_space(at, end);
        if (at == end || *at != '"') {
            return NULL;
        }
        at = parse_string(at + 1, end, &key, &escaped);
        if (!at || escaped || is_repeated(parser->tree, first, key, &seen)) {
            return NULL;
        }
        at = skip_space(at, end);
        if (at == end || *at != ':') {
            return NULL;
        }
        at = parse_value(parser, at + 1, key, depth);
        if (!at) {
            return NULL;
        }
        at = skip_space(at, end);
        if (at == end || *at != ',') {
            return at < end && *at == '}' ? at + 1 : NULL;
        }
        at++;
    }
}

static const char *
parse_value(const Parser *parser, const char *at, Span key, int depth)
{
    JsonTree *tree = parser->tree;
    at = skip_space(at, parser->end);
    if (depth > MAX_DEPTH || tree->count == MAX_NODES || at == parser->end) {
        return NULL;
    }
    JsonNode *node = &tree->nodes[tree->count++];
    const char *begin = at;
    node->key = key;
    node->escaped = false;
    switch (*begin) {
    case '"':
        node->type = JSON_STRING;
        at = parse_string(begin + 1, parser->end, &node->text, &node->escaped);
        node->after = tree->count;
        return at;
    case '{':
        node->type = JSON_OBJECT;
        at = parse_object(parser, begin + 1, depth + 1);
        break;
    case '[':
        node->type = JSON_ARRAY;
        at = parse_array(parser, begin + 1, depth + 1);
        break;
    case 'n':
        node->type = JSON_NULL;
        at = parse_word(begin, parser->end, "null");
        break;
    case 't':
        node->type = JSON_TRUE;
        at = parse_word(begin, parser->end, "true");
        break;
    case 'f':
        node->type = JSON_FALSE;
        at = parse_word(begin, parser->end, "false");
        break;
    default:
        node->type = JSON_NUMBER;
        at = parse_number(begin, parser->end);
    }
    node->text = (Span){begin, at};
    node->after = tree->count;
    return at;
}

bool
parse_json(Span text, JsonTree *tree)
{
    const Parser parser = {text.end, tree};
    tree->count = 0;
    const char *at = parse_value(&parser, text.begin, (Span){NULL, NULL}, 0);
    return at && skip_space(at, text.end) == text.end;
}

const JsonNode *
member(const JsonTree *tree, const JsonNode *object, Span key)
{
    if (object->type != JSON_OBJECT) {
        return NULL;
    }
    for (int i = (int)(object - tree->nodes) + 1; i < object->after; i = tree->nodes[i].after) {
        if (same(tree->nodes[i].key, key)) {
            return &tree->nodes[i];
        }
    }
    return NULL;
}

/* Find a key in the objects within an object; see first_below() in events.c. The depth is limited by the parser. */
static const JsonNode *
find_below(const JsonTree *tree, const JsonNode *object, Span key)
{
    for (int i = (int)(object - tree->nodes) + 1; i < object->after; i = tree->nodes[i].after) {
        const JsonNode *value = &tree->nodes[i];
        if (value->type == JSON_OBJECT && value->after > i + 1) {
            const JsonNode *found = member(tree, value, key);
            found = found ? found : find_below(tree, value, key);
            if (found && found->type != JSON_NULL) {
                return found;
            }
        }
    }
    return NULL;
}

const JsonNode *
find_first(const JsonTree *tree, const JsonTree *data, Span key)
{
    const JsonNode *found = member(tree, tree->nodes, key);
    found = found ? found : find_below(tree, tree->nodes, key);
    if (!found && data != tree) {
        found = member(data, data->nodes, key);
        found = found ? found : find_below(data, data->nodes, key);
        found = found && found->type == JSON_NULL ? NULL : found;
    }
    return found;
}

bool
write_span(Output *output, Span text)
{
    if (output->end - output->at < length_of(text)) {
        return false;
    }
    memcpy(output->at, text.begin, (size_t)length_of(text));
    output->at += length_of(text);
    return true;
}

/* Return the code point of an escape \uXXXX, or of two that are a surrogate pair, and move to its end. Return -1 for a lone
 * surrogate.
 */
static long
code_point(const char **at, const char *end)
{
    long code = hexadecimal(*at + 2, end);
    *at += 6;
    if (code < 0xd800 || code > 0xdfff) {
        return code;
    }
    if (code > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') {
        return -1;
    }
    long low = hexadecimal(*at + 2, end);
    if (low < 0xdc00 || low > 0xdfff) {
        return -1;
    }
    *at += 6;
    return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static Span
utf8(long code, char *bytes)
{
    int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (int i = length - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    bytes[0] = (char)(first[length] | code);
    return (Span){bytes, bytes + length};
}

/* Read the escape at a backslash and move to its end. Return its code point, or -1 for a lone surrogate. */
static long
escaped_code(const char **at, const char *end)
{
    static const char escapes[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char kind = (*at)[1];
    if (kind == 'u') {
        return code_point(at, end);
    }
    *at += 2;
    return values[strchr(escapes, kind) - escapes];
}

/* Write text up to the next backslash. Return the backslash, or NULL at the end. Set failed if the memory is full. */
static const char *
write_plain(Output *output, const char *at, const char *end, bool *failed)
{
    const char *backslash = memchr(at, '\\', (size_t)(end - at));
    *failed = !write_span(output, (Span){at, backslash ? backslash : end});
    return *failed ? NULL : backslash;
}

bool
write_unescaped(Output *output, Span text)
{
    char bytes[4];
    bool failed;
    const char *at = text.begin;
    while ((at = write_plain(output, at, text.end, &failed))) {
        long code = escaped_code(&at, text.end);
        if (code < 0 || !write_span(output, utf8(code, bytes))) {
            return false;
        }
    }
    return !failed;
}

/* Return a character as orjson and Python's json write it in a string, in at most 8 bytes. */
static Span
escaped(long code, char *bytes)
{
    static const char hex[] = "0123456789abcdef", values[] = "\"\\\b\f\n\r\t", escapes[] = "\"\\bfnrt";
    const char *value = code && code < 128 ? strchr(values, (int)code) : NULL;
    if (value) {
        bytes[0] = '\\';
        bytes[1] = escapes[value - values];
        return (Span){bytes, bytes + 2};
    }
    if (code >= ' ') {
        return utf8(code, bytes);
    }
    memcpy(bytes, "\\u00", 4);
    bytes[4] = hex[code >> 4];
    bytes[5] = hex[code & 0xf];
    return (Span){bytes, bytes + 6};
}

bool
write_string(Output *output, const JsonNode *string)
{
    char bytes[8];
    bool failed;
    const char *at = string->text.begin, *end = string->text.end;
    while ((at = write_plain(output, at, end, &failed))) {
        long code = escaped_code(&at, end);
        if (code < 0 || !write_span(output, escaped(code, bytes))) {
            return false;
        }
    }
    return !failed;
}

bool
write_string_twice(Output *output, const JsonNode *string)
{
    static const char backslash[] = "\\";
    char bytes[8];
    bool failed;
    const char *at = string->text.begin, *end = string->text.end;
    while ((at = write_plain(output, at, end, &failed))) {
        long code = escaped_code(&at, end);
        if (code < 0) {
            return false;
        }
        Span once = escaped(code, bytes);
        for (const char *c = once.begin; c < once.end; c++) {
            if (((*c == '"' || *c == '\\') && !write_span(output, (Span){backslash, backslash + 1})) ||
                !write_span(output, (Span){c, c + 1})) {
                return false;
            }
        }
    }
    return !failed;
}
