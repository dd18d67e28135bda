/* A disk that fails, put before the C library by the dynamic linker.
 *
 * Files below FAULT_DIR are watched. The FAULT_AT-th call of the kind FAULT_KIND,
 * counted from 1, goes wrong, and FAULT_REPORT says so:
 *
 *   read      fails with EIO
 *   write     fails with EIO, nothing written
 *   full      fails with ENOSPC, as does every later write
 *   short     half is written; every later write fails with ENOSPC
 *   sync      fails with EIO
 *   resize    fails with EIO
 *   open      fails with EMFILE
 *   unlink    fails with EIO
 *   lock      fails with EAGAIN, as if somebody else held it
 *   kill      the process dies before the call
 *   power     so does the machine: what no fsync had covered is as it was before
 *   tear      the same, but of what no fsync had covered some writes stay
 *
 * For the last three every call that changes a file counts. Names in a folder are
 * taken to be kept by a power cut; a -shm file is no data. Nothing here knows what
 * is in the files.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define FDS 4096
#define FILES 64

/* How a part of a file was before a write that no fsync has covered yet. */
struct undo {
    struct undo *before;
    off_t size, at;
    size_t length;
    char bytes[];
};

struct file {
    char path[512];
    struct undo *undo;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES];
static int fd_file[FDS]; /* 0: not watched; else a place in files, from 1 */
static const char *folder, *kind, *report;
static long at, seen;
static int broken; /* whether the disk has no room from now on */

__attribute__((constructor)) static void start(void)
{
    folder = getenv("FAULT_DIR");
    kind = getenv("FAULT_KIND");
    report = getenv("FAULT_REPORT");
    at = atol(getenv("FAULT_AT") ? getenv("FAULT_AT") : "0");
    if (!folder || !kind || !report)
        folder = NULL;
}

static void say_fired(void)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) {
        syscall(SYS_write, fd, "fired\n", 6);
        syscall(SYS_close, fd);
    }
}

static int is(const char *word)
{
    return strcmp(kind, word) == 0;
}

static int watched(int fd)
{
    return folder && fd >= 0 && fd < FDS && fd_file[fd] != 0;
}

static void watch(int fd, const char *path)
{
    if (!folder || fd < 0 || fd >= FDS)
        return;
    fd_file[fd] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0 || strlen(path) >= sizeof files[0].path)
        return;
    for (int i = 0; i < FILES; i++) {
        if (files[i].path[0] == 0)
            strcpy(files[i].path, path);
        if (strcmp(files[i].path, path) == 0) {
            fd_file[fd] = i + 1;
            return;
        }
    }
}

/* Puts back what no fsync had covered: all of it, or every other write by chance. */
static void lose(int some)
{
    unsigned chance = (unsigned)at * 2654435761u;
    for (int i = 0; i < FILES; i++) {
        size_t length = strlen(files[i].path);
        if (length == 0 || (length > 4 && strcmp(files[i].path + length - 4, "-shm") == 0))
            continue;
        int fd = (int)syscall(SYS_openat, AT_FDCWD, files[i].path, O_RDWR, 0);
        for (struct undo *undo = files[i].undo; fd >= 0 && undo; undo = undo->before) {
            chance = chance * 1664525u + 1013904223u;
            if (some && (chance >> 16 & 1))
                continue;
            syscall(SYS_pwrite64, fd, undo->bytes, undo->length, undo->at);
            if (!some)
                syscall(SYS_ftruncate, fd, undo->size);
        }
    }
}

static void die(void)
{
    if (is("power"))
        lose(0);
    if (is("tear"))
        lose(1);
    syscall(SYS_kill, getpid(), SIGKILL);
}

/* Whether this call is the one that goes wrong. */
static int fires(const char *call, int changes)
{
    int mortal = is("kill") || is("power") || is("tear");
    int counts = mortal ? changes : is(call);
    if (strcmp(call, "write") == 0)
        counts |= is("full") || is("short");
    if (!counts || broken || ++seen != at)
        return 0;
    say_fired();
    if (mortal)
        die();
    return 1;
}

static void remember(int fd, off_t where, size_t length)
{
    struct stat now;
    struct file *file = &files[fd_file[fd] - 1];
    if (!(is("power") || is("tear")) || fstat(fd, &now) != 0)
        return;
    struct undo *undo = calloc(1, sizeof *undo + length); /* zeros where there was nothing */
    syscall(SYS_pread64, fd, undo->bytes, length, where);
    undo->size = now.st_size;
    undo->at = where;
    undo->length = length;
    undo->before = file->undo;
    file->undo = undo;
}

