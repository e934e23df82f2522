/* options.h - the command line: each option is a row, from which --help is made.
 *
 * Knows what can be asked for, and refuses what cannot be measured.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <getopt.h>
#include <signal.h>

#include "dialects.h"

static struct {
    const char *host, *port, *dialect, *label, *pids;
    int window, burst, stuck;
    long messages;
    double rate, duration, hold, drain, connect_timeout, max_time;
    bool json, spread, tls;
} opt = {.host = "127.0.0.1", .port = "55555", .dialect = "line", .label = "", .pids = "",
         .window = 8, .burst = 64, .drain = 3, .connect_timeout = 120, .max_time = 300};

static const struct row {
    const char *name;
    enum { FLAG, TEXT, WHOLE, LONG, REAL } kind;
    void *to;
    double least, most; /* of a text: bytes */
    const char *help;
} ROWS[] = {
    {"host", TEXT, &opt.host, 0, 255, "the server's host (127.0.0.1)"},
    {"port", TEXT, &opt.port, 1, 32, "the server's port (55555)"},
    {"dialect", TEXT, &opt.dialect, 3, 9, "line, irc or websocket (line)"},
    {"tls", FLAG, &opt.tls, 0, 0, "through TLS, unverified; wants a build with -DTLS"},
    {"clients", WHOLE, &talk.clients, 1, 1e5, "connections (10)"},
    {"senders", WHOLE, &talk.senders, 0, 1e5, "how many of them send (1)"},
    {"rooms", WHOLE, &talk.rooms, 1, 1e5, "client i is in room number i mod ROOMS (1)"},
    {"person-rooms", WHOLE, &talk.person_rooms, 0, 1e6, "client 0 alone joins so many more (0)"},
    {"room", TEXT, &talk.room, 1, 40, "rooms are #ROOM0, #ROOM1... (bench)"},
    {"join-cmd", TEXT, &talk.join_command, 1, 300, "line: joins room %s number %d (/join #%s%d)"},
    {"path", TEXT, &http_path, 1, 500, "websocket: what is asked for in the handshake (/ws)"},
    {"pass", TEXT, &talk.pass, 1, 200, "irc: the server's password"},
    {"nick-prefix", TEXT, &talk.prefix, 1, 40, "what nicknames begin with (u)"},
    {"window", WHOLE, &opt.window, 1, 1e6, "closed loop: messages in flight per sender (8)"},
    {"rate", REAL, &opt.rate, 0, 1e7, "paced: messages/s of all senders (0: closed loop)"},
    {"duration", REAL, &opt.duration, 0, 1e5, "seconds to send; without this and..."},
    {"messages", LONG, &opt.messages, 0, 1e9, "...messages to send, nothing is sent"},
    {"size", WHOLE, &talk.size, SMALLEST, LARGEST, "bytes of a message, 32 to 4096 (64)"},
    {"stuck", WHOLE, &opt.stuck, 0, 1e5, "clients that never read once they are in (0)"},
    {"hold", REAL, &opt.hold, 0, 1e5, "seconds to stay idle before sending (0)"},
    {"pid", TEXT, &opt.pids, 1, 1000, "PID[,PID...] of the server: its CPU and memory"},
    {"burst", WHOLE, &opt.burst, 1, 1e5, "connections being set up at once (64)"},
    {"src-spread", FLAG, &opt.spread, 0, 0, "connect from 127.0.0.2 to 127.0.0.251 in turn"},
    {"connect-timeout", REAL, &opt.connect_timeout, 0, 1e5, "seconds for all to be in (120)"},
    {"drain", REAL, &opt.drain, 0, 1e5, "seconds of silence in which the rest is given up (3)"},
    {"max-time", REAL, &opt.max_time, 0, 2e5, "seconds that a run may last, with the drain (300)"},
    {"json", FLAG, &opt.json, 0, 0, "report one JSON object"},
    {"label", TEXT, &opt.label, 0, 200, "what the report calls this run"},
};
#define ROW_COUNT (int)(sizeof ROWS / sizeof *ROWS)

