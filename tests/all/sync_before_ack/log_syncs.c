/* Preloaded into a test's child process: appends to the file $SYNC_LOG what happens to files whose
 * name ends in "-wal", after it has happened. Calls go straight to the kernel. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int log_file = -1;

__attribute__((constructor)) static void open_log(void) {
    const char *path = getenv("SYNC_LOG");
    if (path)
        log_file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
}

static void note(const char *line, int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path);
    if (log_file < 0 || length < 4 || memcmp(path + length - 4, "-wal", 4) != 0)
        return;
    if (syscall(SYS_write, log_file, line, strlen(line)) < 0)
        abort();
}

int fsync(int file) {
    int result = syscall(SYS_fsync, file);
    if (result == 0)
        note("synced\n", file);
    return result;
}

int fdatasync(int file) {
    int result = syscall(SYS_fdatasync, file);
    if (result == 0)
        note("synced\n", file);
    return result;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    ssize_t result = syscall(SYS_pwrite64, file, bytes, count, offset);
    note("written\n", file);
    return result;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    return pwrite64(file, bytes, count, offset);
}
