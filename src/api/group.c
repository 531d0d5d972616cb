/* SPDX-License-Identifier: MIT */
/* Groups of green threads in the public API: see green/group.h for what they do. */
#include "green/group.h"

#include "api/enter.h"
#include "api/green.h"

#include <greenmq/green.h>

struct gmq_group *gmq_group_new(size_t limit)
{
    struct group *group = group_open(limit);
    if (!group)
        errno = ENOMEM;
    return (struct gmq_group *)group;
}

int64_t gmq_group_spawn(struct gmq_group *handle, void *(*run)(void *arg), void *arg,
                        const struct gmq_thread_options *options)
{
    struct group *group = (struct group *)handle;
    struct thread_options wanted;
    struct thread *thread;
    int rc = group_check(group);
    if (rc == 0)
        rc = run ? green_options(options, &wanted) : -EINVAL;
    if (rc == 0)
        rc = group_spawn(group, run, arg, &wanted, &thread);
    return rc < 0 ? answer(rc) : thread->id;
}

int gmq_group_wait(struct gmq_group *handle, int64_t deadline)
{
    struct group *group = (struct group *)handle;
    int rc = group_check(group);
    return answer(rc < 0 ? rc : group_wait(group, green_deadline_ns(deadline)));
}

int gmq_group_cancel(struct gmq_group *handle)
{
    struct group *group = (struct group *)handle;
    int rc = group_check(group);
    if (rc == 0)
        group_cancel(group);
    return answer(rc);
}

int gmq_group_close(struct gmq_group *handle)
{
    struct group *group = (struct group *)handle;
    int rc = group_check(group);
    return answer(rc < 0 ? rc : group_close(group));
}
