/* What the wires have in common. */
#include "agent/modbus/link.h"

#include <poll.h>
#include <unistd.h>

#define QUIET_MS  20  /* a frame is over when nothing came for so long */
#define MOST_READS 64 /* a line that never falls silent */

bool link_overhear(int fd, int64_t timeout_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    char room[256];
    int wait_ms = (int)timeout_ms, reads = 0;

    while (fd >= 0 && reads < MOST_READS && poll(&one, 1, wait_ms) == 1 && (one.revents & POLLIN) &&
           read(fd, room, sizeof(room)) > 0) {
        reads++;
        wait_ms = QUIET_MS;
    }
    if (fd < 0 || (reads == 0 && one.revents)) { /* gone: the next request will say so */
        poll(NULL, 0, wait_ms);
    }
    return reads > 0;
}
