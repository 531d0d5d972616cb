/* SPDX-License-Identifier: MIT */
/* Weather updates, a subscriber: the mean of five reports of each place it was asked for. See
 * README.md.
 *
 *     weather_client [ENDPOINT [PLACE...]]    connects
 *
 * One place is one green thread with a socket of its own; they listen at the same time. */
#include <greenmq/greenmq.h>

enum { REPORTS = 5 };

static void *context;
static const char *endpoint = "tcp://127.0.0.1:5556";

static void *listen_to(void *place)
{
    int size, sum = 0;
    char topic[32], text[64];
    void *socket = zmq_socket(context, ZMQ_SUB);
    /* With the space: "place-1" is not to match "place-10". */
    size = snprintf(topic, sizeof(topic), "%s ", (const char *)place);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, (size_t)size);
    zmq_connect(socket, endpoint);
    for (int i = 0; i < REPORTS; i++) {
        int degrees = 0, humidity = 0;
        size = zmq_recv(socket, text, sizeof(text) - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        if (sscanf(text, "%*s %d %d", &degrees, &humidity) == 2)
            sum += degrees;
    }
    printf("%s: %.1f degrees\n", (const char *)place, (double)sum / REPORTS);
    zmq_close(socket);
    return NULL;
}

int main(int argc, char **argv)
{
    char *first = "place-01", **places = argc > 2 ? argv + 2 : &first;
    int count = argc > 2 ? argc - 2 : 1;
    if (argc > 1)
        endpoint = argv[1];
    context = zmq_ctx_new();
    struct gmq_group *group = gmq_group_new(0);
    for (int i = 0; i < count; i++)
        gmq_group_spawn(group, listen_to, places[i], NULL);
    gmq_group_wait(group, -1);
    gmq_group_close(group);
    return zmq_ctx_term(context);
}
