/* Stands before calls of the C library on files, and lets a chosen one fail, or ends the process at it.
 *
 *     cc -shared -fPIC -o io.so io.c -ldl
 *     LD_PRELOAD=io.so FAULT_CALLS=write,sync FAULT_UNDER=/out/ FAULT_AT=7 FAULT_ERRNO=5 program
 *
 * FAULT_CALLS names the kinds of calls (of those below) that count, FAULT_UNDER a part of the paths that do. Call number
 * FAULT_AT, and with FAULT_ON=1 all after it, fails with FAULT_ERRNO, having written half with FAULT_SHORT=1; or the
 * process gets the signal FAULT_SIGNAL before it. FAULT_LOG is a file that gets the number of calls that counted. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *kinds = "", *under = "", *report;
static long fails_at, goes_on, is_short;
static int error_number = EIO, signal_number, is_ready;
static atomic_long calls;

__attribute__((constructor)) static void start(void) {
    const char *text;
    if ((text = getenv("FAULT_CALLS"))) kinds = text;
    if ((text = getenv("FAULT_UNDER"))) under = text;
    if ((text = getenv("FAULT_AT"))) fails_at = atol(text);
    if ((text = getenv("FAULT_ON"))) goes_on = atol(text);
    if ((text = getenv("FAULT_SHORT"))) is_short = atol(text);
    if ((text = getenv("FAULT_ERRNO"))) error_number = atoi(text);
    if ((text = getenv("FAULT_SIGNAL"))) signal_number = atoi(text);
    report = getenv("FAULT_LOG");
    is_ready = 1;
}

__attribute__((destructor)) static void end(void) {
    if (!report) return;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)calls);
    long file = syscall(SYS_openat, AT_FDCWD, report, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    syscall(SYS_write, file, text, length);
    syscall(SYS_close, file);
}

/* Whether a kind is in the list. */
static int counts(const char *kind) {
    size_t length = strlen(kind);
    for (const char *at = kinds; (at = strstr(at, kind)); at += length)
        if ((at == kinds || at[-1] == ',') && (!at[length] || at[length] == ',')) return 1;
    return 0;
}

/* Whether a call fails now; it does not return where it ends the process. */
static int fails(const char *kind) {
    if (!is_ready || !counts(kind)) return 0;
    long number = ++calls;
    if (!fails_at || (goes_on ? number < fails_at : number != fails_at)) return 0;
    if (signal_number) {
        kill(getpid(), signal_number);
        while (signal_number == SIGKILL) pause();
        return 0;
    }
    errno = error_number;
    return 1;
}

static int is_under(const char *path) { return path[0] != '/' || strstr(path, under) != NULL; }

static int is_file_under(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = file > 2 ? readlink(link, path, sizeof path - 1) : 0;
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, under) != NULL;
}

/* A call that fails when its turn has come, and otherwise is the library's. */
#define STANDS_BEFORE(type, name, kind, parameters, arguments, concerns)  \
    type name parameters {                                                \
        static type(*library) parameters;                                 \
        if (!library) library = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
        if ((concerns) && fails(kind)) return (type)-1;                   \
        return library arguments;                                         \
    }

STANDS_BEFORE(ssize_t, read, "read", (int f, void *b, size_t n), (f, b, n), is_file_under(f))
STANDS_BEFORE(ssize_t, pread64, "read", (int f, void *b, size_t n, off_t o), (f, b, n, o), is_file_under(f))
STANDS_BEFORE(ssize_t, pwrite64, "write", (int f, const void *b, size_t n, off_t o), (f, b, n, o), is_file_under(f))
STANDS_BEFORE(ssize_t, writev, "write", (int f, const struct iovec *v, int n), (f, v, n), is_file_under(f))
STANDS_BEFORE(int, fsync, "sync", (int f), (f), is_file_under(f))
STANDS_BEFORE(int, fdatasync, "sync", (int f), (f), is_file_under(f))
STANDS_BEFORE(int, ftruncate64, "truncate", (int f, off_t n), (f, n), is_file_under(f))
STANDS_BEFORE(off_t, lseek64, "seek", (int f, off_t o, int w), (f, o, w), is_file_under(f))
STANDS_BEFORE(int, rename, "rename", (const char *a, const char *b), (a, b), is_under(a))
STANDS_BEFORE(int, linkat, "link", (int d, const char *a, int e, const char *b, int g), (d, a, e, b, g), is_under(b))
STANDS_BEFORE(int, unlink, "unlink", (const char *a), (a), is_under(a))
STANDS_BEFORE(int, unlinkat, "unlink", (int d, const char *a, int g), (d, a, g), is_file_under(d) || a[0] == '/')
STANDS_BEFORE(int, rmdir, "rmdir", (const char *a), (a), is_under(a))
STANDS_BEFORE(int, mkdir, "mkdir", (const char *a, mode_t m), (a, m), is_under(a))

ssize_t write(int file, const void *bytes, size_t length) {
    static ssize_t (*library)(int, const void *, size_t);
    if (!library) library = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (is_file_under(file) && fails("write")) {
        if (is_short && length > 1) return library(file, bytes, length / 2);
        return -1;
    }
    return library(file, bytes, length);
}

static int open_or_not(const char *path, int flags) {
    return is_under(path) && fails(flags & (O_WRONLY | O_RDWR | O_CREAT) ? "create" : "open");
}

int open64(const char *path, int flags, ...) {
    static int (*library)(const char *, int, ...);
    if (!library) library = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_or_not(path, flags) ? -1 : library(path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    static int (*library)(int, const char *, int, ...);
    if (!library) library = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64");
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    int concerns = folder != AT_FDCWD ? is_file_under(folder) : is_under(path);
    return concerns && fails("open") ? -1 : library(folder, path, flags, mode);
}

DIR *opendir(const char *path) {
    static DIR *(*library)(const char *);
    if (!library) library = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    return is_under(path) && fails("open") ? NULL : library(path);
}
