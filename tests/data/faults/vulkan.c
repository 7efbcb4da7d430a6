/* A Vulkan driver that stands before another one and lets a chosen call fail.
 *
 *     cc -shared -fPIC -o fault.so vulkan.c -ldl
 *
 * FAULT_DRIVER is the library of the driver behind, FAULT_CALL the name of the function, FAULT_AT which of its calls
 * fails (every one from there on with FAULT_ON=1), FAULT_RESULT the VkResult that it returns, FAULT_LOG a file that gets
 * the number of its calls. The names and prototypes are those of the Vulkan specification, cut down to what a
 * pass-through needs. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*Lookup)(void *handle, const char *name);
typedef int32_t Result;
typedef uint64_t Handle;

static Lookup instance_lookup, device_lookup, physical_lookup;
static Result (*negotiate)(uint32_t *version);
static const char *failing = "";
static long fails_at, goes_on;
static Result result = -1;
static atomic_long calls;

static void start(void) {
    if (instance_lookup) return;
    void *driver = dlopen(getenv("FAULT_DRIVER"), RTLD_NOW | RTLD_LOCAL);
    if (!driver) abort();
    instance_lookup = (Lookup)dlsym(driver, "vk_icdGetInstanceProcAddr");
    physical_lookup = (Lookup)dlsym(driver, "vk_icdGetPhysicalDeviceProcAddr");
    *(void **)&negotiate = dlsym(driver, "vk_icdNegotiateLoaderICDInterfaceVersion");
    const char *text;
    if ((text = getenv("FAULT_CALL"))) failing = text;
    if ((text = getenv("FAULT_AT"))) fails_at = atol(text);
    if ((text = getenv("FAULT_ON"))) goes_on = atol(text);
    if ((text = getenv("FAULT_RESULT"))) result = atoi(text);
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("FAULT_LOG");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", (long)calls);
    fclose(file);
}

static int fails(const char *name) {
    if (strcmp(name, failing)) return 0;
    long number = ++calls;
    if (!fails_at) return 0;
    return goes_on ? number >= fails_at : number == fails_at;
}

/* A function that fails when its turn has come, and otherwise is the driver's. */
#define STANDS_BEFORE(name, parameters, arguments) \
    static Result(*driver_##name) parameters;      \
    static Result name##_or_not parameters {       \
        return fails(#name) ? result : driver_##name arguments; \
    }
STANDS_BEFORE(vkQueueSubmit, (void *q, uint32_t n, const void *s, Handle f), (q, n, s, f))
STANDS_BEFORE(vkAllocateMemory, (void *d, const void *i, const void *a, void *m), (d, i, a, m))
STANDS_BEFORE(vkMapMemory, (void *d, Handle m, Handle o, Handle s, uint32_t f, void **p), (d, m, o, s, f, p))
STANDS_BEFORE(vkWaitSemaphores, (void *d, const void *i, uint64_t t), (d, i, t))
STANDS_BEFORE(vkWaitForFences, (void *d, uint32_t n, const void *f, uint32_t a, uint64_t t), (d, n, f, a, t))
STANDS_BEFORE(vkCreateBuffer, (void *d, const void *i, const void *a, void *b), (d, i, a, b))
STANDS_BEFORE(vkCreateShaderModule, (void *d, const void *i, const void *a, void *m), (d, i, a, m))
STANDS_BEFORE(vkCreateComputePipelines, (void *d, Handle c, uint32_t n, const void *i, const void *a, void *p), (d, c, n, i, a, p))
STANDS_BEFORE(vkAllocateDescriptorSets, (void *d, const void *i, void *s), (d, i, s))
STANDS_BEFORE(vkCreateCommandPool, (void *d, const void *i, const void *a, void *p), (d, i, a, p))
STANDS_BEFORE(vkEndCommandBuffer, (void *c), (c))

static Function before(const char *name, Function driver) {
    if (!driver) return driver;
#define IS(function)                                  \
    if (!strcmp(name, #function)) {                   \
        *(Function *)&driver_##function = driver;     \
        return (Function)function##_or_not;           \
    }
    IS(vkQueueSubmit) IS(vkAllocateMemory) IS(vkMapMemory) IS(vkWaitSemaphores) IS(vkWaitForFences)
    IS(vkCreateBuffer) IS(vkCreateShaderModule) IS(vkCreateComputePipelines) IS(vkAllocateDescriptorSets)
    IS(vkCreateCommandPool) IS(vkEndCommandBuffer)
    return strcmp(name, "vkWaitSemaphoresKHR") ? driver : before("vkWaitSemaphores", driver);
}

static Function of_device(void *device, const char *name) { return before(name, device_lookup(device, name)); }

Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
    start();
    Function driver = instance_lookup(instance, name);
    if (driver && !strcmp(name, "vkGetDeviceProcAddr")) {
        device_lookup = (Lookup)driver;
        return (Function)of_device;
    }
    return before(name, driver);
}

Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
    start();
    return physical_lookup ? physical_lookup(instance, name) : 0;
}

Result vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
    start();
    return negotiate ? negotiate(version) : 0;
}
