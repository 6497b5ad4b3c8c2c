/* A disk that refuses, stalls or kills its caller, below one folder and at the word of another process.
 *
 * FAULTY_DISK=<control file>:<folder>. The control file is mapped and holds three 32-bit integers: the errno that every
 * change of a file below the folder fails with, how many milliseconds each takes first, and whether the thread that makes it
 * dies there, without unwinding, while its process goes on. All zero: a disk like any other.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int32_t *control; /* errno, delay, death */
static const char *folder;

__attribute__((constructor)) static void begin(void) {
    static char setting[PATH_MAX * 2];
    const char *variable = getenv("FAULTY_DISK");
    if (!variable) return;
    strncpy(setting, variable, sizeof setting - 1);
    char *colon = strchr(setting, ':');
    *colon = 0;
    int file = open(setting, O_RDONLY);
    control = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    folder = colon + 1;
}

/* What befalls a change of `path`: 0, or -1 with errno set. */
static int befall(const char *path) {
    if (!control || !path || strncmp(path, folder, strlen(folder)) != 0) return 0;
    int32_t delay = control[1];
    if (delay) {
        struct timespec time = {delay / 1000, delay % 1000 * 1000000L};
        nanosleep(&time, NULL);
    }
    if (control[2]) syscall(SYS_exit, 0);
    if (!control[0]) return 0;
    errno = control[0];
    return -1;
}

static int befall_file(int file) {
    if (!control || !(control[0] | control[1] | control[2])) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return befall(path);
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                 \
    int name(const char *path, int flags, ...) {                                   \
        mode_t mode = 0;                                                           \
        if (flags & O_CREAT) {                                                     \
            va_list more;                                                          \
            va_start(more, flags);                                                 \
            mode = va_arg(more, mode_t);                                           \
            va_end(more);                                                          \
            if (befall(path)) return -1;                                           \
        }                                                                          \
        return REAL(int, name, const char *, int, ...)(path, flags, mode);         \
    }
OPEN(open)
OPEN(open64)

int mkdir(const char *path, mode_t mode) {
    return befall(path) ? -1 : REAL(int, mkdir, const char *, mode_t)(path, mode);
}

int rename(const char *from, const char *to) {
    return befall(to) ? -1 : REAL(int, rename, const char *, const char *)(from, to);
}

int unlink(const char *path) {
    return befall(path) ? -1 : REAL(int, unlink, const char *)(path);
}

ssize_t write(int file, const void *bytes, size_t count) {
    return befall_file(file) ? -1 : REAL(ssize_t, write, int, const void *, size_t)(file, bytes, count);
}

int fsync(int file) {
    return befall_file(file) ? -1 : REAL(int, fsync, int)(file);
}

int fdatasync(int file) {
    return befall_file(file) ? -1 : REAL(int, fdatasync, int)(file);
}

/* These return the error. */
int posix_fallocate(int file, off_t from, off_t bytes) {
    return befall_file(file) ? errno : REAL(int, posix_fallocate, int, off_t, off_t)(file, from, bytes);
}

int posix_fallocate64(int file, off64_t from, off64_t bytes) {
    return befall_file(file) ? errno : REAL(int, posix_fallocate64, int, off64_t, off64_t)(file, from, bytes);
}
