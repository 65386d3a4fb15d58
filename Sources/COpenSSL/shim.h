#pragma once
/* The plain functions for SHA-256 carry a note of being old; the others load a provider, which costs
   three megabytes of memory in a process that needs nothing else of it. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* Doors to what is a macro. */

static inline void roost_bio_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void roost_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

/* What every listener wants; returns whether the versions could be set.
   Buffers of quiet connections are given back, and a record without data ends a read, so that a
   flood of such records can be seen. */
static inline int roost_ssl_ctx_set_up(SSL_CTX *ctx, int gives_tickets) {
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
        | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA
        | (gives_tickets ? 0 : SSL_OP_NO_TICKET));
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, gives_tickets ? 1 : 0);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1
        && SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1;
}

static inline void roost_ssl_ctx_set_max_cert_list(SSL_CTX *ctx, long bytes) {
    SSL_CTX_set_max_cert_list(ctx, bytes);
}

static inline int roost_ssl_ctx_add_chain(SSL_CTX *ctx, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(ctx, certificate) == 1;
}

static inline int roost_err_reason(unsigned long error) { return ERR_GET_REASON(error); }
static inline int roost_err_library(unsigned long error) { return ERR_GET_LIB(error); }

/* Alerts that the peer sent are reasons above this. */
static inline int roost_ssl_first_alert_reason(void) { return SSL_AD_REASON_OFFSET; }
