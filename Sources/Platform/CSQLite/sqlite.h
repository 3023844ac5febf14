// The system's SQLite, from the Debian package libsqlite3-dev.
#include <sqlite3.h>

/// Has SQLite keep no account of its memory, for which it would take a lock at each piece; false after its first use.
///
/// Swift cannot call the function itself, whose arguments vary.
static inline int sqlite_keep_no_memory_account(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
}
