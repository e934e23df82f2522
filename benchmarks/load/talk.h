/* talk.h - the clients: how they get in, and what they make of each line they are told.
 *
 * Knows who is in which room, and what came. Must never know how that is written, which is the
 * dialects', or when to send or to stop: that is load.c.
 */
#ifndef TALK_H
#define TALK_H

#include <ctype.h>

#include "link.h"

#define LINE_MAX_KEPT (64 << 10) /* of a line whose end has not come */
#define READ_AT_ONCE (256 << 10)
#define SMALLEST 32              /* bytes of a message */
#define LARGEST 4096

enum stage { ASKING, NAMING, ENTERING, IN, GONE };

struct client {
    struct link link; /* first: the event loop hands links out */
    enum stage stage;
};

typedef void heard(struct client *, const char *line, size_t len);

/* How things are written, and what a client does with what it hears, by its stage. */
struct dialect {
    const char *name;
    void (*opened)(struct client *); /* null: it waits to be asked */
    /* Find the next thing said. Returns what follows it; NULL if it has not all come, or the client
     * was lost. A `line` that is NULL was nothing to hear. */
    const char *(*cut)(struct client *, const char *from, const char *end, const char **line,
                       size_t *len);
    void (*write)(struct bytes *out, const char *line, size_t len); /* append a line, complete */
    void (*head)(char *to, size_t size, int room); /* what stands before a message... */
    const char *tail;                              /* ...and behind it, in a line */
    void (*enter)(struct client *);                /* ask to be let into the room */
    heard *hears[GONE];
};

struct sender {
    uint32_t sent, back; /* messages; of them at the witness */
    uint32_t witness, readers;
    bool queued;         /* waits in `ready` for load.c */
    char nick[48];
    char head[96];       /* what stands before its messages on the way to the server */
};

static struct {
    const struct dialect *dialect;
    const char *join_command, *room, *prefix, *pass;
    int clients, senders, rooms, person_rooms, size;
} talk = {.join_command = "/join #%s%d", .room = "bench", .prefix = "u",
          .clients = 10, .senders = 1, .rooms = 1, .size = 64};

static struct client *clients;
static struct sender *senders;
static struct pair *pairs; /* of each client with each sender of its room */
static int per_room;       /* senders, at most */
static uint32_t run_id;
static char padding[LARGEST];

static bool running;
static uint64_t start_ns, run_ns; /* of the generator; of the run, since then */
static int joined, pending, person_joined = -1; /* -1: not yet its turn */
static uint64_t last_read, last_join, last_delivery, bytes_read;
static uint64_t delivered, echoed, duplicated, reordered, damaged, strayed, stale, refused;
static int failed, disconnected, stuck_dropped;
static uint32_t *ready, ready_count; /* senders with room in their window */
static char last_error[200];

static int index_of(const struct client *c) { return (int)(c - clients); }

static void remember(const char *line, size_t len)
{
    snprintf(last_error, sizeof last_error, "%.*s", (int)(len < 180 ? len : 180), line);
}

/* Has it been let in, though it may be entering one more room? */
static bool is_in(const struct client *c) { return c->stage == IN || person_joined >= 0; }

/* Without a reason, the one that is remembered stands; a refusal says more than an end of input. */
static void lose(struct client *c, const char *why)
{
    if (c->stage == GONE) return;
    if (!is_in(c)) pending--, failed++;
    else if (c->link.deaf) stuck_dropped++;
    else disconnected++;
    if (why && !(why == link_fault && *last_error)) remember(why, strlen(why));
    c->stage = GONE;
    link_close(&c->link);
}

static void tell(struct client *c, const char *text)
{
    talk.dialect->write(&c->link.out, text, strlen(text));
    if (!c->link.blocked && !link_flush(&c->link)) lose(c, link_fault);
}

static void nick_of(char *to, size_t size, int client)
{
    snprintf(to, size, "%s%05d", talk.prefix, client);
}

/* ---- Rooms: client i is in number i mod R; for --person-rooms, client 0 goes on from there --- */

static void room_of(char *to, size_t size, const struct client *c)
{
    if (person_joined >= 0) snprintf(to, size, "%sp%d", talk.room, person_joined);
    else snprintf(to, size, "%s%d", talk.room, index_of(c) % talk.rooms);
}

/* Does the line name it, and not only something longer? */
static bool names(const char *line, size_t len, const char *word)
{
    size_t size = strlen(word);
    const char *end = line + len;
    while ((line = memmem(line, (size_t)(end - line), word, size))) {
        line += size;
        if (line == end || !isalnum((uint8_t)*line)) return true;
    }
    return false;
}

static bool names_room(const struct client *c, const char *line, size_t len)
{
    char room[64];
    room_of(room, sizeof room, c);
    return names(line, len, room);
}

/* Ask to be let into the room; `format` has %s for its name and %d for its number. */
static void enter(struct client *c, const char *format)
{
    char room[64], text[512], *to = text;
    room_of(room, sizeof room, c);
    size_t name = strlen(room);
    while (name && isdigit((uint8_t)room[name - 1])) name--;
    for (; *format && to < text + sizeof text - 80; format++) {
        bool special = *format == '%' && (format[1] == 's' || format[1] == 'd');
        if (!special) *to++ = *format;
        else if (*++format == 's') to += sprintf(to, "%.*s", (int)name, room);
        else to += sprintf(to, "%s", room + name);
    }
    *to = 0;
    c->stage = ENTERING;
    tell(c, text);
}

