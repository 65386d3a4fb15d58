// Asks a name server that never answers for every name that ends in ".silent". For LD_PRELOAD.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int lookup(
    const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(
    const char *restrict name, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict result) {
    const char *end = name ? strrchr(name, '.') : NULL;
    if (end && strcmp(end, ".silent") == 0) {
        sleep(60);
        return EAI_AGAIN;
    }
    lookup *next = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
    return next ? next(name, service, hints, result) : EAI_SYSTEM;
}
