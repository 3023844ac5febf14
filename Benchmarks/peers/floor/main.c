// The least that a receiver can do: one thread, one epoll loop, the body read and dropped, 200 answered.
// No signature, no JSON, no other bound than its buffer. What a verified webhook costs above this is what we can still save.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 1024, BYTES = 16384 };

struct connection {
    size_t held;
    char bytes[BYTES];
};

static struct connection connections[CONNECTIONS];

static const char answer[] =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{\"received\":true}";

// The length of the first request in the buffer, or 0 while it is not complete.
static size_t request_length(struct connection *connection) {
    char *end = memmem(connection->bytes, connection->held, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    size_t length = (size_t)(end + 4 - connection->bytes);
    for (char *line = connection->bytes; line < end; line = (char *)memchr(line, '\n', (size_t)(end + 2 - line)) + 1)
        if (strncasecmp(line, "content-length:", 15) == 0) length += strtoul(line + 15, NULL, 10);
    return length <= connection->held ? length : 0;
}

// Answers every complete request of a connection; 0 when the peer is gone.
static int serve(int socket) {
    struct connection *connection = &connections[socket];
    ssize_t count = read(socket, connection->bytes + connection->held, BYTES - connection->held);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    connection->held += (size_t)count;
    size_t length;
    while ((length = request_length(connection)) > 0) {
        connection->held -= length;
        memmove(connection->bytes, connection->bytes + length, connection->held);
        if (write(socket, answer, sizeof answer - 1) != sizeof answer - 1) return 0;
    }
    return 1;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

int main(void) {
    const char *port = getenv("PORT");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((unsigned short)atoi(port ? port : "0"))};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(listener, 1024) < 0) fail("listen");
    int loop = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[64];
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll");
    for (;;) {
        int count = epoll_wait(loop, ready, 64, -1);
        for (int index = 0; index < count; index++) {
            int socket = ready[index].data.fd;
            if (socket != listener) {
                if (!serve(socket)) close(socket);
                continue;
            }
            while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event.data.fd = socket;
                if (socket >= CONNECTIONS || epoll_ctl(loop, EPOLL_CTL_ADD, socket, &event) < 0) close(socket);
                else connections[socket].held = 0;
            }
        }
    }
}
