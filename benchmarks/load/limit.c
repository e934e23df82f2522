/* limit.c - the least that a chat server can do: the upper bound for one thread and this kernel.
 *
 *     gcc -O2 -Wall -Wextra -o limit limit.c
 *     ./limit PORT send|batch [quiet]
 *
 * One room on 127.0.0.1, and of everybody only the nickname: no echo, no log, no checks, no limits.
 *
 *     send   every line goes to every other member by a send() of its own
 *     batch  the lines read in one turn of the loop are joined, and a member gets them by one send
 *     quiet  joins are not announced
 *
 *     S: NICK   C: alice   S: alice joined the chat   S: Connected to the server   S: bob: hello
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEOPLE (1 << 17) /* file descriptors */
#define LONGEST 8192     /* bytes of a line, with the nickname */

struct person {
    char nick[32];
    char *rest;          /* of a line whose end has not come */
    char *kept;          /* what the kernel did not take: bytes sent..kept_len of it are to go */
    uint32_t rest_len, sent, kept_len, kept_room;
    uint32_t spoke;      /* the last turn in which a line came from here */
    int place;           /* in `members`; -1 before there is a nickname */
};

static struct person people[PEOPLE]; /* by file descriptor */
static int members[PEOPLE], member_count, loop;
static bool batching, quiet;

/* The lines of this turn, one behind the other, and who said which. */
static char *said, *others; /* others: room for a copy without somebody's own */
static size_t said_len, said_room;
static struct part {
    int from;
    size_t end;
} *parts;
static size_t part_count, part_room;
static uint32_t turn = 1;

static void *need(void *memory)
{
    if (memory) return memory;
    fputs("limit: out of memory\n", stderr);
    exit(1);
}

static void watch(int fd, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(loop, operation, fd, &event);
}

static void keep(int fd, const char *from, size_t len)
{
    struct person *person = &people[fd];
    if (!person->kept_len) watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    if (person->kept_len + len > person->kept_room) {
        person->kept_room = (uint32_t)(person->kept_len + len) * 2;
        person->kept = need(realloc(person->kept, person->kept_room));
    }
    memcpy(person->kept + person->kept_len, from, len);
    person->kept_len += (uint32_t)len;
}

/* Send it, or keep what does not go. A broken connection is found when it is read. */
static void give(int fd, const char *from, size_t len)
{
    ssize_t gone = people[fd].kept_len ? 0 : send(fd, from, len, MSG_NOSIGNAL);
    if (gone < 0 && errno != EAGAIN) return;
    if (gone < 0) gone = 0;
    if ((size_t)gone < len) keep(fd, from + gone, len - (size_t)gone);
}

static void give_kept(int fd)
{
    struct person *person = &people[fd];
    size_t len = person->kept_len - person->sent;
    ssize_t gone = send(fd, person->kept + person->sent, len, MSG_NOSIGNAL);
    if (gone > 0) person->sent += (uint32_t)gone;
    if (person->sent < person->kept_len) return;
    free(person->kept);
    person->kept = NULL;
    person->sent = person->kept_len = person->kept_room = 0;
    watch(fd, EPOLL_CTL_MOD, EPOLLIN);
}

/* ---- The room ------------------------------------------------------------------------------ */

static void say(int from, const char *line, size_t len)
{
    for (int i = 0; !batching && i < member_count; i++)
        if (members[i] != from) give(members[i], line, len);
    if (!batching) return;
    if (said_len + len > said_room) {
        said_room = (said_len + len) * 2;
        said = need(realloc(said, said_room));
        others = need(realloc(others, said_room));
    }
    if (part_count == part_room)
        parts = need(realloc(parts, (part_room = part_room * 2 + 64) * sizeof *parts));
    memcpy(said + said_len, line, len);
    parts[part_count++] = (struct part){from, said_len += len};
    if (from >= 0) people[from].spoke = turn;
}

