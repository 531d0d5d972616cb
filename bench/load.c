/* SPDX-License-Identifier: MIT */
/*
 * load: the load generator's command line.
 *
 *     load streamer|forwarder|queue|idle --frontend tcp://IP:PORT --backend tcp://IP:PORT [...]
 *
 * It plays all the peers of a broker that runs in another process, on raw sockets, and prints
 * one line of JSON. Ends with 2 for wrong usage, and with 1 and one sentence when the broker
 * refuses, closes, corrupts or loses what it must not lose. Started by run.py.
 */
#include "load.h"

#include "tcp.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Measured: the flow is even and the broker, not its peers, is what limits; see README.md. */
enum { BUFFER_KIB = 160 };

_Noreturn void load_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "load: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

void *load_alloc(size_t size_bytes)
{
    void *memory = malloc(size_bytes);
    if (memory == NULL)
        load_fail("no memory");
    return memory;
}

struct shape_name {
    const char *name;
    void (*run)(const struct load_options *options);
};

static const struct shape_name shapes[] = {
    {"streamer", flow_run},
    {"forwarder", flow_run},
    {"queue", trips_run},
    {"idle", idle_run},
};

/* Numbers go straight into the options: where to and between which limits. */
struct number {
    const char *name;
    size_t offset;
    size_t size_bytes;
    unsigned long long least;
    unsigned long long most;
};

#define NUMBER(option, field, least, most)                                                     \
    {                                                                                          \
        option, offsetof(struct load_options, field), sizeof((struct load_options *)0)->field, \
            least, most                                                                        \
    }

static const struct number numbers[] = {
    NUMBER("size", size_bytes, 8, 1u << 30), NUMBER("receivers", receivers, 1, 1000),
    NUMBER("clients", clients, 1, 2000),     NUMBER("in-flight", in_flight, 1, 10000),
    NUMBER("workers", workers, 1, 2000),     NUMBER("connections", connections, 1, 100000),
    NUMBER("warmup", warmup_ms, 0, 60000),   NUMBER("window", window_ms, 1, 60000),
    NUMBER("count", count, 10, 1ull << 40),  NUMBER("buffer-kib", buffer_kib, 0, 1u << 16),
    NUMBER("threads", threads, 1, 2),        NUMBER("pid", broker, 1, 1u << 30),
};

enum { NUMBERS = sizeof numbers / sizeof *numbers, FRONTEND = NUMBERS, BACKEND, VERIFY };

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: load streamer|forwarder|queue|idle --frontend tcp://IP:PORT"
                    " --backend tcp://IP:PORT [--verify]\n           ");
    for (size_t i = 0; i < NUMBERS; i++)
        fprintf(stderr, " [--%s N]", numbers[i].name);
    fprintf(stderr, "\n");
    exit(2);
}

static void set_number(struct load_options *options, const struct number *number, const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || value < number->least || value > number->most) {
        fprintf(stderr, "load: --%s takes %llu to %llu, not '%s'\n", number->name, number->least,
                number->most, text);
        exit(2);
    }
    char *field = (char *)options + number->offset;
    if (number->size_bytes == sizeof(uint64_t))
        *(uint64_t *)(void *)field = value;
    else
        *(unsigned *)(void *)field = (unsigned)value;
}

static void set_endpoint(struct sockaddr_in *addr, const char *text)
{
    if (tcp_parse(text, addr) != 0 || addr->sin_port == 0) {
        fprintf(stderr, "load: '%s' is not of the form tcp://IP:PORT\n", text);
        exit(2);
    }
}

static void parse(struct load_options *options, int argc, char **argv)
{
    struct option known[NUMBERS + 4] = {0};
    for (int i = 0; i < NUMBERS; i++)
        known[i] = (struct option){numbers[i].name, required_argument, NULL, i};
    known[FRONTEND] = (struct option){"frontend", required_argument, NULL, FRONTEND};
    known[BACKEND] = (struct option){"backend", required_argument, NULL, BACKEND};
    known[VERIFY] = (struct option){"verify", no_argument, NULL, VERIFY};
    for (int found; (found = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (found == '?')
            usage();
        else if (found == FRONTEND)
            set_endpoint(&options->frontend, optarg);
        else if (found == BACKEND)
            set_endpoint(&options->backend, optarg);
        else if (found == VERIFY)
            options->verify = true;
        else
            set_number(options, &numbers[found], optarg);
    }
    if (optind != argc - 1 || options->frontend.sin_port == 0 || options->backend.sin_port == 0)
        usage();
    options->shape = argv[optind];
}

/* Thousands of connections need as many descriptors. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct load_options options = {
        .size_bytes = 64,
        .receivers = 1,
        .clients = 1,
        .in_flight = 1,
        .workers = 1,
        .connections = 5000,
        .warmup_ms = 300,
        .window_ms = 1000,
        .buffer_kib = BUFFER_KIB,
        .threads = 1,
    };
    parse(&options, argc, argv);
    raise_descriptor_limit();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(shapes[i].name, options.shape) == 0) {
            shapes[i].run(&options);
            return 0;
        }
    }
    usage();
}
