/* The supervisor's datagrams, and signals as a flag and a descriptor. */
#include "host/ready.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static volatile sig_atomic_t stopping;
static int stop_fd = -1;

static bool tell(const char *words)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t size = path ? strlen(path) : 0;
    int fd;

    if (size < 2 || size >= sizeof(to.sun_path)) {
        return false;
    }
    memcpy(to.sun_path, path, size);
    if (path[0] == '@') {
        to.sun_path[0] = '\0'; /* an abstract address */
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    (void)!sendto(fd, words, strlen(words), MSG_NOSIGNAL, (struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    close(fd);
    return true;
}

void ready_serving(const char *program)
{
    (void)program;
    if (!tell("READY=1")) {
        fputs("ready\n", stderr);
    }
}

void ready_alive(void)
{
    (void)tell("WATCHDOG=1");
}

void ready_stopping(void)
{
    (void)tell("STOPPING=1");
}

static void on_signal(int signal)
{
    uint64_t one = 1;

    (void)signal;
    stopping = 1;
    (void)!write(stop_fd, &one, sizeof(one));
}

void ready_catch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigemptyset(&act.sa_mask);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    act.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &act, NULL);
    sigaction(SIGXFSZ, &act, NULL); /* a limit on files is an error of the write, not the end */
    sigaction(SIGXFSZ, &act, NULL); /* a file at its limit is a full disk, not the end */
}

bool ready_must_stop(void)
{
    return stopping != 0;
}

int ready_fd(void)
{
    return stop_fd;
}
