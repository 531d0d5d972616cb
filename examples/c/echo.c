/* SPDX-License-Identifier: MIT */
/* Code for ordinary threads and blocking descriptors, as it is: a TCP server that sends back what
 * it reads, and a hundred clients, all in one ordinary thread. Build and run it with
 *
 *     cc examples/c/echo.c -o echo -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./echo
 *
 * The one thing that makes it green is the last #include: it turns the blocking calls of this file
 * into ones that stop only the green thread that makes them. */
#include <greenmq/greenmq.h>

#include <arpa/inet.h>
#include <string.h>

#include <greenmq/posix.h>

enum { CLIENTS = 100, WORDS = 10 };

static struct sockaddr_in place;

static void *echo(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char text[256];
    ssize_t got;
    while ((got = read(fd, text, sizeof(text))) > 0)
        write(fd, text, (size_t)got);
    close(fd);
    return NULL;
}

static void *serve(void *arg)
{
    int fd, listener = (int)(intptr_t)arg;
    struct gmq_group *connections = gmq_group_new(0);
    while ((fd = accept(listener, NULL, NULL)) >= 0)
        gmq_group_spawn(connections, echo, (void *)(intptr_t)fd, NULL);
    gmq_group_close(connections); /* accept() gave ECANCELED */
    return NULL;
}

static void *talk(void *arg)
{
    int *heard = arg;
    char text[5];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&place, sizeof(place)) == 0) {
        for (int i = 0; i < WORDS; i++) {
            usleep(1000);
            if (write(fd, "hello", 5) == 5 && read(fd, text, 5) == 5)
                *heard += memcmp(text, "hello", 5) == 0;
        }
    }
    close(fd);
    return NULL;
}

int main(void)
{
    socklen_t size = sizeof(place);
    int heard = 0, listener = socket(AF_INET, SOCK_STREAM, 0);
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&place, size) || listen(listener, CLIENTS) ||
        getsockname(listener, (struct sockaddr *)&place, &size))
        return perror("cannot listen"), 1;

    int64_t server = gmq_spawn(serve, (void *)(intptr_t)listener, NULL);
    struct gmq_group *clients = gmq_group_new(0);
    for (int i = 0; i < CLIENTS; i++)
        gmq_group_spawn(clients, talk, &heard, NULL);
    gmq_group_wait(clients, -1);
    gmq_group_close(clients);
    gmq_cancel(server);
    gmq_join(server, NULL, -1);
    close(listener);
    printf("%d words came back\n", heard);
    return heard != CLIENTS * WORDS;
}
