/* load.c - a load generator for chat servers: one process, one thread, epoll.
 *
 *     gcc -O2 -Wall -Wextra -o load load.c
 *     gcc -O2 -Wall -Wextra -DTLS -o load load.c -lssl -lcrypto        for --tls
 *
 * Knows the phases of a run and the report. README.md says what is measured, and why.
 */
#define _GNU_SOURCE
#include "options.h"

#define EVENTS 256 /* in one turn; few, so that what is due is sent soon */
#define QUIET 0.3  /* seconds without a byte: everybody has been told everything */
#define STALLED 2  /* seconds without a byte: what is still out is lost, send on */

static volatile sig_atomic_t interrupted;

/* ---- Before the run ------------------------------------------------------------------------ */

/* Choose a sender's witness: somebody of its room who does not send, if there is one, and for the
 * senders of a room at even steps: no place in the server's order of sending is preferred. */
static uint32_t witness_of(int sender)
{
    int room = sender % talk.rooms, place = sender / talk.rooms;
    int sending = (talk.senders - room - 1) / talk.rooms + 1;
    int quiet = (talk.clients - room - 1) / talk.rooms + 1 - sending;
    int member = quiet ? sending + ((place + 1) * quiet + sending - 1) / sending - 1
                       : (place + 1) % sending;
    return (uint32_t)(room + member * talk.rooms);
}

static void set_up(void)
{
    markers_init();
    start_ns = now_ns();
    run_id = (uint32_t)(start_ns / 1000 ^ (uint64_t)getpid() << 7) & 0x3ffff;
    per_room = (talk.senders + talk.rooms - 1) / talk.rooms;
    clients = need(calloc((size_t)talk.clients, sizeof *clients));
    senders = need(calloc((size_t)talk.senders + 1, sizeof *senders));
    ready = need(calloc((size_t)talk.senders + 1, sizeof *ready));
    pairs = need(calloc((size_t)talk.clients * (size_t)per_room + 1, sizeof *pairs));
    memset(padding, '.', sizeof padding);
    for (int i = 0; i < talk.senders; i++) {
        struct sender *sender = &senders[i];
        nick_of(sender->nick, sizeof sender->nick, i);
        talk.dialect->head(sender->head, sizeof sender->head, i % talk.rooms);
        sender->witness = witness_of(i);
        sender->queued = true;
        ready[ready_count++] = (uint32_t)i;
    }
}

/* ---- Phases -------------------------------------------------------------------------------- */

static uint64_t ns(double seconds) { return (uint64_t)(seconds * (double)SECOND); }
static bool within(uint64_t since, double seconds)
{
    return !interrupted && now_ns() - since < ns(seconds);
}

/* See to what has happened, waiting for it at most so long. */
static void turn(uint64_t wait_ns)
{
    static struct epoll_event events[EVENTS];
    struct timespec wait = {(time_t)(wait_ns / SECOND), (long)(wait_ns % SECOND)};
    int count = epoll_pwait2(loop, events, EVENTS, &wait, NULL);
    for (int i = 0; i < count; i++) happened(events[i].data.ptr, events[i].events);
}

/* Go on reading until nothing has come for a while. */
static void settle(double quiet, double at_most)
{
    uint64_t began = last_read = now_ns();
    while (within(began, at_most) && within(last_read, quiet)) turn(SECOND / 50);
}

static void connect_all(void)
{
    int next = 0;
    uint64_t began = last_join = now_ns();
    while (joined + failed < talk.clients && within(began, opt.connect_timeout)) {
        for (; pending < opt.burst && next < talk.clients; next++) {
            pending++;
            if (!link_dial(&clients[next].link, opt.spread ? 2 + next % 250 : 0))
                lose(&clients[next], link_fault);
        }
        turn(SECOND / 10);
    }
    static const char *const AWAITED[] = {
        [ASKING] = "for the prompt", [NAMING] = "to be let in", [ENTERING] = "for the room"};
    for (int i = 0; i < next; i++) {
        char why[80];
        if (clients[i].stage >= IN) continue;
        snprintf(why, sizeof why, "timed out waiting %s",
                 clients[i].link.state == OPEN ? AWAITED[clients[i].stage] : "for the connection");
        lose(&clients[i], why);
    }
    failed += talk.clients - next;
}