/* Give a member who spoke what the others said. */
static void give_others(int fd)
{
    size_t begin = 0, len = 0;
    for (size_t i = 0; i < part_count; begin = parts[i++].end) {
        if (parts[i].from == fd) continue;
        memcpy(others + len, said + begin, parts[i].end - begin);
        len += parts[i].end - begin;
    }
    if (len) give(fd, others, len);
}

static void end_turn(void)
{
    for (int i = 0; said_len && i < member_count; i++) {
        if (people[members[i]].spoke == turn) give_others(members[i]);
        else give(members[i], said, said_len);
    }
    said_len = part_count = 0;
    turn++;
}

static void enter(int fd, const char *nick, size_t len)
{
    static const char WELCOME[] = "Connected to the server\r\n";
    char line[64];
    struct person *person = &people[fd];
    snprintf(person->nick, sizeof person->nick, "%.*s", (int)len, nick);
    members[person->place = member_count++] = fd;
    if (!quiet)
        say(-1, line, (size_t)snprintf(line, sizeof line, "%s joined the chat\r\n", person->nick));
    give(fd, WELCOME, sizeof WELCOME - 1);
}

static void leave(int fd)
{
    struct person *person = &people[fd];
    int last = person->place < 0 ? -1 : members[--member_count];
    if (last >= 0) members[people[last].place = person->place] = last;
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].from == fd) parts[i].from = -1; /* the number may be somebody else's soon */
    free(person->rest);
    free(person->kept);
    close(fd);
}

/* ---- Input --------------------------------------------------------------------------------- */

static void hear(int fd, const char *line, size_t len)
{
    char text[LONGEST + 64], *to;
    if (len && line[len - 1] == '\r') len--;
    if (people[fd].place < 0) {
        enter(fd, line, len);
        return;
    }
    to = stpcpy(stpcpy(text, people[fd].nick), ": ");
    to = mempcpy(to, line, len < LONGEST ? len : LONGEST);
    to = mempcpy(to, "\r\n", 2);
    say(fd, text, (size_t)(to - text));
}

static void read_from(int fd)
{
    static char buffer[LONGEST + (1 << 16)];
    struct person *person = &people[fd];
    if (person->rest_len) memcpy(buffer, person->rest, person->rest_len);
    ssize_t len = recv(fd, buffer + person->rest_len, sizeof buffer - person->rest_len, 0);
    if (len < 0 && errno == EAGAIN) return;
    if (len <= 0) leave(fd);
    if (len <= 0) return;
    char *from = buffer, *end = buffer + person->rest_len + len, *stop;
    for (; (stop = memchr(from, '\n', (size_t)(end - from))); from = stop + 1)
        hear(fd, from, (size_t)(stop - from));
    person->rest_len = end - from < LONGEST ? (uint32_t)(end - from) : 0;
    if (!person->rest_len) return;
    person->rest = need(realloc(person->rest, person->rest_len));
    memcpy(person->rest, from, person->rest_len);
}

static void accept_all(int door)
{
    int fd, yes = 1;
    while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= PEOPLE) {
            close(fd);
            continue;
        }
        people[fd] = (struct person){.place = -1};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        watch(fd, EPOLL_CTL_ADD, EPOLLIN);
        give(fd, "NICK\r\n", 6);
    }
}

int main(int argc, char **argv)
{
    batching = argc > 2 && !strcmp(argv[2], "batch");
    quiet = argc > 3 && !strcmp(argv[3], "quiet");
    if (argc != 3 + quiet || (!batching && strcmp(argv[2], "send"))) {
        fputs("usage: limit PORT send|batch [quiet]\n", stderr);
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    int yes = 1, door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(door, (struct sockaddr *)&at, sizeof at) || listen(door, 4096)) {
        perror("limit");
        return 1;
    }
    loop = epoll_create1(0);
    watch(door, EPOLL_CTL_ADD, EPOLLIN);
    for (;; end_turn()) {
        struct epoll_event events[1024];
        int count = epoll_wait(loop, events, 1024, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == door) accept_all(door);
            else if (events[i].events & EPOLLOUT) give_kept(fd);
            if (fd != door && events[i].events != EPOLLOUT) read_from(fd);
        }
    }
}
