#pragma once
#include <sqlite3.h>

/* SQLITE_TRANSIENT is a cast that Swift does not see: SQLite copies the bytes. */
static inline int roost_sqlite3_bind_blob_copy(
    sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

static inline int roost_sqlite3_bind_text_copy(
    sqlite3_stmt *statement, int index, const char *text, int count) {
    return sqlite3_bind_text(statement, index, text, count, SQLITE_TRANSIENT);
}
