// Clients of live streams for Benchmarks/live.py: connects, subscribes, reads frames and tells how late
// their events come.
//
//   readers PORT CLIENTS SECONDS KIND
//
// KIND is "workflow" (the client's number modulo 100 says which) or "all". Prints "connected", reads for
// SECONDS once a line comes on standard input, and prints one line: events, notices of loss, and the
// median and 99th percentile of the delay in milliseconds. An event carries when it was sent as its
// "duration_ms": milliseconds of CLOCK_MONOTONIC, modulo a million.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 128 << 10, STEPS = 100000 };
#define MODULO 1e6

struct client {
    int link;
    size_t count;
    unsigned char *bytes;
};

static size_t events, notices;
// Of delays, in steps of 0.1 ms.
static size_t delays[STEPS];

static void fail(const char *what) {
    fprintf(stderr, "readers: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double all = now.tv_sec * 1e3 + now.tv_nsec / 1e6;
    return all - MODULO * (long long)(all / MODULO);
}

static void send_all(int link, const void *bytes, size_t count) {
    if (send(link, bytes, count, 0) != (ssize_t)count) fail("send");
}

// Reads until `sign` has come.
static void await(int link, const char *sign) {
    char answer[4096];
    size_t count = 0;
    while (count < sizeof answer - 1) {
        ssize_t read = recv(link, answer + count, sizeof answer - 1 - count, 0);
        if (read <= 0) fail(sign);
        count += read;
        answer[count] = 0;
        if (strstr(answer, sign)) return;
    }
    fail(sign);
}

static int connect_to(int port, int number, const char *kind) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int link = socket(AF_INET, SOCK_STREAM, 0);
    if (link < 0 || connect(link, (void *)&address, sizeof address) < 0) fail("connect");
    char text[512];
    int count = snprintf(
        text, sizeof text,
        "GET /api/v1/observability/ws/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        port);
    send_all(link, text, count);
    await(link, "101");
    char *payload = text + 6;
    count = strcmp(kind, "all") == 0
        ? snprintf(payload, 120, "{\"subscribe\":{\"type\":[\"tool\"]}}")
        : snprintf(payload, 120, "{\"subscribe\":{\"workflow\":[\"w%d\"]}}", number % 100);
    // A frame of text under a mask of zeros.
    memcpy(text, (char[]){(char)0x81, (char)(0x80 | count), 0, 0, 0, 0}, 6);
    send_all(link, text, count + 6);
    await(link, "\"subscribed\"");
    return link;
}

static void take(const unsigned char *bytes, size_t count, double now) {
    if (memmem(bytes, count, "\"type\":\"lost\"", 13)) notices++;
    static const char sign[] = "\"duration_ms\":";
    const unsigned char *end = bytes + count, *place = bytes;
    while ((place = memmem(place, end - place, sign, sizeof sign - 1))) {
        place += sizeof sign - 1;
        double delay = now - strtod((const char *)place, NULL);
        if (delay < 0) delay += MODULO;
        size_t step = delay * 10;
        delays[step < STEPS ? step : STEPS - 1]++;
        events++;
    }
}

static void read_from(struct client *client) {
    ssize_t count = recv(client->link, client->bytes + client->count, ROOM - client->count, MSG_DONTWAIT);
    if (count == 0) fail("closed");
    if (count < 0) return;
    double now = milliseconds();
    client->count += count;
    size_t place = 0;
    while (client->count - place >= 2) {
        const unsigned char *frame = client->bytes + place;
        size_t left = client->count - place, head = 2, length = frame[1] & 127;
        if (length == 126) {
            if (left < 4) break;
            length = frame[2] << 8 | frame[3];
            head = 4;
        } else if (length == 127) {
            if (left < 10) break;
            length = (size_t)frame[6] << 24 | frame[7] << 16 | frame[8] << 8 | frame[9];
            head = 10;
        }
        if (head + length > ROOM) fail("a frame is too long");
        if (left < head + length) break;
        take(frame + head, length, now);
        place += head + length;
    }
    client->count -= place;
    memmove(client->bytes, client->bytes + place, client->count);
}

static double quantile(double share) {
    size_t wanted = events * share, seen = 0;
    for (int step = 0; step < STEPS; step++)
        if ((seen += delays[step]) > wanted) return (step + 0.5) / 10;
    return 0;
}

int main(int count, char **words) {
    if (count != 5) return 2;
    int port = atoi(words[1]), number = atoi(words[2]);
    struct client *clients = calloc(number, sizeof *clients);
    int poll = epoll_create1(0);
    for (int place = 0; place < number; place++) {
        clients[place] = (struct client){connect_to(port, place, words[4]), 0, malloc(ROOM + 1)};
        struct epoll_event wish = {.events = EPOLLIN, .data.u32 = place};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, clients[place].link, &wish) < 0) fail("epoll");
    }
    puts("connected");
    fflush(stdout);
    char line[16];
    if (!fgets(line, sizeof line, stdin)) return 1;
    time_t end = time(NULL) + atoi(words[3]);
    struct epoll_event ready[256];
    while (time(NULL) < end) {
        int found = epoll_wait(poll, ready, 256, 100);
        for (int place = 0; place < found; place++) read_from(&clients[ready[place].data.u32]);
    }
    printf("%zu %zu %.2f %.2f\n", events, notices, quantile(0.5), quantile(0.99));
    return 0;
}
