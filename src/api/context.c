/* SPDX-License-Identifier: MIT */
/* Contexts of the public API: made, set up, asked, and ended from any thread. What is no context,
 * or is none any more, gives EFAULT. */
#define ZMQ_BUILD_DRAFT_API /* libzmq answers ZMQ_ZERO_COPY_RECV in any build */
#include "api/enter.h"

#include <greenmq/zmq.h>

enum { SOCKET_LIMIT = 65535 };

void *zmq_ctx_new(void)
{
    struct ctx *ctx;
    return answer(ctx_new(&ctx)) < 0 ? NULL : ctx;
}

int zmq_ctx_term(void *context)
{
    struct ctx *ctx = context;
    int rc = ctx_enter(ctx);
    if (rc == -ETERM) {
        atomic_store(&ctx->magic, 0); /* the parent's: its child may only forget it */
        return 0;
    }
    if (rc < 0)
        return answer(rc);
    if (ctx->terminator) { /* another thread is at it, and the handle is that thread's */
        ctx_leave(ctx);
        return answer(-EFAULT);
    }
    return answer(ctx_term(ctx));
}

int zmq_ctx_shutdown(void *context)
{
    struct ctx *ctx = context;
    int rc = ctx_enter(ctx);
    if (rc == -ETERM)
        return 0; /* the parent's: to its child it has ended */
    if (rc < 0)
        return answer(rc);
    ctx_shutdown(ctx);
    ctx_leave(ctx);
    return 0;
}

static int set(int *field, int value, int least)
{
    if (value < least)
        return -EINVAL;
    *field = value;
    return 0;
}

static int set_flag(int *field, int value)
{
    return set(field, value < 0 ? value : value != 0, 0);
}

/* Processors that no system has are taken, and make no difference. */
static int add_cpu(cpu_set_t *cpus, int cpu)
{
    if (cpu < 0)
        return -EINVAL;
    if (cpu < CPU_SETSIZE)
        CPU_SET(cpu, cpus);
    return 0;
}

static int remove_cpu(cpu_set_t *cpus, int cpu)
{
    if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, cpus))
        return -EINVAL;
    CPU_CLR(cpu, cpus);
    return 0;
}

static int set_option(struct ctx *ctx, int option, int value)
{
    switch (option) {
    case ZMQ_IO_THREADS: return set(&ctx->io_threads, value, 0);
    case ZMQ_MAX_SOCKETS: return set(&ctx->max_sockets, value, 1);
    case ZMQ_MAX_MSGSZ: return set(&ctx->max_msgsz, value, 0);
    case ZMQ_IPV6: return set_flag(&ctx->ipv6, value);
    case ZMQ_BLOCKY: return set_flag(&ctx->blocky, value);
    case ZMQ_ZERO_COPY_RECV: return set_flag(&ctx->zero_copy_recv, value);
    case ZMQ_THREAD_PRIORITY: return set(&ctx->background.priority, value, 0);
    case ZMQ_THREAD_SCHED_POLICY: return set(&ctx->background.policy, value, 0);
    case ZMQ_THREAD_NAME_PREFIX: return set(&ctx->background.name_prefix, value, INT_MIN);
    case ZMQ_THREAD_AFFINITY_CPU_ADD: return add_cpu(&ctx->background.cpus, value);
    case ZMQ_THREAD_AFFINITY_CPU_REMOVE: return remove_cpu(&ctx->background.cpus, value);
    default: return -EINVAL;
    }
}

int zmq_ctx_set(void *context, int option, int value)
{
    struct ctx *ctx = context;
    int rc = ctx_enter(ctx);
    if (rc < 0)
        return answer(rc);
    rc = set_option(ctx, option, value);
    ctx_close_lanes(ctx); /* they were opened for what was allowed before */
    ctx_leave(ctx);
    return answer(rc);
}

static int get_option(const struct ctx *ctx, int option, int *value)
{
    switch (option) {
    case ZMQ_IO_THREADS: *value = ctx->io_threads; return 0;
    case ZMQ_MAX_SOCKETS: *value = ctx->max_sockets; return 0;
    case ZMQ_SOCKET_LIMIT: *value = SOCKET_LIMIT; return 0;
    case ZMQ_MAX_MSGSZ: *value = ctx->max_msgsz; return 0;
    case ZMQ_MSG_T_SIZE: *value = sizeof(zmq_msg_t); return 0;
    case ZMQ_IPV6: *value = ctx->ipv6; return 0;
    case ZMQ_BLOCKY: *value = ctx->blocky; return 0;
    case ZMQ_ZERO_COPY_RECV: *value = ctx->zero_copy_recv; return 0;
    case ZMQ_THREAD_SCHED_POLICY: *value = ctx->background.policy; return 0;
    case ZMQ_THREAD_NAME_PREFIX: *value = ctx->background.name_prefix; return 0;
    default: return -EINVAL;
    }
}

int zmq_ctx_get(void *context, int option)
{
    struct ctx *ctx = context;
    int value;
    int rc = ctx_enter(ctx);
    if (rc < 0)
        return answer(rc);
    rc = get_option(ctx, option, &value);
    ctx_leave(ctx);
    return rc < 0 ? answer(rc) : value; /* which may be -1, and no error */
}

void *zmq_init(int io_threads)
{
    if (io_threads < 0) {
        errno = EINVAL;
        return NULL;
    }
    void *ctx = zmq_ctx_new();
    if (ctx)
        zmq_ctx_set(ctx, ZMQ_IO_THREADS, io_threads);
    return ctx;
}

int zmq_term(void *context)
{
    return zmq_ctx_term(context);
}

int zmq_ctx_destroy(void *context)
{
    return zmq_ctx_term(context);
}
