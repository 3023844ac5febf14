// The system's libpq, from the Debian package libpq-dev.
#include <postgresql/libpq-fe.h>
