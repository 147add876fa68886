/* scan_lines, the twin of the Python function of this name in events/scanning.py. It finds what a dry run reports about every
 * line, and looks at a few bytes of each.
 */
#include <stdlib.h>

#include "speedups.h"

/* Small, since a chunk with a hit is searched byte by byte. */
#define CHUNK 32
#define HOUR 3600000000LL
#define MIX_1 0xbf58476d1ce4e5b9ULL
#define MIX_2 0x94d049bb133111ebULL
#define MIX_3 0x9e3779b97f4a7c15ULL
#define MIX_4 0xd6e8feb86659fd93ULL
#define WORD ((Py_ssize_t)sizeof(uint64_t))
/* 2026-03-02T08:15:27 */
#define SECONDS_LENGTH 19
/* Later times are out of the range of ClickHouse's DateTime64. */
#define LAST_YEAR 2261

static const char TIME_KEY[] = "\"time\"";
#define TIME_KEY_LENGTH ((Py_ssize_t)sizeof(TIME_KEY) - 1)

bool
count_hour(Hours *hours, long long microseconds)
{
    long long hour = microseconds / HOUR;
    if (!hours->used || hours->counts[hours->used - 1].hour != hour) {
        HourCount *counts = with_room(hours->counts, hours->used, &hours->space, sizeof(*counts));
        if (!counts) {
            return false;
        }
        hours->counts = counts;
        counts[hours->used++] = (HourCount){hour, 0};
    }
    hours->counts[hours->used - 1].number++;
    return true;
}

PyObject *
hour_dict(const Hours *hours)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict && i < hours->used; i++) {
        if (add_count(dict, PyLong_FromLongLong(hours->counts[i].hour), hours->counts[i].number) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

/* Return the number that some digits form, or -1 if not all are digits. */
static int
number(const char *at, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(at[i])) {
            return -1;
        }
        value = 10 * value + at[i] - '0';
    }
    return value;
}

static long long
days_since_1970(int year, int month, int day)
{
    year -= month <= 2;
    int era = year / 400, year_of_era = year - era * 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097LL + day_of_era - 719468;
}

#define NO_ZONE INT_MIN

/* Return the offset of a zone in minutes: 0 without a zone, NO_ZONE if it cannot be read. */

static int
zone_minutes(const char *at, const char *end)
{
    static const char utc[] = "+00:00";
    if (at == end || *at == 'Z' || (end - at >= 6 && memcmp(at, utc, 6) == 0)) {
        return 0;
    }
    if ((*at != '+' && *at != '-') || end - at < 5) {
        return at[0] == '"' ? 0 : NO_ZONE;
    }
    const char *minute_at = at[3] == ':' ? at + 4 : at + 3;
    if (end - minute_at < 2) {
        return NO_ZONE;
    }
    int hours = number(at + 1, 2), minutes = number(minute_at, 2);
    if (hours < 0 || minutes < 0) {
        return NO_ZONE;
    }
    return (*at == '-' ? -1 : 1) * (60 * hours + minutes);
}

/* Return a time up to its minutes in minutes since 1970, as if it was in UTC; NO_MINUTE if it cannot be read. */
static long long
minutes_of(const char *at)
{
    if (at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != ' ') || at[13] != ':') {
        return NO_MINUTE;
    }
    int year = number(at, 4), month = number(at + 5, 2), day = number(at + 8, 2);
    int hour = number(at + 11, 2), minute = number(at + 14, 2);
    if (year < 1 || year > LAST_YEAR || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59) {
        return NO_MINUTE;
    }
    return (days_since_1970(year, month, day) * 24 + hour) * 60 + minute;
}

long long
microseconds_of(const char *at, const char *end, Minute *last)
{
    if (end - at < SECONDS_LENGTH || at[16] != ':') {
        return -1;
    }
    if (memcmp(at, last->text, MINUTE_LENGTH) != 0) {
        memcpy(last->text, at, MINUTE_LENGTH);
        last->minutes = minutes_of(at);
    }
    int second = number(at + 17, 2);
    if (last->minutes == NO_MINUTE || second < 0 || second > 59) {
        return -1;
    }
    static const int units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    int fraction = 0, digits = 0;
    at += SECONDS_LENGTH;
    if (at < end && *at == '.') {
        for (at++; at < end && is_digit(*at); at++) {
            if (digits < 6) {
                fraction = 10 * fraction + *at - '0';
                digits++;
            }
        }
    }
    int zone = zone_minutes(at, end);
    long long minutes = last->minutes - zone;
    return zone == NO_ZONE || minutes < 0 ? -1 : (minutes * 60 + second) * 1000000 + fraction * units[digits];
}

/* Return the last key "time" of a line that ends before a place, or NULL. */
static const char *
last_time_key(const char *begin, const char *end)
{
    const char *at = end - TIME_KEY_LENGTH;
    for (; at - begin >= CHUNK; at -= CHUNK) {
        const char *chunk = at - CHUNK + 1;
        unsigned char hit = 0;
        for (int i = 0; i < CHUNK; i++) {
            hit |= (chunk[i] == '"') & (chunk[i + 1] == 't');
        }
        for (int i = CHUNK - 1; hit && i >= 0; i--) {
            if (chunk[i + 2] == 'i' && memcmp(chunk + i, TIME_KEY, TIME_KEY_LENGTH) == 0) {
                return chunk + i;
            }
        }
    }
    for (; at >= begin; at--) {
        if (memcmp(at, TIME_KEY, TIME_KEY_LENGTH) == 0) {
            return at;
        }
    }
    return NULL;
}

