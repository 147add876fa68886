/* Numbers by text. */
#include <stdlib.h>

#include "speedups.h"

#define MIX_1 0x9e3779b97f4a7c15ULL
#define MIX_2 0xbf58476d1ce4e5b9ULL
#define SMALLEST_SPACE 64 /* a power of 2 */

uint64_t
mixed(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * MIX_1;
    return hash ^ hash >> 32;
}

static uint64_t
hash_of(const char *text, size_t length)
{
    uint64_t hash = length * MIX_2, word = 0;
    if (length < sizeof(word)) {
        memcpy(&word, text, length);
        return mixed(hash, word);
    }
    const char *last = text + length - sizeof(word);
    for (; text < last; text += sizeof(word)) {
        memcpy(&word, text, sizeof(word));
        hash = mixed(hash, word);
    }
    memcpy(&word, last, sizeof(word)); /* with some of the bytes before */
    return mixed(hash, word);
}

/* Return the place of a text, or the free place for it. */
static TextCount *
text_place(const TextCounts *counts, const char *text, size_t length, uint64_t hash)
{
    size_t at = hash & (counts->space - 1);
    while (counts->places[at].text &&
           (counts->places[at].hash != hash || counts->places[at].length != length ||
            memcmp(counts->places[at].text, text, length) != 0)) {
        at = (at + 1) & (counts->space - 1);
    }
    return &counts->places[at];
}

/* Return a copy of a text, or NULL without memory. */
static const char *
copy_of(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);
    return copy ? memcpy(copy, text, length) : NULL;
}

/* Make the table larger if it is half full. Return false without memory. */
static bool
make_room(TextCounts *counts)
{
    if (2 * counts->used < counts->space) {
        return true;
    }
    TextCounts larger = *counts;
    larger.space = counts->space ? 4 * counts->space : SMALLEST_SPACE;
    larger.places = calloc(larger.space, sizeof(TextCount));
    if (!larger.places) {
        return false;
    }
    for (size_t i = 0; i < counts->space; i++) {
        const TextCount *place = &counts->places[i];
        if (place->text) {
            *text_place(&larger, place->text, place->length, place->hash) = *place;
        }
    }
    free(counts->places);
    *counts = larger;
    return true;
}

bool
count_text(TextCounts *counts, Span text, Py_ssize_t number)
{
    if (!make_room(counts)) {
        return false;
    }
    size_t length = (size_t)(text.end - text.begin);
    uint64_t hash = hash_of(text.begin, length);
    TextCount *place = text_place(counts, text.begin, length, hash);
    if (!place->text) {
        const char *kept = counts->borrowed ? text.begin : copy_of(text.begin, length);
        if (!kept) {
            return false;
        }
        *place = (TextCount){kept, length, hash, counts->used, 0};
        counts->used++;
    }
    place->number += number;
    return true;
}

bool
contains_text(const TextCounts *counts, Span text)
{
    size_t length = (size_t)(text.end - text.begin);
    return counts->space && text_place(counts, text.begin, length, hash_of(text.begin, length))->text;
}

void
free_texts(TextCounts *counts)
{
    for (size_t i = 0; i < counts->space && !counts->borrowed; i++) {
        free((void *)counts->places[i].text);
    }
    free(counts->places);
}

PyObject *
text_dict(const TextCounts *counts, bool as_strings)
{
    const TextCount **in_order = malloc((counts->used + 1) * sizeof(*in_order));
    if (!in_order) {
        return PyErr_NoMemory();
    }
    for (size_t i = 0; i < counts->space; i++) {
        if (counts->places[i].text) {
            in_order[counts->places[i].index] = &counts->places[i];
        }
    }
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict && i < counts->used; i++) {
        Py_ssize_t length = (Py_ssize_t)in_order[i]->length;
        PyObject *text = as_strings ? PyUnicode_DecodeUTF8(in_order[i]->text, length, NULL)
                                    : PyBytes_FromStringAndSize(in_order[i]->text, length);
        if (add_count(dict, text, in_order[i]->number) < 0) {
            Py_CLEAR(dict);
        }
    }
    free(in_order);
    return dict;
}
