/* Preloaded into a test's child process: appends to the file $SYNC_LOG what happens to files whose
 * name ends in "-wal", and that a database beside them is synced, after it has happened, and lets
 * calls fail while the file $DISK_FAULT names them: "sync", "write" and "full" of a log, "move" and
 * "settle" of what is written to a database beside it and of its sync, "map" of the memory that its
 * programs share, "link" of anything. Other calls go straight to the kernel. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int log_file = -1;

__attribute__((constructor)) static void open_log(void) {
    const char *path = getenv("SYNC_LOG");
    if (path)
        log_file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
}

static int is_named(int file, const char *ending) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path), end = strlen(ending);
    return length >= end && memcmp(path + length - end, ending, end) == 0;
}

static void note(const char *line, int file, const char *ending) {
    if (log_file < 0 || !is_named(file, ending))
        return;
    if (syscall(SYS_write, log_file, line, strlen(line)) < 0)
        abort();
}

static int fails(const char *call) {
    const char *path = getenv("DISK_FAULT");
    int plan = path ? open(path, O_RDONLY) : -1;
    if (plan < 0)
        return 0;
    char planned[16] = {0};
    ssize_t length = syscall(SYS_read, plan, planned, sizeof planned - 1);
    close(plan);
    return length > 0 && strcmp(planned, call) == 0;
}

/* What the call is to fail with, or 0. */
static int fault_of_sync(int file) {
    const char *call = is_named(file, "-wal") ? "sync" : is_named(file, ".db") ? "settle" : 0;
    return call && fails(call) ? EIO : 0;
}

static int fault_of_write(int file) {
    if (is_named(file, "-wal"))
        return fails("write") ? EIO : fails("full") ? ENOSPC : 0;
    return is_named(file, ".db") && fails("move") ? ENOSPC : 0;
}

static int synced(int result, int file) {
    if (result == 0) {
        note("synced\n", file, "-wal");
        note("file synced\n", file, ".db");
    }
    return result;
}

int fsync(int file) {
    errno = fault_of_sync(file);
    return errno ? -1 : synced(syscall(SYS_fsync, file), file);
}

int fdatasync(int file) {
    errno = fault_of_sync(file);
    return errno ? -1 : synced(syscall(SYS_fdatasync, file), file);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    errno = fault_of_write(file);
    if (errno)
        return -1;
    ssize_t result = syscall(SYS_pwrite64, file, bytes, count, offset);
    note("written\n", file, "-wal");
    return result;
}

int ftruncate64(int file, off64_t length) {
    int result = syscall(SYS_ftruncate, file, length);
    if (result == 0 && length == 0)
        note("begun anew\n", file, "-wal");
    return result;
}

int ftruncate(int file, off_t length) {
    return ftruncate64(file, length);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    return pwrite64(file, bytes, count, offset);
}

void *mmap64(void *at, size_t length, int protection, int flags, int file, off64_t offset) {
    if (file >= 0 && is_named(file, "-shm") && fails("map")) {
        errno = ENODEV;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, at, length, protection, flags, file, offset);
}

void *mmap(void *at, size_t length, int protection, int flags, int file, off_t offset) {
    return mmap64(at, length, protection, flags, file, offset);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    if (fails("link")) {
        errno = EPERM;
        return -1;
    }
    return syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}
