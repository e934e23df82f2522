/* measure.h - what is measured and checked: markers in messages, arrivals, times, processes.
 *
 * Knows bytes, numbers and /proc. Must never know about connections or what a server says.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    exit(2);
}

static void *need(void *memory)
{
    if (!memory) die("out of memory");
    return memory;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec at;
    if (clock_gettime(clock, &at)) return 0;
    return (uint64_t)at.tv_sec * SECOND + (uint64_t)at.tv_nsec;
}

static uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
static double own_cpu(void) { return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9; }

/* ---- Markers -------------------------------------------------------------------------------
 *
 *     ~L RUN:3 SENDER:3 NUMBER:5 TIME:8 SEAL:4 ~        26 bytes, no blanks, base 64
 *
 * TIME is in ns since the generator started, good for 78 hours. RUN tells the lines of an earlier
 * run, or of a second generator, from ours. SEAL is a hash of the rest, so that a changed digit is
 * found instead of believed.
 */

#define MARKER 26
#define TAG "~L"

enum { RUN, SENDER, NUMBER, TIME, SEAL, FIELDS };
typedef uint64_t marker[FIELDS];

static const int FIELD_DIGITS[FIELDS] = {3, 3, 5, 8, 4};
static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
static int8_t digit_value[256];

static void markers_init(void)
{
    memset(digit_value, -1, sizeof digit_value);
    for (int i = 0; i < 64; i++) digit_value[(uint8_t)DIGITS[i]] = (int8_t)i;
}

static uint64_t seal(const marker m)
{
    uint64_t mixed = m[TIME] ^ m[NUMBER] << 20 ^ m[SENDER] << 46;
    mixed = (mixed + m[RUN]) * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9u;
    return mixed >> 40;
}

/* Write a marker as MARKER bytes; the seal is added. */
static void marker_write(char *to, marker m)
{
    m[SEAL] = seal(m);
    memcpy(to, TAG, 2);
    to += 2;
    for (int field = 0; field < FIELDS; to += FIELD_DIGITS[field++]) {
        uint64_t value = m[field];
        for (int i = FIELD_DIGITS[field]; i--; value >>= 6) to[i] = DIGITS[value & 63];
    }
    *to = '~';
}

/* Read one; NULL if the MARKER bytes there are not a whole marker. All members of a room get the
 * same messages at about the same time, so those just read are kept: mostly, comparing will do. */
static const uint64_t *marker_read(const char *from)
{
    static struct known {
        char text[MARKER];
        marker fields;
    } table[256];
    struct known *known = &table[(uint8_t)(from[7] * 16 + from[12])]; /* low digits: who, which */
    if (!memcmp(known->text, from, MARKER)) return known->fields;
    memcpy(known->text, from, MARKER);
    int bad = memcmp(from, TAG, 2) || from[MARKER - 1] != '~' ? -1 : 0;
    from += 2;
    for (int field = 0; field < FIELDS; field++) {
        uint64_t value = 0;
        for (int i = FIELD_DIGITS[field]; i--; from++) {
            int digit = digit_value[(uint8_t)*from];
            bad |= digit;
            value = value << 6 | (uint64_t)(digit & 63);
        }
        known->fields[field] = value;
    }
    if (bad >= 0 && known->fields[SEAL] == seal(known->fields)) return known->fields;
    *known->text = 0;
    return NULL;
}

/* ---- Arrivals ------------------------------------------------------------------------------
 *
 * What one receiver has of one sender: every number below `next`, but for the holes. A number that
 * fills a hole came late, one below `next` that is in no hole came before. So nothing is guessed,
 * however late, and while nothing is wrong a pair costs 8 bytes.
 */

struct pair {
    uint32_t next;
    uint32_t hole; /* the newest one; 0 is none */
};

enum arrival { IN_ORDER, LATE, AGAIN };

static struct hole {
    uint32_t from, to; /* the numbers from <= n < to */
    uint32_t older;
} *holes;
static uint32_t hole_count = 1, hole_room, hole_spare;

