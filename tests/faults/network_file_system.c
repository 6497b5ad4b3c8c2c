/* Claims that every file system is NFS, and refuses shared mappings of files, as some servers do. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/vfs.h>

int statfs(const char *path, struct statfs *answer) {
    int (*real)(const char *, struct statfs *) = dlsym(RTLD_NEXT, "statfs");
    int code = real(path, answer);
    answer->f_type = 0x6969;
    return code;
}

int statfs64(const char *path, struct statfs64 *answer) {
    int (*real)(const char *, struct statfs64 *) = dlsym(RTLD_NEXT, "statfs64");
    int code = real(path, answer);
    answer->f_type = 0x6969;
    return code;
}

static void *refuse_shared(void *real, void *at, size_t bytes, int access, int flags, int file, off_t offset) {
    if (file >= 0 && (flags & MAP_SHARED) && (access & PROT_WRITE)) {
        errno = ENODEV;
        return MAP_FAILED;
    }
    return ((void *(*)(void *, size_t, int, int, int, off_t))real)(at, bytes, access, flags, file, offset);
}

void *mmap(void *at, size_t bytes, int access, int flags, int file, off_t offset) {
    return refuse_shared(dlsym(RTLD_NEXT, "mmap"), at, bytes, access, flags, file, offset);
}

void *mmap64(void *at, size_t bytes, int access, int flags, int file, off_t offset) {
    return refuse_shared(dlsym(RTLD_NEXT, "mmap64"), at, bytes, access, flags, file, offset);
}
