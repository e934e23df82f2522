/* dialects.h - what clients say and hear, one dialect for each kind of server.
 *
 * Knows how each is written, and by what a client sees that it is in. Must never count messages:
 * that is talk.h.
 *
 *     line                                   irc
 *     S: NICK                                C: NICK u00001 / USER ...
 *     C: u00001                              S: :server 001 ...
 *     S: Connected to the server             C: JOIN #bench0
 *     C: /join #bench1    (several rooms)    S: :server 366 ... #bench0
 *     S: any line naming the room
 *     C: ~L...~xxx                           C: PRIVMSG #bench0 :~L...~xxx
 *     S: u00001: ~L...~xxx                   S: :u00001!... PRIVMSG #bench0 :~L...~xxx
 *
 *     websocket: one JSON object a frame
 *     C: GET /ws HTTP/1.1 ...
 *     S: HTTP/1.1 101 ...
 *     C: {"do":"nick","nick":"u00001"}
 *     S: {"type":"welcome",...}
 *     C: {"do":"join","room":"#bench1"}    (several rooms)
 *     S: any object naming the room
 *     C: {"do":"line","line":"~L...~xxx"}
 *     S: {"type":"said",...,"nick":"u00001","text":"~L...~xxx"}
 */
#ifndef DIALECTS_H
#define DIALECTS_H

#include "frames.h"
#include "talk.h"

static const char *http_path = "/ws";

static void refusal(struct client *c, const char *line, size_t len)
{
    remember(line, len);
    if (!is_in(c)) {
        lose(c, NULL);
        return;
    }
    c->stage = IN;
    refused++;
}

/* ---- Lines --------------------------------------------------------------------------------- */

static const char *line_cut(struct client *c, const char *from, const char *end, const char **line,
                            size_t *len)
{
    (void)c;
    const char *stop = memchr(from, '\n', (size_t)(end - from));
    if (!stop) return NULL;
    *line = from;
    *len = (size_t)(stop - from);
    if (*len && from[*len - 1] == '\r') --*len;
    return stop + 1;
}

static void line_write(struct bytes *out, const char *line, size_t len)
{
    bytes_add(out, line, len);
    bytes_add(out, "\r\n", 2);
}

static void line_head(char *to, size_t size, int room)
{
    (void)size, (void)room;
    *to = 0;
}

static void line_enter(struct client *c) { enter(c, talk.join_command); }

static bool line_refuses(const char *line, size_t len) { return len > 2 && !memcmp(line, "! ", 2); }

static void line_asking(struct client *c, const char *line, size_t len)
{
    if (line_refuses(line, len)) {
        remember(line, len);
    } else if (memmem(line, len, "NICK", 4)) {
        char nick[64];
        nick_of(nick, sizeof nick, index_of(c));
        c->stage = NAMING;
        tell(c, nick);
    }
}

static void line_naming(struct client *c, const char *line, size_t len)
{
    char nick[64];
    nick_of(nick, sizeof nick, index_of(c));
    if (line_refuses(line, len)) refusal(c, line, len);
    else if (!names(line, len, nick) && !memmem(line, len, "onnected", 8) &&
             !memmem(line, len, "elcome", 6)) return;
    else if (talk.rooms > 1) line_enter(c);
    else got_in(c);
}

static void line_entering(struct client *c, const char *line, size_t len)
{
    if (line_refuses(line, len)) refusal(c, line, len);
    else if (names_room(c, line, len)) got_in(c);
}

static void line_in(struct client *c, const char *line, size_t len)
{
    if (message(c, line, len) || !running) return;
    if (line_refuses(line, len)) {
        refusal(c, line, len);
        return;
    }
    size_t nick = strlen(talk.prefix) + 5; /* a message that has lost its marker */
    if (len > nick && !memcmp(line, talk.prefix, nick - 5) && line[nick] == ':') damaged++;
}

static const struct dialect line_dialect = {
    "line", NULL, line_cut, line_write, line_head, "", line_enter,
    {[ASKING] = line_asking, [NAMING] = line_naming, [ENTERING] = line_entering, [IN] = line_in}};

/* ---- IRC ----------------------------------------------------------------------------------- */

static void irc_head(char *to, size_t size, int room)
{
    snprintf(to, size, "PRIVMSG #%s%d :", talk.room, room);
}

static void irc_enter(struct client *c) { enter(c, "JOIN #%s%d"); }

static void irc_opened(struct client *c)
{
    char nick[64], text[256];
    nick_of(nick, sizeof nick, index_of(c));
    if (talk.pass) {
        snprintf(text, sizeof text, "PASS %s", talk.pass);
        tell(c, text);
    }
    snprintf(text, sizeof text, "NICK %s\r\nUSER %s 0 * :%s", nick, nick, nick);
    c->stage = NAMING;
    tell(c, text);
}

/* The line's command, and what is behind it; PING and ERROR are seen to here. */
static const char *irc_command(struct client *c, const char *line, size_t len)
{
    if (len > 5 && !memcmp(line, "PING ", 5)) {
        char pong[600];
        snprintf(pong, sizeof pong, "PONG %.*s", (int)(len - 5), line + 5);
        tell(c, pong);
    } else if (len > 5 && !memcmp(line, "ERROR", 5)) {
        remember(line, len);
    }
    const char *blank = len && *line == ':' ? memchr(line, ' ', len) : NULL;
    return blank && line + len - blank > 4 ? blank + 1 : NULL; /* 4 bytes or more */
}

/* 4xx and 5xx are errors, but for 422, which is the lack of a message of the day. */
static bool irc_refuses(const char *command)
{
    return (*command == '4' || *command == '5') && memcmp(command, "422", 3);
}

