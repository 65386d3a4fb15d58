// Tells ThreadSanitizer of the locking that it cannot see, for `make sanitize`. Preloaded.
//
// A `Mutex` of Swift's `Synchronization` is an atomic word where nobody waits for it, and that part is
// compiled into our modules and instrumented. Where somebody waits, the work is done by these three
// functions inside the library, by atomics that are not instrumented and by the kernel
// (FUTEX_LOCK_PI): without a word about them every access after a wait looks like a race. Each calls
// the real one and says what it does to the word.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

// Of the sanitizer's runtime; not there in programs that are built without.
void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));

#define SELF __attribute__((swift_context)) void *self
#define SWIFT __attribute__((swiftcall))

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void (*lock_function)(uint32_t thread, SELF);
typedef SWIFT bool (*try_function)(SELF);
typedef SWIFT void (*unlock_function)(SELF);

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

SWIFT void lock_slow(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void lock_slow(uint32_t thread, SELF) {
    static lock_function real;
    if (!real) real = (lock_function)next(LOCK);
    real(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT bool try_slow(SELF) __asm__(TRY);
SWIFT bool try_slow(SELF) {
    static try_function real;
    if (!real) real = (try_function)next(TRY);
    bool has = real(self);
    if (has && __tsan_acquire) __tsan_acquire(self);
    return has;
}

SWIFT void unlock_slow(SELF) __asm__(UNLOCK);
SWIFT void unlock_slow(SELF) {
    static unlock_function real;
    if (!real) real = (unlock_function)next(UNLOCK);
    if (__tsan_release) __tsan_release(self);
    real(self);
}