static void help(void)
{
    puts("usage: load --port PORT [OPTION...]          README.md says what is measured");
    for (const struct row *row = ROWS; row < ROWS + ROW_COUNT; row++) {
        static const char *const KINDS[] = {"", "TEXT", "N", "N", "X"};
        printf("  --%-15s %-4s  %s\n", row->name, KINDS[row->kind], row->help);
    }
    puts("Exit code: 0; 1 if a client failed or a line was lost, duplicated, reordered, damaged\n"
         "or in the wrong room; 2 if it could not begin.");
    exit(0);
}

static void set(const struct row *row, char *given)
{
    if (row->kind == FLAG) {
        *(bool *)row->to = true;
        return;
    }
    char *end = given;
    double value = row->kind == TEXT ? (double)strlen(given) : strtod(given, &end);
    bool whole = row->kind == WHOLE || row->kind == LONG;
    if ((row->kind != TEXT && (end == given || *end)) || !(value >= row->least) ||
        value > row->most || (whole && value != (double)(long)value))
        die("--%s wants %s from %.15g to %.15g, not '%s'", row->name,
            row->kind == TEXT ? "a text with a length" : whole ? "a whole number" : "a number",
            row->least, row->most, given);
    if (row->kind == TEXT) *(char **)row->to = given;
    else if (row->kind == WHOLE) *(int *)row->to = (int)value;
    else if (row->kind == LONG) *(long *)row->to = (long)value;
    else *(double *)row->to = value;
}

static void take_pids(const char *from)
{
    while (*from) {
        char *end;
        long pid = strtol(from, &end, 10);
        if (end == from || (*end && *end != ',') || pid < 1) die("--pid wants PID[,PID...]");
        if (kill((pid_t)pid, 0) && errno == ESRCH) die("--pid %ld: no such process", pid);
        if (pid_count == PIDS) die("--pid takes at most %d", PIDS);
        pids[pid_count++] = (int)pid;
        from = *end ? end + 1 : end;
    }
}

static void check_options(void)
{
    int rooms = talk.rooms, used = talk.senders < rooms ? talk.senders : rooms;
    bool sends = opt.duration > 0 || opt.messages > 0;
    for (int i = 0; i < DIALECT_COUNT; i++)
        if (!strcmp(opt.dialect, DIALECTS[i]->name)) talk.dialect = DIALECTS[i];
    if (!talk.dialect) die("--dialect is line, irc or websocket, not '%s'", opt.dialect);
    if (talk.senders > talk.clients) die("--senders is more than --clients");
    if (sends && !talk.senders) die("nobody sends: --senders");
    if (sends && talk.clients < rooms + used)
        die("every sender needs a witness in its room: at least %d --clients", rooms + used);
    if (talk.dialect == &irc_dialect && talk.size > 400) die("--size: IRC takes 400 at most");
    if (isdigit((uint8_t)talk.room[strlen(talk.room) - 1])) die("--room must not end in a digit");
    if (opt.stuck && opt.stuck > talk.clients - 2 * talk.senders)
        die("--stuck: with %d senders and their witnesses, fewer are left", talk.senders);
#ifdef TLS
    if (opt.tls) tls_init();
#else
    if (opt.tls) die("--tls: build with -DTLS -lssl -lcrypto");
#endif
    take_pids(opt.pids);
}

static void read_options(int argc, char **argv)
{
    struct option known[ROW_COUNT + 2] = {{0}};
    for (int i = 0; i < ROW_COUNT; i++)
        known[i] = (struct option){ROWS[i].name, ROWS[i].kind != FLAG, NULL, 0};
    known[ROW_COUNT].name = "help";
    int found, at;
    while ((found = getopt_long(argc, argv, "", known, &at)) != -1) {
        if (found) exit(2);
        if (at == ROW_COUNT) help();
        set(&ROWS[at], optarg);
    }
    if (optind < argc) die("'%s' is no option; see --help", argv[optind]);
    check_options();
}

#endif