static void irc_naming(struct client *c, const char *line, size_t len)
{
    const char *command = irc_command(c, line, len);
    if (!command) return;
    if (irc_refuses(command)) refusal(c, line, len);
    else if (!memcmp(command, "001", 3)) irc_enter(c);
}

static void irc_entering(struct client *c, const char *line, size_t len)
{
    const char *command = irc_command(c, line, len);
    if (!command) return;
    if (irc_refuses(command)) refusal(c, line, len);
    else if (!memcmp(command, "366", 3) && names_room(c, line, len)) got_in(c);
}

static void irc_in(struct client *c, const char *line, size_t len)
{
    const char *command = irc_command(c, line, len);
    if (!command) return;
    if (!memcmp(command, "PRIV", 4)) damaged += !message(c, line, len) && running;
    else if (irc_refuses(command)) refusal(c, line, len);
}

static const struct dialect irc_dialect = {
    "irc", irc_opened, line_cut, line_write, irc_head, "", irc_enter,
    {[NAMING] = irc_naming, [ENTERING] = irc_entering, [IN] = irc_in}};

/* ---- WebSocket ----------------------------------------------------------------------------- */

static const char *websocket_cut(struct client *c, const char *from, const char *end,
                                 const char **line, size_t *len)
{
    struct frame frame;
    const char *wrong, *next;
    if (c->stage == ASKING) return line_cut(c, from, end, line, len);
    next = frame_read(&frame, from, end, &wrong);
    if (wrong) lose(c, wrong);
    if (!next) return NULL;
    *line = NULL;
    *len = frame.len;
    if (frame.opcode == TEXT_FRAME) *line = frame.payload;
    else if (frame.opcode == PING_FRAME && frame.len < 126)
        frame_add(&c->link.out, PONG_FRAME, frame.payload, frame.len);
    else if (frame.opcode == CLOSE_FRAME) lose(c, "closed by the server: a close frame");
    else if (frame.opcode != PONG_FRAME) lose(c, "a frame that is neither text nor control");
    if (frame.opcode == PING_FRAME && !c->link.blocked && !link_flush(&c->link))
        lose(c, link_fault);
    return c->stage == GONE ? NULL : next;
}

static void websocket_write(struct bytes *out, const char *line, size_t len)
{
    frame_add(out, TEXT_FRAME, line, len);
}

static void websocket_head(char *to, size_t size, int room)
{
    (void)room; /* the current one */
    snprintf(to, size, "{\"do\":\"line\",\"line\":\"");
}

static void websocket_enter(struct client *c)
{
    enter(c, "{\"do\":\"join\",\"room\":\"#%s%d\"}");
}

static void websocket_opened(struct client *c)
{
    char request[900];
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: %s\r\n\r\n",
                       http_path, WS_KEY);
    if (!link_send(&c->link, request, (size_t)len)) lose(c, link_fault);
}

/* The answer to the handshake: a status, headers, a blank line. */
static void websocket_asking(struct client *c, const char *line, size_t len)
{
    static const char ACCEPT[] = "Sec-WebSocket-Accept: ";
    size_t name = sizeof ACCEPT - 1;
    if (len > 5 && !memcmp(line, "HTTP/", 5) && !memmem(line, len, " 101 ", 5)) {
        remember(line, len);
        lose(c, NULL);
    } else if (len > name && !strncasecmp(line, ACCEPT, name)) {
        bool right = len == name + sizeof WS_ACCEPT - 1 && !memcmp(line + name, WS_ACCEPT, len - name);
        if (!right) lose(c, "a handshake with a wrong Sec-WebSocket-Accept");
    } else if (!len) {
        char nick[64], text[128];
        nick_of(nick, sizeof nick, index_of(c));
        snprintf(text, sizeof text, "{\"do\":\"nick\",\"nick\":\"%s\"}", nick);
        c->stage = NAMING;
        tell(c, text);
    }
}

static bool is_a(const char *type, const char *object, size_t len)
{
    char head[32];
    size_t size = (size_t)snprintf(head, sizeof head, "{\"type\":\"%s\"", type);
    return len > size && !memcmp(object, head, size);
}

static void websocket_naming(struct client *c, const char *object, size_t len)
{
    if (is_a("error", object, len)) refusal(c, object, len);
    else if (!is_a("welcome", object, len)) return;
    else if (talk.rooms > 1) websocket_enter(c);
    else got_in(c);
}

static void websocket_entering(struct client *c, const char *object, size_t len)
{
    if (is_a("error", object, len)) refusal(c, object, len);
    else if (names_room(c, object, len)) got_in(c);
}

static void websocket_in(struct client *c, const char *object, size_t len)
{
    static const char SAID[] = "{\"type\":\"said\"";
    if (len < sizeof SAID || memcmp(object, SAID, sizeof SAID - 1)) {
        if (running && is_a("error", object, len)) refusal(c, object, len);
        return;
    }
    if (object[len - 1] == '}' && object[len - 2] == '"') len -= 2; /* the text is last */
    damaged += !message(c, object, len) && running;
}

static const struct dialect websocket_dialect = {
    "websocket", websocket_opened, websocket_cut, websocket_write, websocket_head, "\"}",
    websocket_enter,
    {[ASKING] = websocket_asking, [NAMING] = websocket_naming, [ENTERING] = websocket_entering,
     [IN] = websocket_in}};

static const struct dialect *const DIALECTS[] = {&line_dialect, &irc_dialect, &websocket_dialect};
#define DIALECT_COUNT (int)(sizeof DIALECTS / sizeof *DIALECTS)

#endif