/* Let client 0 join its own rooms, one after the other. Returns the seconds that took. */
static double join_person_rooms(void)
{
    struct client *person = clients;
    uint64_t began = now_ns();
    person_joined = 0;
    while (person_joined < talk.person_rooms && person->stage == IN && !refused) {
        int before = person_joined;
        talk.dialect->enter(person);
        while (person->stage == ENTERING && within(began, opt.connect_timeout)) turn(SECOND / 10);
        if (person_joined == before) break;
    }
    return (double)(now_ns() - began) / 1e9;
}

/* Make clients stuck, from the last one on: neither senders nor witnesses. */
static void stick(int left)
{
    bool *needed = need(calloc((size_t)talk.clients, sizeof *needed));
    for (int i = 0; i < talk.senders; i++) needed[i] = needed[senders[i].witness] = true;
    for (int i = talk.clients; i-- && left;) {
        if (needed[i] || clients[i].stage != IN) continue;
        clients[i].link.deaf = true;
        link_watch(&clients[i].link, EPOLL_CTL_MOD);
        left--;
    }
    free(needed);
}

/* Count who is to get each sender's messages. False if a sender or a witness is missing. */
static bool count_readers(void)
{
    uint32_t *members = need(calloc((size_t)talk.rooms, sizeof *members));
    bool complete = true;
    for (int i = 0; i < talk.clients; i++)
        members[i % talk.rooms] += clients[i].stage == IN && !clients[i].link.deaf;
    for (int i = 0; i < talk.senders; i++) {
        senders[i].readers = members[i % talk.rooms] - 1;
        complete &= clients[i].stage == IN && clients[senders[i].witness].stage == IN;
    }
    free(members);
    return complete;
}

/* ---- The run ------------------------------------------------------------------------------- */

static uint64_t sent, expected, max_lag, stalls;
static double run_cpu; /* the generator's own, in seconds */

static bool may_send(void) { return !opt.messages || sent < (uint64_t)opt.messages; }

static void send_one(uint32_t sender, uint64_t due)
{
    compose((int)sender, due);
    sent++;
    expected += senders[sender].readers;
}

static void flush(uint32_t sender)
{
    struct client *c = &clients[sender];
    if (c->stage == IN && !c->link.blocked && !link_flush(&c->link)) lose(c, link_fault);
}

/* Closed loop: fill up the windows of those who have got something back. */
static void send_windows(uint64_t now)
{
    while (ready_count) {
        uint32_t id = ready[--ready_count];
        struct sender *sender = &senders[id];
        sender->queued = false;
        if (clients[id].stage != IN) continue;
        while (sender->sent - sender->back < (uint32_t)opt.window && may_send()) send_one(id, now);
        flush(id);
    }
    if (now <= last_read + STALLED * SECOND) return;
    stalls++;
    last_read = now;
    for (int i = 0; i < talk.senders; i++) {
        senders[i].back = senders[i].sent;
        senders[i].queued = true;
        ready[ready_count++] = (uint32_t)i;
    }
}

/* Paced: send all that is due before `until`, as of when it was due; say when the next one is. */
static uint64_t send_due(uint64_t now, uint64_t until)
{
    static uint64_t turns;
    for (;; turns++) {
        uint64_t due = run_ns + (uint64_t)((double)turns * 1e9 / opt.rate);
        if (due >= until || !may_send()) return due;
        uint32_t id = (uint32_t)(turns % (uint64_t)talk.senders);
        if (clients[id].stage != IN) continue;
        if (now - due > max_lag) max_lag = now - due;
        send_one(id, due);
        flush(id);
    }
}

