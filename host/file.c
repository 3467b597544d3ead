/* Files whole. */
#include "host/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err read_all(struct arena *arena, int fd, size_t most, char **ret_bytes,
                         size_t *ret_size)
{
    struct stat status;
    size_t size = 0;
    char *bytes;

    if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
        return ERR_IO;
    }
    if ((uint64_t)status.st_size > most) {
        return ERR_FULL;
    }
    bytes = arena_take(arena, (size_t)status.st_size + 1);
    if (!bytes) {
        return ERR_NOMEM;
    }
    while (size < (size_t)status.st_size) {
        ssize_t got = read(fd, bytes + size, (size_t)status.st_size - size);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return ERR_IO;
        }
        if (got == 0) {
            break; /* it became shorter meanwhile */
        }
        size += (size_t)got;
    }
    bytes[size] = '\0';
    *ret_bytes = bytes;
    *ret_size = size;
    return ERR_OK;
}

enum err file_read(struct arena *arena, const char *path, size_t most, char **ret_bytes,
                   size_t *ret_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum err err;

    if (fd < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_DENIED : ERR_IO;
    }
    err = read_all(arena, fd, most, ret_bytes, ret_size);
    close(fd);
    return err;
}

static enum err write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t put = write(fd, at, size);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return errno == ENOSPC ? ERR_FULL : ERR_IO;
        }
        at += put;
        size -= (size_t)put;
    }
    return ERR_OK;
}

static enum err sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    enum err err = fd < 0 || fsync(fd) ? ERR_IO : ERR_OK;

    if (fd >= 0) {
        close(fd);
    }
    free(copy);
    return err;
}

enum err file_move(const char *temporary, const char *path)
{
    int fd = open(temporary, O_RDONLY | O_CLOEXEC);
    enum err err = fd < 0 || fsync(fd) || rename(temporary, path) ? ERR_IO : ERR_OK;

    if (fd >= 0) {
        close(fd);
    }
    return err ? err : sync_folder(path);
}

enum err file_replace(const char *path, const void *bytes, size_t size, unsigned mode)
{
    TEXT(temporary, 1024);
    enum err err;
    int fd;

    text_addf(&temporary, "%s.new", path);
    fd = open(temporary.at, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) {
        return errno == EACCES ? ERR_DENIED : ERR_IO;
    }
    err = write_all(fd, bytes, size);
    close(fd);
    if (!err) {
        err = file_move(temporary.at, path);
    }
    if (err) {
        unlink(temporary.at);
    }
    return err;
}

enum err file_write_at(const char *path, int64_t position, const void *bytes, size_t size, unsigned mode)
{
    const char *slash = strrchr(path, '/');
    TEXT(folder, 1024);
    enum err err;
    int fd;

    if (slash) {
        text_addf(&folder, "%.*s", (int)(slash - path), path);
        if (mkdir(folder.at, 0700) && errno != EEXIST) {
            return errno == EACCES ? ERR_DENIED : ERR_IO;
        }
    }
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    if (fd < 0) {
        return errno == EACCES ? ERR_DENIED : ERR_IO;
    }
    err = lseek(fd, position, SEEK_SET) == position ? write_all(fd, bytes, size) : ERR_IO;
    if (!err && fdatasync(fd)) {
        err = ERR_IO;
    }
    close(fd);
    return err;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#define FILES_MOST 10000

enum err file_list(struct arena *arena, const char *folder, const char *suffix,
                   const char *const **ret_names, size_t *ret_count)
{
    const char **names = arena_array(arena, FILES_MOST, sizeof(*names));
    size_t count = 0, tail = strlen(suffix);
    struct dirent *entry;
    DIR *dir;

    if (!names) {
        return ERR_NOMEM;
    }
    dir = opendir(folder);
    if (!dir) {
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    while (count < FILES_MOST && (entry = readdir(dir)) != NULL) {
        size_t size = strlen(entry->d_name);

        if (size > tail && entry->d_name[0] != '.' &&
            strcmp(entry->d_name + size - tail, suffix) == 0) {
            names[count] = arena_text(arena, entry->d_name, size);
            count += names[count] != NULL;
        }
    }
    closedir(dir);
    qsort(names, count, sizeof(*names), by_name);
    *ret_names = names;
    *ret_count = count;
    return ERR_OK;
}

enum err file_zone(struct arena *arena, const char *name, const struct zone **ret_zone)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/";
    TEXT(path, 256);
    char *bytes;
    size_t size;
    enum err err;

    if (name[0] == '\0' || name[0] == '/' || strspn(name, allowed) != strlen(name) ||
        strlen(name) > 100) {
        return ERR_NOT_FOUND;
    }
    text_addf(&path, "/usr/share/zoneinfo/%s", name);
    err = file_read(arena, path.at, 256 * 1024, &bytes, &size);
    if (err) {
        return ERR_NOT_FOUND;
    }
    return zone_read(arena, name, bytes, size, ret_zone);
}

void file_random(void *bytes, size_t size)
{
    unsigned char *at = bytes;

    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);

        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}
