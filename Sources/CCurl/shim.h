#pragma once
#include <curl/curl.h>

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
