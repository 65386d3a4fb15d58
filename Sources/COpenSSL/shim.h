#pragma once
/* The plain functions for SHA-256 carry a note of being old; the others load a provider, which costs
   three megabytes of memory in a process that needs nothing else of it. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
