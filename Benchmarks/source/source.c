// Sends one OTLP/gRPC request many times, each time with other ids, so that every trace is new.
//
//   cc -O2 -o source source.c -lnghttp2
//   source PORT PATH BODY IDS CONNECTIONS STREAMS REQUESTS
//
// BODY is a file with the message as gRPC frames it; IDS one that says what changes in it from request
// to request, one a line: `b OFFSET` are eight bytes of a span or trace id, `x OFFSET` 16 hexadecimal
// digits of an id that is text. What is the same within one request changes in the same way, so that
// children keep their parents. Prints "sent N, accepted N, seconds S"; accepted are those with
// grpc-status 0.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024, MOST_CONNECTIONS = 64 };

typedef struct {
  int fd;
  nghttp2_session *session;
  const uint8_t *out;
  size_t left;
} connection;

typedef struct upload {
  uint8_t *bytes;
  size_t sent;
  struct upload *next;
} upload;

static uint8_t *body;
static size_t body_size;
static struct id {
  size_t offset;
  uint64_t value;
  int is_text;
} *ids;
static size_t id_count;
static upload *unused;
static long to_send, sent, answered, accepted;
static uint64_t salt;
static const char *path;

static void fail(const char *what) {
  fprintf(stderr, "source: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint8_t *read_file(const char *name, size_t *size) {
  FILE *file = fopen(name, "rb");
  if (!file) fail(name);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(*size + 1);
  if (fread(bytes, 1, *size, file) != *size) fail(name);
  bytes[*size] = 0;
  fclose(file);
  return bytes;
}

static void read_ids(const char *name) {
  size_t size;
  char *text = (char *)read_file(name, &size), kind;
  ids = malloc((size / 2 + 1) * sizeof *ids);
  struct id *id = ids;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), id++) {
    if (sscanf(line, "%c %zu", &kind, &id->offset) != 2) fail("what is no line of ids");
    id->is_text = kind == 'x';
    if (id->offset + (id->is_text ? 16 : 8) > body_size) fail("an id behind the body");
    memcpy(&id->value, body + id->offset, 8);
    if (!id->is_text) continue;
    char digits[17] = {0};
    memcpy(digits, body + id->offset, 16);
    id->value = strtoull(digits, NULL, 16);
  }
  id_count = (size_t)(id - ids);
  free(text);
}

static uint64_t mixed(uint64_t number) {
  number += 0x9E3779B97F4A7C15u;
  number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9u;
  number = (number ^ number >> 27) * 0x94D049BB133111EBu;
  return number ^ number >> 31;
}

static upload *take_upload(void) {
  upload *taken = unused;
  if (taken) {
    unused = taken->next;
  } else {
    taken = malloc(sizeof *taken);
    taken->bytes = malloc(body_size);
    memcpy(taken->bytes, body, body_size);
  }
  taken->sent = 0;
  uint64_t change = mixed(salt + (uint64_t)sent);
  for (size_t i = 0; i < id_count; i++) {
    uint64_t value = ids[i].value ^ change;
    uint8_t *target = taken->bytes + ids[i].offset;
    if (ids[i].is_text) {
      for (int place = 0; place < 16; place++) target[place] = "0123456789abcdef"[value >> 4 * place & 15];
    } else {
      memcpy(target, &value, 8);
    }
  }
  return taken;
}

static ssize_t give(nghttp2_session *session, int32_t stream, uint8_t *target, size_t size,
                    uint32_t *flags, nghttp2_data_source *source, void *user) {
  (void)session, (void)stream, (void)user;
  upload *data = source->ptr;
  size_t count = body_size - data->sent;
  if (count > size) count = size;
  memcpy(target, data->bytes + data->sent, count);
  data->sent += count;
  if (data->sent == body_size) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)count;
}

static void submit(nghttp2_session *session) {
  if (sent == to_send) return;
#define FIELD(name, value) \
  {(uint8_t *)name, (uint8_t *)(value), sizeof name - 1, strlen(value), 0}
  nghttp2_nv head[] = {
      FIELD(":method", "POST"), FIELD(":scheme", "http"), FIELD(":authority", "localhost"),
      FIELD(":path", path), FIELD("te", "trailers"), FIELD("content-type", "application/grpc"),
  };
  upload *data = take_upload();
  nghttp2_data_provider provider = {{.ptr = data}, give};
  if (nghttp2_submit_request(session, NULL, head, 6, &provider, data) < 0) fail("submit");
  sent++;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t size, uint8_t flags,
                     void *user) {
  (void)session, (void)frame, (void)flags, (void)user;
  if (name_size == 11 && !memcmp(name, "grpc-status", 11) && size == 1 && *value == '0') accepted++;
  return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user) {
  (void)code, (void)user;
  upload *data = nghttp2_session_get_stream_user_data(session, stream);
  if (data) {
    data->next = unused;
    unused = data;
  }
  answered++;
  submit(session);
  return 0;
}

static void open_connection(connection *made, int port, int streams) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  made->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(made->fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
  int on = 1;
  setsockopt(made->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  nghttp2_session_callbacks *callbacks;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_session_client_new(&made->session, callbacks, NULL);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(made->session, 0, NULL, 0);
  for (int i = 0; i < streams; i++) submit(made->session);
}

// Whether more waits for the socket.
static int write_what_fits(connection *to) {
  for (;;) {
    if (to->left == 0) {
      ssize_t made = nghttp2_session_mem_send(to->session, &to->out);
      if (made < 0) fail("nghttp2");
      if (made == 0) return 0;
      to->left = (size_t)made;
    }
    ssize_t wrote = send(to->fd, to->out, to->left, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 1;
    if (wrote < 0) fail("send");
    to->out += wrote;
    to->left -= (size_t)wrote;
  }
}

int main(int count, char **values) {
  if (count != 8) {
    fprintf(stderr, "usage: source PORT PATH BODY IDS CONNECTIONS STREAMS REQUESTS\n");
    return 2;
  }
  int connections = atoi(values[5]);
  if (connections < 1 || connections > MOST_CONNECTIONS) connections = 1;
  path = values[2];
  body = read_file(values[3], &body_size);
  read_ids(values[4]);
  to_send = atol(values[7]);
  struct timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  salt = mixed((uint64_t)began.tv_nsec ^ (uint64_t)began.tv_sec << 30);
  connection open[MOST_CONNECTIONS] = {0};
  for (int i = 0; i < connections; i++) open_connection(&open[i], atoi(values[1]), atoi(values[6]));
  static uint8_t buffer[READ_SIZE];
  while (answered < to_send) {
    struct pollfd polled[MOST_CONNECTIONS];
    for (int i = 0; i < connections; i++) {
      int waits = write_what_fits(&open[i]);
      polled[i] = (struct pollfd){.fd = open[i].fd, .events = POLLIN | (waits ? POLLOUT : 0)};
    }
    if (poll(polled, (nfds_t)connections, 30000) <= 0) fail("no answer");
    for (int i = 0; i < connections; i++) {
      if (!(polled[i].revents & ~POLLOUT)) continue;
      ssize_t got = read(open[i].fd, buffer, READ_SIZE);
      if (got <= 0) fail("the connection ended");
      if (nghttp2_session_mem_recv(open[i].session, buffer, (size_t)got) < 0) fail("nghttp2");
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &ended);
  double seconds = (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
  printf("sent %ld, accepted %ld, seconds %.6f\n", sent, accepted, seconds);
  return 0;
}
