// A destination that costs next to nothing: reads what collectors forward, counts it, says yes.
//
// One port for OTLP/gRPC (HTTP/2 with prior knowledge) and OTLP/HTTP (HTTP/1.1); a blocking thread
// for each connection. `GET /count` answers "requests bytes". Prints its port when it listens.
//
//   cc -O2 -o sink sink.c -lnghttp2 -lpthread
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024, WINDOW = 16 * 1024 * 1024 };

static atomic_ullong requests, bytes;

static int write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, data, size);
    if (n <= 0) return -1;
    data += n;
    size -= (size_t)n;
  }
  return 0;
}

// HTTP/2: every stream gets an empty gRPC message and grpc-status 0.

static ssize_t empty_message(nghttp2_session *session, int32_t stream, uint8_t *target, size_t size,
                             uint32_t *flags, nghttp2_data_source *source, void *user) {
  (void)size, (void)source, (void)user;
  static nghttp2_nv trailer[] = {{(uint8_t *)"grpc-status", (uint8_t *)"0", 11, 1, 0}};
  memset(target, 0, 5);
  *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
  nghttp2_submit_trailer(session, stream, trailer, 1);
  return 5;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  (void)user;
  int has_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (!has_end || (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS)) return 0;
  static nghttp2_nv head[] = {
      {(uint8_t *)":status", (uint8_t *)"200", 7, 3, 0},
      {(uint8_t *)"content-type", (uint8_t *)"application/grpc", 12, 16, 0},
  };
  nghttp2_data_provider provider = {{0}, empty_message};
  nghttp2_submit_response(session, frame->hd.stream_id, head, 2, &provider);
  atomic_fetch_add(&requests, 1);
  return 0;
}

static int on_chunk(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                    size_t size, void *user) {
  (void)session, (void)flags, (void)stream, (void)data, (void)user;
  atomic_fetch_add(&bytes, size);
  return 0;
}

static void serve_http2(int fd, char *buffer, ssize_t have) {
  nghttp2_session_callbacks *callbacks;
  nghttp2_session *session;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_chunk);
  nghttp2_session_server_new(&session, callbacks, NULL);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
                                       {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 256}};
  nghttp2_submit_settings(session, 0, settings, 2);
  nghttp2_session_set_local_window_size(session, 0, 0, WINDOW);
  while (have > 0) {
    if (nghttp2_session_mem_recv(session, (uint8_t *)buffer, (size_t)have) < 0) break;
    const uint8_t *out;
    ssize_t size;
    int failed = 0;
    while (!failed && (size = nghttp2_session_mem_send(session, &out)) > 0)
      failed = write_all(fd, (const char *)out, (size_t)size);
    if (failed || (!nghttp2_session_want_read(session) && !nghttp2_session_want_write(session)))
      break;
    have = read(fd, buffer, READ_SIZE);
  }
  nghttp2_session_del(session);
}

// HTTP/1.1: requests with Content-Length, one after another.

static char *header(char *head, const char *name) {
  char *found = strcasestr(head, name);
  return found ? found + strlen(name) : NULL;
}

static int answer(int fd, const char *type, const char *body) {
  char text[512];
  int size = snprintf(text, sizeof text,
                      "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %zu\r\n\r\n%s", type,
                      strlen(body), body);
  return write_all(fd, text, (size_t)size);
}

static void serve_http1(int fd, char *buffer, ssize_t have) {
  for (;;) {
    char *end;
    buffer[have] = 0;
    while (!(end = memmem(buffer, (size_t)have, "\r\n\r\n", 4))) {
      ssize_t n = have < READ_SIZE ? read(fd, buffer + have, (size_t)(READ_SIZE - have)) : 0;
      if (n <= 0) return;
      have += n;
    }
    *end = 0;
    char *length = header(buffer, "\r\ncontent-length:");
    unsigned long long left = length ? strtoull(length, NULL, 10) : 0, whole = left;
    if (header(buffer, "\r\nexpect:") && write_all(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25)) return;
    int is_count = strncmp(buffer, "GET /count", 10) == 0;
    ssize_t rest = have - (end + 4 - buffer);
    memmove(buffer, end + 4, (size_t)rest);
    while (left > 0) {
      if (rest == 0 && (rest = read(fd, buffer, READ_SIZE)) <= 0) return;
      unsigned long long taken = (unsigned long long)rest < left ? (unsigned long long)rest : left;
      left -= taken;
      rest -= (ssize_t)taken;
      if (rest > 0) memmove(buffer, buffer + taken, (size_t)rest);
    }
    if (is_count) {
      char text[64];
      snprintf(text, sizeof text, "%llu %llu", atomic_load(&requests), atomic_load(&bytes));
      if (answer(fd, "text/plain", text)) return;
    } else {
      atomic_fetch_add(&bytes, whole);
      atomic_fetch_add(&requests, 1);
      if (answer(fd, "application/x-protobuf", "")) return;
    }
    have = rest;
    if (have == 0 && (have = read(fd, buffer, READ_SIZE)) <= 0) return;
  }
}

static void *serve(void *argument) {
  int fd = (int)(long)argument, on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  char *buffer = malloc(READ_SIZE + 1);
  ssize_t have = 0;
  while (buffer && have < 3) {
    ssize_t n = read(fd, buffer + have, (size_t)(READ_SIZE - have));
    if (n <= 0) break;
    have += n;
  }
  if (have >= 3 && memcmp(buffer, "PRI", 3) == 0)
    serve_http2(fd, buffer, have);
  else if (have >= 3)
    serve_http1(fd, buffer, have);
  free(buffer);
  close(fd);
  return NULL;
}

int main(int count, char **arguments) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  address.sin_port = htons(count > 1 ? (uint16_t)atoi(arguments[1]) : 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 128)) {
    perror("sink");
    return 1;
  }
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    pthread_t thread;
    if (fd < 0) continue;
    if (pthread_create(&thread, NULL, serve, (void *)(long)fd)) {
      close(fd);
      continue;
    }
    pthread_detach(thread);
  }
}
