/* link.h - one connection: dialled, written and read without ever waiting, plain or through TLS.
 *
 * Knows sockets, epoll and OpenSSL. Must never know what the bytes mean, or who else is connected.
 * What the kernel does not take at once is kept and sent when it does.
 */
#ifndef LINK_H
#define LINK_H

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "measure.h"

#ifdef TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
static SSL_CTX *tls; /* null: plain TCP */
#endif

struct bytes {
    char *at;
    uint32_t len, room;
};

enum link_state { CLOSED, DIALLING, SHAKING, OPEN };

struct link {
    int fd;
    enum link_state state : 8;
    bool blocked; /* the kernel takes no more for now */
    bool deaf;    /* we do not read */
    uint32_t sent; /* bytes of `out` that are gone */
    struct bytes in, out; /* an unfinished line; what is to be sent */
#ifdef TLS
    SSL *ssl;
#endif
};

static int loop = -1; /* the epoll instance */
static struct addrinfo *server;
static char link_fault[200]; /* why the last call failed */

static void bytes_add(struct bytes *bytes, const void *from, size_t len)
{
    if (bytes->len + len > bytes->room) {
        bytes->room = (uint32_t)(bytes->len + len) * 2;
        bytes->at = need(realloc(bytes->at, bytes->room));
    }
    memcpy(bytes->at + bytes->len, from, len);
    bytes->len += (uint32_t)len;
}

static bool link_broken(const char *what, const char *why)
{
    snprintf(link_fault, sizeof link_fault, "%s: %s", what, why);
    return false;
}

static void raise_file_limit(int links)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)links + 16;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted) return;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted) limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        die("%d clients need %lu open files: ulimit -n", links, (unsigned long)wanted);
}

static void link_init(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int failed = getaddrinfo(host, port, &hints, &server);
    if (failed) die("--host %s --port %s: %s", host, port, gai_strerror(failed));
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (loop < 0) die("epoll: %s", strerror(errno));
}

/* Say which events are wanted from now on. */
static void link_watch(struct link *link, int operation)
{
    uint32_t events = link->deaf ? EPOLLRDHUP : EPOLLIN;
    if (link->blocked) events |= EPOLLOUT;
    struct epoll_event event = {.events = events, .data.ptr = link};
    if (epoll_ctl(loop, operation, link->fd, &event)) die("epoll_ctl: %s", strerror(errno));
}

static void link_block(struct link *link, bool blocked)
{
    if (link->blocked == blocked) return;
    link->blocked = blocked;
    link_watch(link, EPOLL_CTL_MOD);
}

/* Begin to connect; with `source`, from the loopback address 127.0.0.`source`. */
static bool link_dial(struct link *link, int source)
{
    int yes = 1;
    link->fd = socket(server->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0) die("socket: %s (see ulimit -n)", strerror(errno));
    link->state = DIALLING;
    link->blocked = true;
    link_watch(link, EPOLL_CTL_ADD);
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (source) {
        struct sockaddr_in from = {.sin_family = AF_INET};
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (uint32_t)source);
        setsockopt(link->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
        if (bind(link->fd, (struct sockaddr *)&from, sizeof from))
            return link_broken("bind", strerror(errno));
    }
    if (connect(link->fd, server->ai_addr, server->ai_addrlen) && errno != EINPROGRESS)
        return link_broken("connect", strerror(errno));
    return true;
}

static void link_close(struct link *link)
{
#ifdef TLS
    SSL_free(link->ssl);
    link->ssl = NULL;
#endif
    close(link->fd);
    free(link->in.at);
    free(link->out.at);
    *link = (struct link){.fd = -1, .state = CLOSED};
}

#ifdef TLS
static void tls_init(void)
{
    tls = SSL_CTX_new(TLS_client_method());
    if (!tls) die("OpenSSL does not start");
    SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_read_ahead(tls, 1); /* many small records with one system call */
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
}

/* What an SSL call that returned `result` <= 0 means: true if it is to be tried again later. */
static bool tls_later(struct link *link, int result)
{
    int error = SSL_get_error(link->ssl, result);
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_WRITE) link_block(link, true);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
    const char *why = code ? ERR_reason_error_string(code) : NULL;
    if (!why) why = error == SSL_ERROR_SYSCALL && errno ? strerror(errno) : "closed by the server";
    return link_broken("TLS", why);
}

static bool tls_shake(struct link *link)
{
    link_block(link, false);
    int result = SSL_connect(link->ssl);
    if (result <= 0) return tls_later(link, result);
    link->state = OPEN;
    return true;
}
#endif

/* Take the next step towards OPEN, after an event. False if there is no way. */
static bool link_proceed(struct link *link)
{
    if (link->state == DIALLING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) return link_broken("connect", strerror(error));
        link_block(link, false);
        link->state = OPEN;
#ifdef TLS
        if (tls) {
            link->ssl = need(SSL_new(tls));
            SSL_set_fd(link->ssl, link->fd);
            link->state = SHAKING;
        }
#endif
    }
#ifdef TLS
    if (link->state == SHAKING) return tls_shake(link);
#endif
    return true;
}

/* Send of `out` what the kernel takes. */
static bool link_flush(struct link *link)
{
    while (link->sent < link->out.len) {
        const char *from = link->out.at + link->sent;
        size_t len = link->out.len - link->sent;
        ssize_t taken;
#ifdef TLS
        if (link->ssl) {
            taken = SSL_write(link->ssl, from, (int)len);
            if (taken <= 0) return tls_later(link, (int)taken);
        } else
#endif
            taken = send(link->fd, from, len, MSG_NOSIGNAL);
        if (taken < 0) {
            if (errno != EAGAIN) return link_broken("send", strerror(errno));
            link_block(link, true);
            return true;
        }
        link->sent += (uint32_t)taken;
    }
    link->sent = link->out.len = 0;
    link_block(link, false);
    return true;
}

static bool link_send(struct link *link, const char *from, size_t len)
{
    bytes_add(&link->out, from, len);
    return link->blocked || link_flush(link);
}

/* Read at most `room` bytes. 0: nothing is there now; -1: broken or closed. */
static ssize_t link_read(struct link *link, char *to, size_t room)
{
#ifdef TLS
    if (link->ssl) {
        size_t len = 0;
        while (len < room) {
            int result = SSL_read(link->ssl, to + len, (int)(room - len));
            if (result > 0) len += (size_t)result;
            else if (tls_later(link, result) || len) break;
            else return -1;
        }
        return (ssize_t)len;
    }
#endif
    ssize_t len = recv(link->fd, to, room, 0);
    if (len > 0) return len;
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    link_broken("closed by the server", len ? strerror(errno) : "end of input");
    return -1;
}

#endif
