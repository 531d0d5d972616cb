/* SPDX-License-Identifier: MIT */
/* The books of a device in words for people: see report.h. It only prints: there is nothing that
 * can fail. Called by broker.c, demo.c and screen.c. */
#include "report.h"

#include <stdio.h>

struct gmq_account report_read(struct gmq_device *device)
{
    struct gmq_account account = {.size = sizeof(account)};
    gmq_device_account(device, &account);
    return account;
}

static struct gmq_tally sum(struct gmq_tally a, struct gmq_tally b)
{
    return (struct gmq_tally){a.messages + b.messages, a.parts + b.parts, a.bytes + b.bytes};
}

static struct gmq_tally all_dropped(const struct gmq_flow *flow)
{
    struct gmq_tally tally = {0};
    for (int i = 0; i < GMQ_DROP_REASONS; i++)
        tally = sum(tally, flow->dropped[i]);
    return tally;
}

uint64_t report_dropped(const struct gmq_flow *flow)
{
    return all_dropped(flow).messages;
}

static bool flow_balances(const struct gmq_flow *flow)
{
    struct gmq_tally in = sum(flow->received, flow->copied);
    struct gmq_tally out = sum(sum(flow->forwarded, flow->queued), all_dropped(flow));
    return in.messages == out.messages && in.parts == out.parts && in.bytes == out.bytes;
}

bool report_balances(const struct gmq_account *account)
{
    return flow_balances(&account->forward) && flow_balances(&account->backward) &&
           flow_balances(&account->capture);
}

/* The way back is worth a line where messages take it. */
static bool has_backward(enum gmq_device_type type, const struct gmq_account *account)
{
    return type == GMQ_DEVICE_QUEUE || account->backward.received.messages;
}

/* ---- the table ---------------------------------------------------------------------------- */

static void print_tally(const char *word, const char *detail, struct gmq_tally tally)
{
    char name[48];
    snprintf(name, sizeof(name), "%s%s%s", word, detail[0] ? ", " : "", detail);
    printf("    %-28s %14llu %14llu %18llu\n", name, (unsigned long long)tally.messages,
           (unsigned long long)tally.parts, (unsigned long long)tally.bytes);
}

static void print_flow(const char *title, const struct gmq_flow *flow)
{
    printf("  %-30s %14s %14s %18s\n", title, "messages", "parts", "bytes");
    print_tally("received", "", flow->received);
    print_tally("copied", "", flow->copied);
    print_tally("forwarded", "", flow->forwarded);
    print_tally("queued", "", flow->queued);
    for (int i = 0; i < GMQ_DROP_REASONS; i++) {
        if (flow->dropped[i].messages)
            print_tally("dropped", gmq_drop_name((enum gmq_drop)i), flow->dropped[i]);
    }
}

static void print_peers(const char *word, const char *detail, uint64_t frontend, uint64_t backend)
{
    char name[48];
    snprintf(name, sizeof(name), "%s%s%s", word, detail[0] ? ", " : "", detail);
    printf("    %-28s %14llu %14llu\n", name, (unsigned long long)frontend,
           (unsigned long long)backend);
}

/* How many, and of the last one who and why. */
static void print_refused(const struct gmq_account *account)
{
    const struct gmq_event *last = &account->last_refused;
    if (!account->frontend_refused && !account->backend_refused)
        return;
    print_peers("refused", "", account->frontend_refused, account->backend_refused);
    if (last->kind)
        printf("    the last: %s peer %s%s%s\n", last->backend ? "backend" : "frontend",
               last->endpoint, last->endpoint[0] ? ": " : "", last->reason);
}

void report_account(const char *name, enum gmq_device_type type, const struct gmq_account *account)
{
    flockfile(stdout);
    printf("%s: account\n", name);
    print_flow("frontend to backend", &account->forward);
    if (has_backward(type, account))
        print_flow("backend to frontend", &account->backward);
    if (account->capture.received.messages)
        print_flow("capture", &account->capture);
    printf("  %-30s %14s %14s\n", "peers", "frontend", "backend");
    print_peers("connected", "", account->frontend_peers, account->backend_peers);
    print_peers("joined", "", account->frontend_joined, account->backend_joined);
    for (int i = 0; i < GMQ_LEAVE_REASONS; i++) {
        if (account->frontend_left[i] || account->backend_left[i])
            print_peers("left", gmq_leave_name((enum gmq_leave)i), account->frontend_left[i],
                        account->backend_left[i]);
    }
    print_refused(account);
    if (account->owed)
        print_peers("replies owed", "", 0, account->owed);
    if (account->unanswered)
        print_peers("requests unanswered", "", 0, account->unanswered);
    printf("  %s: received + copied = forwarded + queued + dropped\n",
           report_balances(account) ? "the books balance" : "THE BOOKS DO NOT BALANCE");
    funlockfile(stdout);
}

/* ---- the line ----------------------------------------------------------------------------- */

static void print_rates(const char *title, const struct gmq_flow *before,
                        const struct gmq_flow *now, double elapsed_s)
{
    uint64_t messages = now->forwarded.messages - before->forwarded.messages;
    uint64_t bytes = now->forwarded.bytes - before->forwarded.bytes;
    printf(" %s %.0f/s, %.3f MB/s, forwarded %llu, queued %llu, dropped %llu;", title,
           (double)messages / elapsed_s, (double)bytes / elapsed_s / 1e6,
           (unsigned long long)now->forwarded.messages, (unsigned long long)now->queued.messages,
           (unsigned long long)report_dropped(now));
}

void report_stats(const char *name, enum gmq_device_type type, const struct gmq_account *before,
                  const struct gmq_account *now, double elapsed_s)
{
    flockfile(stdout);
    printf("%s:", name);
    print_rates("frontend to backend", &before->forward, &now->forward, elapsed_s);
    if (has_backward(type, now))
        print_rates("backend to frontend", &before->backward, &now->backward, elapsed_s);
    if (now->capture.received.messages)
        print_rates("capture", &before->capture, &now->capture, elapsed_s);
    if (type == GMQ_DEVICE_QUEUE)
        printf(" replies %llu owed, %llu unanswered;", (unsigned long long)now->owed,
               (unsigned long long)now->unanswered);
    printf(" peers %llu frontend, %llu backend\n", (unsigned long long)now->frontend_peers,
           (unsigned long long)now->backend_peers);
    funlockfile(stdout);
}
