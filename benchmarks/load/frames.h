/* frames.h - WebSocket frames (RFC 6455): the opening handshake, a client's frames, a server's.
 *
 * Knows bytes. Must never know about connections or what is said in a frame.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include "link.h"

#define FRAME_HEAD 14 /* bytes at most, with the mask */

enum opcode { TEXT_FRAME = 1, CLOSE_FRAME = 8, PING_FRAME, PONG_FRAME };

/* The key of RFC 6455's own example (1.3), so that nothing is to be computed: whoever accepts must
 * answer with the value beside it. */
static const char WS_KEY[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char WS_ACCEPT[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

struct frame {
    uint8_t opcode;
    const char *payload;
    size_t len;
};

/* Append a client's frame: masked (5.3), with another mask each time. */
static void frame_add(struct bytes *out, enum opcode opcode, const char *from, size_t len)
{
    static uint32_t mask = 0x9e3779b9;
    uint8_t head[FRAME_HEAD], *to = head;
    mask ^= mask << 13, mask ^= mask >> 17, mask ^= mask << 5;
    *to++ = (uint8_t)(0x80 | opcode);
    if (len < 126) {
        *to++ = (uint8_t)(0x80 | len);
    } else { /* what a client says is shorter than 64 KiB */
        *to++ = 0x80 | 126;
        *to++ = (uint8_t)(len >> 8);
        *to++ = (uint8_t)len;
    }
    memcpy(to, &mask, 4);
    bytes_add(out, head, (size_t)(to + 4 - head));
    bytes_add(out, from, len);
    char *payload = out->at + out->len - len;
    for (size_t i = 0; i < len; i++) payload[i] ^= (char)to[i & 3];
}

/* Read the frame that begins at `from`. Returns what follows it; NULL if it has not all come, or
 * cannot be a server's: then `wrong` says why. */
static const char *frame_read(struct frame *frame, const char *from, const char *end,
                              const char **wrong)
{
    const uint8_t *head = (const uint8_t *)from;
    size_t have = (size_t)(end - from), size = 2;
    uint64_t len;
    *wrong = NULL;
    if (have < 2) return NULL;
    if (head[0] & 0x70) *wrong = "a frame with reserved bits";
    else if (head[1] & 0x80) *wrong = "a masked frame from the server";
    else if (!(head[0] & 0x80) || !(head[0] & 0x0f)) *wrong = "a message in several frames";
    if (*wrong) return NULL;
    len = head[1];
    if (len >= 126) {
        size_t bytes = len == 126 ? 2 : 8;
        if (have < (size += bytes)) return NULL;
        len = 0;
        for (size_t i = 2; i < size; i++) len = len << 8 | head[i];
    }
    if (len > UINT32_MAX) *wrong = "a frame of more than 4 GiB";
    if (*wrong || have - size < len) return NULL;
    *frame = (struct frame){head[0] & 0x0f, from + size, (size_t)len};
    return from + size + len;
}

#endif
