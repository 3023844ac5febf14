// The system's SQLite, from the Debian package libsqlite3-dev.
#include <sqlite3.h>
