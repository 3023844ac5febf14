// Sends the webhooks of one deck at a constant rate over 64 connections: paced DECK PORT PATH RATE COUNT
// Prints the latency of each in microseconds, counted from when it was due, so waiting for a connection counts.
// Written in C because it shares two processors with what it measures.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 64, ANSWER_BYTES = 65536, DIGITS = 12, GIVE_UP_SECONDS = 60 };
#define MARK "@NUMBER@"

struct connection {
    int socket;
    long request;
    size_t held;
    char answer[ANSWER_BYTES + 1];
};

static struct connection connections[CONNECTIONS];
static struct connection *idle[CONNECTIONS];
static int idle_count;
static char *body, **cards, *head_format;
static size_t body_bytes;

static void fail(const char *what) {
    fprintf(stderr, "paced: %s\n", what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static char *contents(const char *deck, const char *kind) {
    char *name, *text = NULL;
    size_t capacity = 0;
    if (asprintf(&name, "%s.%s", deck, kind) < 0) fail("out of memory");
    FILE *file = fopen(name, "r");
    if (file == NULL || getdelim(&text, &capacity, '\0', file) < 0) fail(name);
    fclose(file);
    free(name);
    return text;
}

// The places for the number in the body get as many digits at once, so that a request is one copy and a few of 12 bytes.
static void read_deck(const char *deck, const char *path, const char *port, long count) {
    char *text = contents(deck, "body");
    body = malloc(strlen(text) * 2);
    for (char *rest = text; *rest != '\0';) {
        if (strncmp(rest, MARK, strlen(MARK)) == 0) {
            memset(body + body_bytes, '\0', DIGITS);
            body_bytes += DIGITS;
            rest += strlen(MARK);
        } else {
            body[body_bytes++] = *rest++;
        }
    }
    cards = malloc((size_t)count * sizeof *cards);
    char *lines = contents(deck, "cards");
    for (long index = 0; index < count; index++)
        if ((cards[index] = strsep(&lines, "\n")) == NULL) fail("the deck has too few cards");
    if (asprintf(&head_format,
                 "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                 "Stripe-Signature: %%s\r\n\r\n",
                 path, port, body_bytes) < 0)
        fail("out of memory");
}

static void send_request(struct connection *connection, long request) {
    static char bytes[1 << 20];
    const char *card = cards[request];
    size_t length = (size_t)snprintf(bytes, sizeof bytes, head_format, card + DIGITS + 1);
    memcpy(bytes + length, body, body_bytes);
    for (char *place = bytes + length; (place = memchr(place, '\0', (size_t)(bytes + length + body_bytes - place)));)
        memcpy(place, card, DIGITS);
    length += body_bytes;
    if (send(connection->socket, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) fail("a request was not taken whole");
    connection->request = request;
    connection->held = 0;
}

// True when all of the answer is there.
static int read_answer(struct connection *connection) {
    ssize_t count = recv(connection->socket, connection->answer + connection->held, ANSWER_BYTES - connection->held, 0);
    if (count <= 0) fail("the receiver closed a connection");
    connection->held += (size_t)count;
    connection->answer[connection->held] = '\0';
    char *end = strstr(connection->answer, "\r\n\r\n"), *length = strcasestr(connection->answer, "\r\ncontent-length:");
    if (end == NULL) return 0;
    return connection->held >= (size_t)(end + 4 - connection->answer) + (length ? strtoul(length + 17, NULL, 10) : 0);
}

static void connect_all(int events, const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((unsigned short)atoi(port))};
    for (int index = 0; index < CONNECTIONS; index++) {
        struct connection *connection = &connections[index];
        int yes = 1;
        connection->socket = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connection->socket, (struct sockaddr *)&address, sizeof address) != 0) fail("the receiver does not listen");
        setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(events, EPOLL_CTL_ADD, connection->socket, &event);
        idle[idle_count++] = connection;
    }
}

int main(int count_of_words, char **words) {
    if (count_of_words != 6) fail("paced DECK PORT PATH RATE COUNT");
    double rate = atof(words[4]);
    long count = atol(words[5]), sent = 0, answered = 0;
    long *latencies = malloc((size_t)count * sizeof *latencies);
    int events = epoll_create1(0);
    read_deck(words[1], words[3], words[2], count);
    connect_all(events, words[2]);
    double start = now() + 0.2;
    while (answered < count) {
        double time = now();
        if (time > start + (double)count / rate + GIVE_UP_SECONDS) fail("the receiver is too slow");
        while (sent < count && idle_count > 0 && start + (double)sent / rate <= time) send_request(idle[--idle_count], sent++);
        double wait = sent < count && idle_count > 0 ? start + (double)sent / rate - now() : 1;
        if (wait < 0) wait = 0;
        struct timespec longest = {.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)};
        struct epoll_event ready[CONNECTIONS];
        int ready_count = epoll_pwait2(events, ready, CONNECTIONS, &longest, NULL);
        for (int index = 0; index < ready_count; index++) {
            struct connection *connection = ready[index].data.ptr;
            if (!read_answer(connection)) continue;
            if (strncmp(connection->answer, "HTTP/1.1 200 ", 13) != 0) fail(strtok(connection->answer, "\r"));
            latencies[answered++] = (long)((now() - start - (double)connection->request / rate) * 1e6);
            idle[idle_count++] = connection;
        }
    }
    for (long index = 0; index < count; index++) printf("%ld\n", latencies[index]);
    return 0;
}
