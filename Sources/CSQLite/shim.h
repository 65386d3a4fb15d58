#pragma once
#include <sqlite3.h>

/* SQLITE_TRANSIENT is a cast that Swift does not see: SQLite copies the bytes. */
static inline int roost_sqlite3_bind_blob_copy(
    sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// Memory is not added up, which would take a lock for each piece. Before anything else.
static inline void roost_sqlite3_count_no_memory(void) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static inline int roost_sqlite3_bind_blob_lent(
    sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_STATIC);
}

static inline int roost_sqlite3_bind_text_copy(
    sqlite3_stmt *statement, int index, const char *text, int count) {
    return sqlite3_bind_text(statement, index, text, count, SQLITE_TRANSIENT);
}

static inline int roost_sqlite3_note_frames(
    void *frames, sqlite3 *connection, const char *name, int count) {
    (void)connection;
    (void)name;
    *(int *)frames = count;
    return SQLITE_OK;
}

/// Has the length of the log written to `frames` after each transaction, instead of a checkpoint.
static inline void roost_sqlite3_count_frames(sqlite3 *connection, int *frames) {
    sqlite3_wal_hook(connection, roost_sqlite3_note_frames, frames);
}