static void got_in(struct client *c)
{
    c->stage = IN;
    if (person_joined >= 0) {
        person_joined++;
        return;
    }
    joined++;
    pending--;
    last_join = last_read;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void count(struct client *c, const marker m)
{
    int me = index_of(c);
    uint32_t from = (uint32_t)m[SENDER], number = (uint32_t)m[NUMBER];
    size_t pair = (size_t)me * (size_t)per_room + from / (uint32_t)talk.rooms;
    switch (arrived(&pairs[pair], number)) {
    case AGAIN: duplicated++; return;
    case LATE: reordered++; break;
    case IN_ORDER: break;
    }
    if (me == (int)from) {
        echoed++;
        return;
    }
    delivered++;
    last_delivery = last_read;
    time_add(last_read - start_ns - m[TIME]);
    struct sender *sender = &senders[from];
    if (sender->witness != (uint32_t)me || number < sender->back) return;
    sender->back = number + 1;
    if (!sender->queued) ready[ready_count++] = from;
    sender->queued = true;
}

/* Does the line's head, before the message at `at`, name who sent it? */
static bool signed_by(const struct sender *sender, const char *line, const char *at)
{
    size_t size = strlen(sender->nick), head = (size_t)(at - line);
    size_t between = strlen("\",\"text\":\""); /* in JSON; to be quick */
    if (*line == ':') line++, head--;
    if (head < size) return false;
    if (!memcmp(line, sender->nick, size)) return true;
    if (head >= size + between && !memcmp(at - size - between, sender->nick, size)) return true;
    return memmem(line, head, sender->nick, size);
}

/* Is it a line with a message? Then it is checked and counted. */
static bool message(struct client *c, const char *line, size_t len)
{
    size_t size = (size_t)talk.size;
    const char *at = len >= size ? line + len - size : line;
    if (len < MARKER) return false;
    if (memcmp(at, TAG, 2)) at = memmem(line, len, TAG, 2);
    if (!at) return false;
    const uint64_t *m = (size_t)(line + len - at) >= MARKER ? marker_read(at) : NULL;
    if (!running || (m && m[RUN] != run_id)) {
        stale++;
        return true;
    }
    if (!m || m[SENDER] >= (uint64_t)talk.senders || m[NUMBER] >= senders[m[SENDER]].sent) {
        damaged++;
        return true;
    }
    if (at + size != line + len || memcmp(at + MARKER, padding, size - MARKER) ||
        !signed_by(&senders[m[SENDER]], line, at))
        damaged++;
    if ((int)m[SENDER] % talk.rooms != index_of(c) % talk.rooms) strayed++;
    else count(c, m);
    return true;
}

/* Append the sender's next message to what it has to send. */
static void compose(int sender, uint64_t due)
{
    marker m = {run_id, (uint64_t)sender, senders[sender].sent++, due - start_ns, 0};
    char line[sizeof senders->head + LARGEST + 8], *to = stpcpy(line, senders[sender].head);
    marker_write(to, m);
    to = mempcpy(to + MARKER, padding, (size_t)talk.size - MARKER);
    to = stpcpy(to, talk.dialect->tail);
    talk.dialect->write(&clients[sender].link.out, line, (size_t)(to - line));
}

/* ---- From the event loop ------------------------------------------------------------------- */

static void hear(struct client *c, const char *from, const char *end)
{
    const char *line, *next;
    size_t len;
    while (c->stage != GONE && (next = talk.dialect->cut(c, from, end, &line, &len))) {
        if (line) talk.dialect->hears[c->stage](c, line, len);
        from = next;
    }
    if (c->stage == ASKING && from < end && !talk.dialect->opened) {
        talk.dialect->hears[ASKING](c, from, (size_t)(end - from)); /* it need not end its line */
        if (c->stage != ASKING) from = end;
    }
    if (c->stage == GONE) return;
    c->link.in.len = 0;
    if (end - from > LINE_MAX_KEPT) lose(c, "a line of more than 64 KiB");
    else if (from < end) bytes_add(&c->link.in, from, (size_t)(end - from));
}

static void readable(struct client *c)
{
    static char buffer[LINE_MAX_KEPT + READ_AT_ONCE];
    ssize_t len;
    do {
        char *fresh = buffer + LINE_MAX_KEPT, *from = fresh - c->link.in.len;
        if ((len = link_read(&c->link, fresh, READ_AT_ONCE)) < 0) lose(c, link_fault);
        if (len <= 0) return;
        last_read = now_ns();
        bytes_read += (uint64_t)len;
        if (from < fresh) memcpy(from, c->link.in.at, c->link.in.len);
        hear(c, from, fresh + len);
    } while (len == READ_AT_ONCE && c->stage != GONE); /* TLS may hold more that epoll cannot see */
}

static void happened(struct client *c, uint32_t events)
{
    struct link *link = &c->link;
    if (link->state == CLOSED) return;
    if (link->deaf && events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        lose(c, NULL);
    } else if (link->state != OPEN) {
        if (!link_proceed(link)) lose(c, link_fault);
        else if (link->state == OPEN && talk.dialect->opened) talk.dialect->opened(c);
    } else if (events & EPOLLOUT && !link_flush(link)) {
        lose(c, link_fault);
    }
    if (c->stage != GONE && link->state == OPEN && !link->deaf && events & ~(uint32_t)EPOLLOUT)
        readable(c);
}

#endif