static uint32_t hole_new(uint32_t from, uint32_t to, uint32_t older)
{
    uint32_t made = hole_spare;
    if (made) {
        hole_spare = holes[made].older;
    } else {
        if (hole_count >= hole_room) {
            hole_room = hole_room * 2 + 1024;
            holes = need(realloc(holes, hole_room * sizeof *holes));
        }
        made = hole_count++;
    }
    holes[made] = (struct hole){from, to, older};
    return made;
}

static void hole_fill(struct pair *pair, uint32_t newer, uint32_t at, uint32_t number)
{
    struct hole hole = holes[at];
    if (number + 1 < hole.to) {
        uint32_t below = number > hole.from ? hole_new(hole.from, number, hole.older) : hole.older;
        holes[at] = (struct hole){number + 1, hole.to, below};
    } else if (number > hole.from) {
        holes[at].to = number;
    } else {
        *(newer ? &holes[newer].older : &pair->hole) = hole.older;
        holes[at].older = hole_spare;
        hole_spare = at;
    }
}

static enum arrival arrived(struct pair *pair, uint32_t number)
{
    if (number >= pair->next) {
        if (number > pair->next) pair->hole = hole_new(pair->next, number, pair->hole);
        pair->next = number + 1;
        return IN_ORDER;
    }
    for (uint32_t newer = 0, at = pair->hole; at; newer = at, at = holes[at].older) {
        if (number >= holes[at].to) break;
        if (number < holes[at].from) continue;
        hole_fill(pair, newer, at, number);
        return LATE;
    }
    return AGAIN;
}

/* ---- Times: counted in steps of 1/64 of a power of two, so within 0.8 % -------------------- */

static uint64_t times[59 * 64], times_count, times_max;

static void time_add(uint64_t ns)
{
    int shift = ns < 128 ? 0 : 57 - __builtin_clzll(ns);
    times[((uint64_t)shift << 6) + (ns >> shift)]++;
    times_count++;
    if (ns > times_max) times_max = ns;
}

/* The time in ms that the share `q` of all times does not exceed. */
static double time_ms(double q)
{
    double rank = q * (double)times_count, seen = 0;
    for (uint64_t i = 0; times_count && i < sizeof times / sizeof *times; i++) {
        seen += (double)times[i];
        if (seen < rank) continue;
        int shift = i < 128 ? 0 : (int)(i >> 6) - 1;
        uint64_t middle = ((i - ((uint64_t)shift << 6)) << shift) + (1ull << shift >> 1);
        return (double)(middle < times_max ? middle : times_max) / 1e6;
    }
    return 0;
}

/* ---- What the server's processes use ------------------------------------------------------- */

#define PIDS 64

struct usage {
    double cpu;              /* seconds, exact */
    double user, kernel;     /* seconds, in ticks: only good for their ratio */
    long rss_kib, high_kib;  /* now; the most so far */
};

static int pids[PIDS], pid_count;

static FILE *proc_open(int pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return fopen(path, "r");
}

static void usage_add(struct usage *sum, int pid)
{
    clockid_t clock;
    if (!clock_getcpuclockid(pid, &clock)) sum->cpu += (double)clock_ns(clock) / 1e9;
    char text[1024];
    FILE *file = proc_open(pid, "stat");
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
        unsigned long user = 0, kernel = 0;
        const char *behind = strrchr(text, ')'); /* a command's name may hold anything */
        if (behind)
            sscanf(behind + 1, "%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%lu%lu", &user, &kernel);
        sum->user += (double)user / (double)sysconf(_SC_CLK_TCK);
        sum->kernel += (double)kernel / (double)sysconf(_SC_CLK_TCK);
    }
    file = proc_open(pid, "status");
    while (file && fgets(text, sizeof text, file)) {
        if (!strncmp(text, "VmRSS:", 6)) sum->rss_kib += atol(text + 6);
        if (!strncmp(text, "VmHWM:", 6)) sum->high_kib += atol(text + 6);
    }
    if (file) fclose(file);
}

static struct usage server_usage(void)
{
    struct usage sum = {0};
    for (int i = 0; i < pid_count; i++) usage_add(&sum, pids[i]);
    return sum;
}

#endif