static void run(void)
{
    double cpu = own_cpu();
    bool sending = true;
    running = true;
    run_ns = last_read = last_delivery = now_ns();
    uint64_t end = opt.duration > 0 ? run_ns + ns(opt.duration) : UINT64_MAX;
    while (within(run_ns, opt.max_time)) {
        uint64_t now = now_ns(), wait = SECOND / 10;
        if (sending && opt.rate > 0) {
            uint64_t due = send_due(now, now < end ? now : end);
            if (due < now + wait) wait = due > now ? due - now : 0;
        } else if (sending) {
            send_windows(now);
        }
        if (sending && (now >= end || !may_send())) {
            sending = false;
            last_read = now; /* the answers to the last ones have all of --drain */
        }
        bool all = delivered >= expected && (!echoed || echoed >= sent);
        if (!sending && (all || now > last_read + ns(opt.drain))) break;
        turn(sending ? wait : SECOND / 10);
    }
    run_cpu = own_cpu() - cpu;
}

/* ---- The report ---------------------------------------------------------------------------- */

static struct usage before, all_in, held, idle, done; /* the server, from phase to phase */
static double join_s, settled_s, person_s;
static uint64_t bytes_joined;

static void __attribute__((format(printf, 2, 3))) field(const char *name, const char *format, ...)
{
    static bool later;
    va_list args;
    va_start(args, format);
    if (opt.json) printf("%s\"%s\": ", later ? ", " : "{", name);
    else printf("%-22s ", name);
    vprintf(format, args);
    va_end(args);
    if (!opt.json) putchar('\n');
    later = true;
}

static void text_field(const char *name, const char *text)
{
    char safe[256];
    size_t len = 0;
    for (; *text && len < sizeof safe - 1; text++, len++)
        safe[len] = *text == '"' || *text == '\\' || (uint8_t)*text - 32u >= 95 ? '\'' : *text;
    safe[len] = 0;
    field(name, "\"%s\"", safe);
}

static double per(double what, double of) { return of > 0 ? what / of : 0; }

static void report_joins(void)
{
    field("joined", "%d", joined);
    field("failed", "%d", failed);
    field("disconnects", "%d", disconnected);
    field("join_s", "%.4f", join_s);
    field("joins_per_s", "%.1f", per(joined, join_s));
    field("settled_s", "%.4f", settled_s);
    field("join_mb_read", "%.2f", (double)bytes_joined / 1e6);
    if (talk.person_rooms) {
        field("person_rooms", "%d", talk.person_rooms);
        field("person_joined", "%d", person_joined);
        field("person_join_s", "%.4f", person_s);
    }
    field("hold_s", "%g", opt.hold);
    if (!pid_count) return;
    field("join_cpu_ms", "%.4f", per((all_in.cpu - before.cpu) * 1e3, joined));
    field("idle_cpu_s", "%.6f", idle.cpu - held.cpu);
    field("rss_before_kib", "%ld", before.rss_kib);
    field("rss_joined_kib", "%ld", all_in.rss_kib);
    field("rss_idle_kib", "%ld", idle.rss_kib);
    field("rss_end_kib", "%ld", done.rss_kib);
    field("hwm_end_kib", "%ld", done.high_kib);
    field("rss_per_conn_kib", "%.3f", per((double)(all_in.rss_kib - before.rss_kib), joined));
    if (talk.person_rooms)
        field("rss_per_room_kib", "%.3f",
              per((double)(held.rss_kib - all_in.rss_kib), person_joined));
}

static void report_faults(void)
{
    field("sent", "%lu", sent);
    field("expected", "%lu", expected);
    field("received", "%lu", delivered);
    field("lost", "%ld", (long)(expected - delivered));
    field("duplicated", "%lu", duplicated);
    field("reordered", "%lu", reordered);
    field("damaged", "%lu", damaged);
    field("strayed", "%lu", strayed);
    field("echoes", "%lu", echoed);
    field("echoes_lost", "%lu", echoed ? sent - echoed : 0);
    field("refused", "%lu", refused);
    field("stale", "%lu", stale);
    field("stalls", "%lu", stalls);
    if (opt.stuck) field("stuck_dropped", "%d", stuck_dropped);
}