/* Return the time of a line: the value of its last key "time" that is a time; -1 if there is none. */
static long long
line_time(const char *begin, const char *end, Minute *minute)
{
    const char *limit = end;
    while ((limit = last_time_key(begin, limit))) {
        const char *at = limit + TIME_KEY_LENGTH;
        while (at < end && (*at == ' ' || *at == ':')) {
            at++;
        }
        if (at < end && *at == '"') {
            long long found = microseconds_of(at + 1, end, minute);
            if (found >= 0) {
                return found;
            }
        }
    }
    return -1;
}

static uint64_t
mix(uint64_t value)
{
    value = (value ^ value >> 30) * MIX_1;
    value = (value ^ value >> 27) * MIX_2;
    return value ^ value >> 31;
}

static uint64_t
word_at(const char *text)
{
    uint64_t word = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(&word, text, sizeof(word)); /* GCC 12 makes 30 instructions of the loop */
#else
    for (int i = 0; i < WORD; i++) {
        word |= (uint64_t)(unsigned char)text[i] << (8 * i);
    }
#endif
    return word;
}

/* Return a number that tells a line from others: it depends on the time, the length, and the bytes in the middle and at
 * the end. The processor computes the four products at the same time.
 */
static uint64_t
digest_of(const char *begin, Py_ssize_t length, long long microseconds)
{
    uint64_t sum = (uint64_t)microseconds * MIX_1 + (uint64_t)length * MIX_2;
    Py_ssize_t last = length - WORD;
    if (last >= 0) {
        sum += word_at(begin + last / 2) * MIX_3 + word_at(begin + last) * MIX_4;
    }
    return mix(sum);
}

bool
scan_line(LineScan *scan, const char *begin, const char *end)
{
    long long time = line_time(begin, end, &scan->minute);
    uint64_t digest = digest_of(begin, end - begin, time < 0 ? 0 : time);
    scan->fingerprint += digest;
    if (time < 0) {
        scan->untimed++;
        return true;
    }
    if (scan->last < 0 || time < scan->first) {
        scan->first = time;
    }
    if (time > scan->last) {
        scan->last = time;
    }
    if (scan->level == 0 || digest >> (64 - scan->level) == 0) {
        uint64_t(*sample)[2] = with_room(scan->sample, scan->sampled, &scan->space, sizeof(*sample));
        if (!sample) {
            return false;
        }
        scan->sample = sample;
        sample[scan->sampled][0] = digest;
        sample[scan->sampled][1] = (uint64_t)time;
        scan->sampled++;
    }
    return count_hour(&scan->hours, time);
}

int
begin_scan(LineScan *scan, PyObject *level)
{
    *scan = (LineScan){
        .first = -1, .last = -1, .minute = {.minutes = NO_MINUTE}, .level = (int)PyLong_AsLong(level)};
    return scan->level == -1 && PyErr_Occurred() ? -1 : 0;
}

PyObject *
end_scan(LineScan *scan, bool failed)
{
    PyObject *result = NULL;
    if (!failed) {
        Py_ssize_t size = (Py_ssize_t)(scan->sampled * sizeof(*scan->sample));
        PyObject *const items[ScannedLines_count] = {
            [ScannedLines_first] = PyLong_FromLongLong(scan->first),
            [ScannedLines_last] = PyLong_FromLongLong(scan->last),
            [ScannedLines_untimed] = PyLong_FromSsize_t(scan->untimed),
            [ScannedLines_hours] = hour_dict(&scan->hours),
            [ScannedLines_fingerprint] = PyLong_FromUnsignedLongLong(scan->fingerprint),
            [ScannedLines_sample] = PyBytes_FromStringAndSize((const char *)scan->sample, size),
        };
        result = new_tuple(ScannedLines_count, items);
    }
    free(scan->sample);
    free(scan->hours.counts);
    return result;
}

/* Scan all lines of a text. Return false without memory. */
static bool
scan_text(LineScan *scan, const char *text, Py_ssize_t length)
{
    const char *end = text + length;
    for (const char *begin = text; begin < end;) {
        const char *line_end = memchr(begin, '\n', (size_t)(end - begin));
        line_end = line_end ? line_end : end;
        if (!scan_line(scan, begin, line_end)) {
            return false;
        }
        begin = line_end + 1;
    }
    return true;
}

PyObject *
scan_lines(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Py_buffer buffer;
    LineScan scan;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "scan_lines takes two arguments");
        return NULL;
    }
    if (PyObject_GetBuffer(arguments[0], &buffer, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    bool failed = begin_scan(&scan, arguments[1]) < 0;
    if (!failed && !scan_text(&scan, buffer.buf, buffer.len)) {
        PyErr_NoMemory();
        failed = true;
    }
    PyBuffer_Release(&buffer);
    return end_scan(&scan, failed);
}