static void forget(int fd)
{
    struct file *file = &files[fd_file[fd] - 1];
    while (file->undo) {
        struct undo *undo = file->undo;
        file->undo = undo->before;
        free(undo);
    }
}

static int open_watched(const char *path, int flags, mode_t mode)
{
    int below = folder && strncmp(path, folder, strlen(folder)) == 0;
    pthread_mutex_lock(&guard);
    if (below && fires("open", 0)) {
        pthread_mutex_unlock(&guard);
        errno = EMFILE;
        return -1;
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    watch(fd, path);
    pthread_mutex_unlock(&guard);
    return fd;
}

static mode_t mode_of(int flags, va_list words)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(words, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list words;
    va_start(words, flags);
    mode_t mode = mode_of(flags, words);
    va_end(words);
    return open_watched(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list words;
    va_start(words, flags);
    mode_t mode = mode_of(flags, words);
    va_end(words);
    return open_watched(path, flags | O_LARGEFILE, mode);
}

int close(int fd)
{
    if (folder && fd >= 0 && fd < FDS)
        fd_file[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t where)
{
    if (!watched(fd))
        return syscall(SYS_pwrite64, fd, bytes, length, where);
    pthread_mutex_lock(&guard);
    ssize_t written = -1;
    int fired = fires("write", 1);
    if (broken) {
        errno = ENOSPC;
    } else if (fired && is("short") && length > 1) {
        broken = 1;
        written = syscall(SYS_pwrite64, fd, bytes, length / 2, where);
    } else if (fired && is("write")) {
        errno = EIO;
    } else if (fired) {
        broken = 1;
        errno = ENOSPC;
    } else {
        remember(fd, where, length);
        written = syscall(SYS_pwrite64, fd, bytes, length, where);
    }
    int why = errno;
    pthread_mutex_unlock(&guard);
    errno = why;
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t where)
{
    return write_at(fd, bytes, length, where);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t where)
{
    return write_at(fd, bytes, length, where);
}

static ssize_t read_at(int fd, void *bytes, size_t length, off_t where)
{
    if (watched(fd)) {
        pthread_mutex_lock(&guard);
        int fired = fires("read", 0);
        pthread_mutex_unlock(&guard);
        if (fired) {
            errno = EIO;
            return -1;
        }
    }
    return syscall(SYS_pread64, fd, bytes, length, where);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t where)
{
    return read_at(fd, bytes, length, where);
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t where)
{
    return read_at(fd, bytes, length, where);
}

static int sync_file(long call, int fd)
{
    if (!watched(fd))
        return (int)syscall(call, fd);
    pthread_mutex_lock(&guard);
    int fired = fires("sync", 1);
    if (!fired)
        forget(fd);
    pthread_mutex_unlock(&guard);
    if (fired) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, fd);
}

int fsync(int fd)
{
    return sync_file(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_file(SYS_fdatasync, fd);
}

static int resize(int fd, off_t size)
{
    if (!watched(fd))
        return (int)syscall(SYS_ftruncate, fd, size);
    struct stat now;
    pthread_mutex_lock(&guard);
    int fired = fires("resize", 1);
    if (!fired && fstat(fd, &now) == 0 && now.st_size >= size)
        remember(fd, size, (size_t)(now.st_size - size));
    pthread_mutex_unlock(&guard);
    if (fired) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size)
{
    return resize(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return resize(fd, size);
}

int unlink(const char *path)
{
    if (folder && strncmp(path, folder, strlen(folder)) == 0) {
        pthread_mutex_lock(&guard);
        int fired = fires("unlink", 1);
        for (int i = 0; !fired && i < FILES; i++) {
            if (strcmp(files[i].path, path) == 0)
                files[i].undo = NULL; /* the name is gone, and with it what was in it */
        }
        pthread_mutex_unlock(&guard);
        if (fired) {
            errno = EIO;
            return -1;
        }
    }
    return (int)syscall(SYS_unlink, path);
}

static int control(int fd, int command, void *word)
{
    if (watched(fd) && command == F_SETLK && ((struct flock *)word)->l_type != F_UNLCK) {
        pthread_mutex_lock(&guard);
        int fired = fires("lock", 0);
        pthread_mutex_unlock(&guard);
        if (fired) {
            errno = EAGAIN;
            return -1;
        }
    }
    return (int)syscall(SYS_fcntl, fd, command, word);
}

int fcntl(int fd, int command, ...)
{
    va_list words;
    va_start(words, command);
    void *word = va_arg(words, void *);
    va_end(words);
    return control(fd, command, word);
}

int fcntl64(int fd, int command, ...)
{
    va_list words;
    va_start(words, command);
    void *word = va_arg(words, void *);
    va_end(words);
    return control(fd, command, word);
}
