#pragma once
#include <curl/curl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/// `POLLRDHUP` of poll(2), which glibc shows to GNU sources only: the peer sends no more.
enum { roost_poll_peer_ended = 0x2000 };

// Doors for the variadic calls of libcurl, which Swift cannot make. One for each type of argument.

static inline CURLcode roost_curl_set_long(CURL *easy, CURLoption option, long value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode roost_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode roost_curl_set_string(CURL *easy, CURLoption option, const char *value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode roost_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode roost_curl_set_headers(CURL *easy, struct curl_slist *headers) {
    return (curl_easy_setopt)(easy, CURLOPT_HTTPHEADER, headers);
}

/// For the read, write and header callbacks, which share one signature.
typedef size_t (*roost_curl_bytes_callback)(char *bytes, size_t size, size_t count, void *user);

static inline CURLcode roost_curl_set_bytes_callback(
    CURL *easy, CURLoption option, roost_curl_bytes_callback callback) {
    return (curl_easy_setopt)(easy, option, callback);
}

typedef int (*roost_curl_debug_callback)(
    CURL *easy, curl_infotype kind, char *text, size_t size, void *user);

static inline CURLcode roost_curl_set_debug_callback(
    CURL *easy, roost_curl_debug_callback callback) {
    return (curl_easy_setopt)(easy, CURLOPT_DEBUGFUNCTION, callback);
}

typedef int (*roost_curl_seek_callback)(void *user, curl_off_t offset, int origin);

static inline CURLcode roost_curl_set_seek_callback(CURL *easy, roost_curl_seek_callback callback) {
    return (curl_easy_setopt)(easy, CURLOPT_SEEKFUNCTION, callback);
}

static inline void *roost_curl_private(CURL *easy) {
    char *user = NULL;
    (curl_easy_getinfo)(easy, CURLINFO_PRIVATE, &user);
    return user;
}

static inline curl_off_t roost_curl_info_offset(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    (curl_easy_getinfo)(easy, info, &value);
    return value;
}

/// The status with which the last proxy answered CONNECT; 0 when none was asked.
static inline long roost_curl_connect_status(CURL *easy) {
    long value = 0;
    (curl_easy_getinfo)(easy, CURLINFO_HTTP_CONNECTCODE, &value);
    return value;
}

/// The socket of a request under way, or -1.
static inline int roost_curl_socket(CURL *easy) {
    curl_socket_t value = CURL_SOCKET_BAD;
    (curl_easy_getinfo)(easy, CURLINFO_ACTIVESOCKET, &value);
    return value;
}

/// The port on this side of the connection of a request under way; 0 without one.
static inline long roost_curl_local_port(CURL *easy) {
    long value = 0;
    (curl_easy_getinfo)(easy, CURLINFO_LOCAL_PORT, &value);
    return value;
}

/// What a TCP socket takes before a write to it would have to wait, as the kernel counts bytes, with
/// what it needs to keep them; less than 0 when it holds more than it may. `INT64_MIN` when the
/// kernel does not say. socket(7), SO_MEMINFO.
static inline int64_t roost_socket_room(int socket) {
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t size = sizeof memory;
    if (getsockopt(socket, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0 ||
        size <= SK_MEMINFO_WMEM_QUEUED * sizeof memory[0])
        return INT64_MIN;
    return (int64_t)memory[SK_MEMINFO_SNDBUF] - (int64_t)memory[SK_MEMINFO_WMEM_QUEUED];
}

/// The port on this side of a socket; 0 when it has none, -1 when it is no socket any more.
static inline int roost_socket_port(int socket) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(socket, (struct sockaddr *)&address, &size) != 0) return -1;
    if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return 0;
}

static inline CURLMcode roost_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return (curl_multi_setopt)(multi, option, value);
}

static inline curl_version_info_data *roost_curl_version(void) {
    return curl_version_info(CURLVERSION_NOW);
}

typedef int (*roost_curl_socket_callback)(void *user, curl_socket_t socket, curlsocktype purpose);

static inline CURLcode roost_curl_set_socket_callback(
    CURL *easy, roost_curl_socket_callback callback) {
    return (curl_easy_setopt)(easy, CURLOPT_SOCKOPTFUNCTION, callback);
}