static void report_speed(void)
{
    double wall = (double)(last_delivery - run_ns) / 1e9;
    double lines = (double)(delivered + echoed + duplicated);
    field("wall_s", "%.4f", wall);
    field("messages_per_s", "%.2f", per((double)sent, wall));
    field("deliveries_per_s", "%.0f", per((double)delivered, wall));
    field("lines_per_s", "%.0f", per(lines, wall));
    field("bytes_per_line", "%.1f", per((double)(bytes_read - bytes_joined), lines));
    field("mb_per_s", "%.2f", per((double)(bytes_read - bytes_joined) / 1e6, wall));
    if (pid_count) {
        double cpu = done.cpu - idle.cpu, kernel = done.kernel - idle.kernel;
        field("cpu_us_per_delivery", "%.4f", per(cpu * 1e6, (double)delivered));
        field("cpu_us_per_line", "%.4f", per(cpu * 1e6, lines));
        field("cpu_s", "%.4f", cpu);
        field("cpu_pct", "%.1f", per(cpu * 100, wall));
        field("cpu_sys_share", "%.3f", per(kernel, kernel + done.user - idle.user));
    }
    field("p50_ms", "%.3f", time_ms(0.5));
    field("p90_ms", "%.3f", time_ms(0.9));
    field("p99_ms", "%.3f", time_ms(0.99));
    field("p999_ms", "%.3f", time_ms(0.999));
    field("max_ms", "%.3f", (double)times_max / 1e6);
    field("generator_cpu_share", "%.3f", per(run_cpu, wall));
    field("gen_cpu_pct", "%.1f", per(run_cpu * 100, wall));
    field("gen_max_lag_ms", "%.3f", (double)max_lag / 1e6);
}

static void report(void)
{
    if (opt.json || *opt.label) text_field("label", opt.label);
    text_field("dialect", talk.dialect->name);
    field("tls", opt.tls ? "true" : "false");
    field("clients", "%d", talk.clients);
    field("senders", "%d", talk.senders);
    field("rooms", "%d", talk.rooms);
    field("stuck", "%d", opt.stuck);
    field("rate", "%g", opt.rate);
    field("window", "%d", opt.window);
    field("size", "%d", talk.size);
    report_joins();
    if (run_ns) {
        report_faults();
        report_speed();
    }
    text_field("last_error", last_error);
    if (opt.json) puts("}");
}

static bool faultless(void)
{
    uint64_t faults = duplicated + reordered + damaged + strayed + refused;
    bool person = !talk.person_rooms || person_joined == talk.person_rooms;
    return !failed && person && !faults && !disconnected && delivered == expected && !interrupted &&
           (!echoed || echoed == sent);
}

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    raise_file_limit(talk.clients);
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    set_up();
    link_init(opt.host, opt.port);

    before = server_usage();
    uint64_t began = now_ns();
    connect_all();
    join_s = (double)(last_join - began) / 1e9;
    settle(QUIET, opt.connect_timeout);
    settled_s = (double)(last_read - began) / 1e9;
    all_in = server_usage();
    if (talk.person_rooms) {
        person_s = join_person_rooms();
        settle(QUIET, opt.connect_timeout);
    }
    bytes_joined = bytes_read;
    stick(opt.stuck);
    held = server_usage();
    for (uint64_t from = now_ns(); within(from, opt.hold);) turn(SECOND / 10);
    idle = done = server_usage();

    bool sends = opt.duration > 0 || opt.messages > 0, complete = count_readers();
    if (sends && !complete) fputs("load: senders or witnesses are missing: no run\n", stderr);
    if (sends && complete) {
        run();
        done = server_usage();
        settle(0.1, 1); /* nothing more than was due must come */
    }
    report();
    return faultless() ? 0 : 1;
}
