/* SPDX-License-Identifier: MIT */
/*
 * Receiving what has come from several peers, as fast as one thread can: strictly in turn, each
 * peer's own in order, and whatever is called in between finds what is true just then.
 */
#include "behaviour/util.h"

enum { SENDERS = 4, EACH = 100 };

/* A receiver and those who send to it, each with a bind of its own. */
struct fan {
    void *hub, *from[SENDERS];
    struct endpoint where[SENDERS];
};

static struct fan fan_of(int type, int from_type)
{
    static int names;
    struct fan fan = {.hub = open_socket(type)};
    for (int i = 0; i < SENDERS; i++) {
        char here[32];
        snprintf(here, sizeof here, "inproc://sender-%d", names++);
        fan.from[i] = open_socket(from_type);
        if (from_type == ZMQ_DEALER)
            zmq_setsockopt(fan.from[i], ZMQ_ROUTING_ID, &"abcd"[i], 1);
        fan.where[i] = bind_to(fan.from[i], here);
        connect_to(fan.hub, fan.where[i].text);
    }
    return fan;
}

/* Sender and number, with which each message begins. */
struct head {
    int from, number;
};

static void send_some(const struct fan *fan, int from, int first, int count)
{
    for (int n = first; n < first + count; n++)
        send_bytes(fan->from[from], &(struct head){from, n}, sizeof(struct head), 0);
}

static void send_all(const struct fan *fan, int count)
{
    for (int i = 0; i < SENDERS; i++)
        send_some(fan, i, 0, count);
}

static struct head recv_head(void *socket)
{
    struct head head = {-1, -1};
    assert_int_equal(zmq_recv(socket, &head, sizeof head, ZMQ_DONTWAIT), sizeof head);
    return head;
}

static void expect_head(void *socket, int from, int number)
{
    struct head head = recv_head(socket);
    assert_int_equal(head.from, from);
    assert_int_equal(head.number, number);
}

static void expect_none(void *socket)
{
    expect_error(zmq_recv(socket, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

/* ---- in turn ---- */

TEST(peers_are_read_strictly_in_turn)
{
    struct fan fan = fan_of(ZMQ_PULL, ZMQ_PUSH);
    for (int round = 0; round < 3; round++) {
        send_all(&fan, EACH);
        for (int n = 0; n < EACH; n++)
            for (int i = 0; i < SENDERS; i++)
                expect_head(fan.hub, i, n);
        expect_none(fan.hub);
    }
}

TEST(who_has_little_drops_out_of_the_turn)
{
    better_than_libzmq(); /* there the last one takes the place of the one that drops out */
    struct fan fan = fan_of(ZMQ_PULL, ZMQ_PUSH);
    for (int i = 0; i < SENDERS; i++)
        send_some(&fan, i, 0, 10 * (i + 1));
    for (int n = 0; n < 10 * SENDERS; n++)
        for (int i = n / 10; i < SENDERS; i++)
            expect_head(fan.hub, i, n);
    expect_none(fan.hub);
}

/* Whoever has something to say later than others has his turn after each of them at most once. */
TEST(a_latecomer_has_his_turn_in_the_next_round)
{
    better_than_libzmq(); /* there it may come a message later */
    struct fan fan = fan_of(ZMQ_PULL, ZMQ_PUSH);
    for (int read = 1; read < 40; read++) {
        int next[SENDERS] = {0}, before = 0;
        for (int i = 0; i < SENDERS - 1; i++)
            send_some(&fan, i, 0, EACH);
        for (int n = 0; n < read; n++)
            expect_head(fan.hub, n % 3, next[n % 3]++);
        send_some(&fan, SENDERS - 1, 0, 2);
        for (int seen = 0; seen < 2;) {
            struct head head = recv_head(fan.hub);
            assert_int_equal(head.number, next[head.from]++);
            seen += head.from == SENDERS - 1;
            before = head.from == SENDERS - 1 ? 0 : before + 1;
            assert_in_range(before, 0, SENDERS - 1);
        }
        for (int n = read; n < 3 * EACH; n++) /* what is left, one of it read as the above */
            if (zmq_recv(fan.hub, NULL, 0, ZMQ_DONTWAIT) < 0)
                break;
        expect_none(fan.hub);
    }
}

/* ---- calls in between ---- */

static void disturb(struct fan *fan, int what)
{
    zmq_pollitem_t item = {.socket = fan->hub, .events = ZMQ_POLLIN};
    switch (what) {
    case 0: get_int(fan->hub, ZMQ_EVENTS); break;
    case 1: assert_int_equal(zmq_poll(&item, 1, 0), 1); break;
    case 2: set_int(fan->hub, ZMQ_LINGER, 0); break;
    case 3: get_int(fan->from[0], ZMQ_EVENTS); break;
    case 4: get_int(fan->hub, ZMQ_RCVMORE); break;
    case 5: set_int(fan->hub, ZMQ_RCVHWM, 2000); break;
    case 6: connect_to(fan->hub, "inproc://nobody"); break;
    case 7: zmq_disconnect(fan->hub, "inproc://nobody"); break;
    default: break;
    }
}

enum { WHATS = 9 };

TEST(the_turn_goes_on_after_other_calls)
{
    struct fan fan = fan_of(ZMQ_PULL, ZMQ_PUSH);
    for (int what = 0; what < WHATS; what++) {
        send_all(&fan, EACH);
        for (int n = 0; n < EACH; n++)
            for (int i = 0; i < SENDERS; i++) {
                if ((n + i) % (what + 2) == 0 && n)
                    disturb(&fan, what);
                expect_head(fan.hub, i, n);
            }
        expect_none(fan.hub);
    }
}

TEST(parts_go_on_after_other_calls)
{
    struct fan fan = fan_of(ZMQ_DEALER, ZMQ_DEALER);
    for (int what = 0; what < WHATS; what++) {
        for (int n = 0; n < EACH; n++)
            for (int i = 0; i < SENDERS; i++)
                send_parts(fan.from[i], "head", "body", "tail");
        for (int n = 0; n < EACH * SENDERS; n++) {
            for (int i = 0; i < 3; i++) {
                char text[4];
                assert_int_equal(zmq_recv(fan.hub, text, sizeof text, ZMQ_DONTWAIT), 4);
                assert_memory_equal(text, &"headbodytail"[4 * i], 4);
                if (n % 7 == i && n < EACH * SENDERS - 1)
                    disturb(&fan, what);
                if (n % 3)
                    assert_int_equal(get_int(fan.hub, ZMQ_RCVMORE), i < 2);
            }
        }
        expect_none(fan.hub);
    }
}

TEST(a_router_puts_the_right_id_in_front)
{
    struct fan fan = fan_of(ZMQ_ROUTER, ZMQ_DEALER);
    for (int what = 0; what < WHATS; what++) {
        send_all(&fan, EACH);
        for (int n = 0; n < EACH; n++)
            for (int i = 0; i < SENDERS; i++) {
                char id;
                if (n && n % 11 == 0)
                    disturb(&fan, what);
                assert_int_equal(zmq_recv(fan.hub, &id, 1, ZMQ_DONTWAIT), 1);
                assert_int_equal(id, "abcd"[i]);
                if (n % 7 == i)
                    disturb(&fan, what);
                assert_true(get_int(fan.hub, ZMQ_RCVMORE));
                expect_head(fan.hub, i, n);
                assert_false(get_int(fan.hub, ZMQ_RCVMORE));
            }
        expect_none(fan.hub);
    }
}

TEST(a_message_has_the_properties_of_its_own_sender)
{
    void *hub = open_socket(ZMQ_DEALER), *from[SENDERS];
    struct endpoint where = bind_to(hub, *state);
    for (int i = 0; i < SENDERS; i++) {
        from[i] = open_socket(ZMQ_DEALER);
        zmq_setsockopt(from[i], ZMQ_ROUTING_ID, &"abcd"[i], 1);
        connect_to(from[i], where.text);
    }
    for (int n = 0; n < EACH; n++)
        for (int i = 0; i < SENDERS; i++)
            send_bytes(from[i], &"abcd"[i], 1, 0);
    for (int n = 0; n < EACH * SENDERS; n++) {
        zmq_msg_t message;
        zmq_msg_init(&message);
        assert_int_equal(zmq_msg_recv(&message, hub, 0), 1);
        const char *name = zmq_msg_gets(&message, "Identity");
        assert_non_null(name);
        assert_int_equal(name[0], *(char *)zmq_msg_data(&message));
        zmq_msg_close(&message);
    }
}

/* ---- filters ---- */

TEST(a_sub_receives_what_it_wants_just_then)
{
    struct fan fan = fan_of(ZMQ_SUB, ZMQ_PUB);
    set_text(fan.hub, ZMQ_SUBSCRIBE, "a");
    for (int round = 0; round < 20; round++) {
        set_text(fan.hub, ZMQ_SUBSCRIBE, "b");
        for (int i = 0; i < SENDERS; i++) {
            nudge(fan.from[i]);
            for (int n = 0; n < 10; n++)
                send_parts(fan.from[i], n % 2 ? "b" : "a", "1");
        }
        for (int n = 0; n < round; n++)
            expect_parts(fan.hub, n / SENDERS % 2 ? "b" : "a", "1");
        zmq_setsockopt(fan.hub, ZMQ_UNSUBSCRIBE, "b", 1);
        int read_b = 0;
        for (int n = 0; n < round; n++)
            read_b += n / SENDERS % 2;
        for (int n = 0; n < SENDERS * 5 - (round - read_b); n++)
            expect_parts(fan.hub, "a", "1");
        expect_none(fan.hub);
    }
}

/* ---- marks ---- */

/* How many more can be sent. */
static int fill(void *socket)
{
    int count = 0;
    while (zmq_send(socket, &count, sizeof count, ZMQ_DONTWAIT) >= 0)
        count++;
    assert_int_equal(zmq_errno(), EAGAIN);
    return count;
}

/* A sender may send more whenever half of what is allowed was read of it, and not before. */
TEST(reading_makes_room_just_as_ever)
{
    enum { HWM = 10, STEP = HWM };
    void *pull = open_socket(ZMQ_PULL), *push[2];
    set_int(pull, ZMQ_RCVHWM, HWM);
    for (int i = 0; i < 2; i++) {
        push[i] = open_socket(ZMQ_PUSH);
        set_int(push[i], ZMQ_SNDHWM, HWM);
        bind_to(push[i], i ? "inproc://1" : "inproc://0");
        connect_to(pull, i ? "inproc://1" : "inproc://0");
        assert_int_equal(fill(push[i]), 2 * HWM);
    }
    for (int read = 1; read <= 200; read++) {
        int number;
        assert_int_equal(zmq_recv(pull, &number, sizeof number, ZMQ_DONTWAIT), sizeof number);
        for (int i = 0; i < 2; i++) {
            bool due = (read + 1 - i) / 2 % STEP == 0 && read % 2 == !i && read > 1;
            nudge(push[i]);
            assert_int_equal(fill(push[i]), due ? STEP : 0);
        }
    }
}

/* Whoever reads half of what came over a connection, and then no more, lets the sender go on. */
TEST(reading_a_half_lets_a_connection_go_on)
{
    enum { HWM = 100, SIZE = 1000 };
    static char body[SIZE];
    void *pull = open_socket(ZMQ_PULL), *push[2];
    int sent[2] = {0};
    set_int(pull, ZMQ_RCVHWM, HWM);
    set_int(pull, ZMQ_RCVBUF, 4096);
    struct endpoint where = bind_to(pull, *state);
    for (int i = 0; i < 2; i++) {
        push[i] = open_socket(ZMQ_PUSH);
        set_int(push[i], ZMQ_SNDHWM, HWM);
        set_int(push[i], ZMQ_SNDBUF, 4096);
        connect_to(push[i], where.text);
        while (can_send(push[i], QUIET_MS) && sent[i] < 100000)
            sent[i] += zmq_send(push[i], body, SIZE, ZMQ_DONTWAIT) == SIZE;
    }
    for (int n = sent[0] + sent[1]; n > 2 * HWM; n--) /* until what is left fits the marks */
        assert_int_equal(zmq_recv(pull, body, SIZE, 0), SIZE);
    for (int i = 0; i < 2; i++)
        wait_until(zmq_send(push[i], body, SIZE, ZMQ_DONTWAIT) == SIZE);
}

TEST(sizes_are_mixed)
{
    static char body[9000];
    static const size_t sizes[] = {8, 2048, 3072, 16, 2049, 9000, 2047, 300};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    void *pull = open_socket(ZMQ_PULL), *push[SENDERS];
    struct endpoint where = bind_to(pull, *state);
    int next[SENDERS] = {0};
    for (int i = 0; i < SENDERS; i++) {
        push[i] = open_socket(ZMQ_PUSH);
        connect_to(push[i], where.text);
    }
    for (int n = 0; n < EACH; n++)
        for (int i = 0; i < SENDERS; i++) {
            memcpy(body, &(struct head){i, n}, sizeof(struct head));
            send_bytes(push[i], body, sizes[(size_t)(n + i) % SIZES], 0);
        }
    for (int n = 0; n < EACH * SENDERS; n++) {
        struct head head;
        int size = zmq_recv(pull, body, sizeof body, 0);
        memcpy(&head, body, sizeof head);
        assert_in_range(head.from, 0, SENDERS - 1);
        assert_int_equal(head.number, next[head.from]++);
        assert_int_equal(size, sizes[(size_t)(head.number + head.from) % SIZES]);
    }
    expect_none(pull);
}

/* A peer was to keep the newest message only when it was connected; that stays so. */
TEST(conflation_stays_when_the_option_goes)
{
    void *pull = open_socket(ZMQ_PULL), *push[2];
    set_int(pull, ZMQ_CONFLATE, 1);
    struct endpoint where = bind_to(pull, *state);
    for (int i = 0; i < 2; i++) {
        push[i] = open_socket(ZMQ_PUSH);
        connect_to(push[i], where.text);
        send_number(push[i], -1, 0);
        assert_int_equal(recv_number(pull), -1);
    }
    set_int(pull, ZMQ_CONFLATE, 0);
    for (int round = 0; round < 50; round++) {
        int last[2] = {-1, -1};
        for (int n = 0; n < 20; n++)
            for (int i = 0; i < 2; i++)
                send_number(push[i], 2 * n + i, 0);
        while (last[0] < 38 || last[1] < 39) {
            int number = recv_number(pull);
            assert_true(number > last[number % 2]);
            last[number % 2] = number;
        }
    }
}

/* ---- peers go ---- */

TEST(nothing_of_a_disconnected_peer_is_received)
{
    for (int read = 1; read < 30; read += 3) {
        struct fan fan = fan_of(ZMQ_PULL, ZMQ_PUSH);
        int next[SENDERS] = {0}, left = SENDERS * EACH - read;
        send_all(&fan, EACH);
        for (int n = 0; n < read; n++)
            expect_head(fan.hub, n % SENDERS, next[n % SENDERS]++);
        assert_int_equal(zmq_disconnect(fan.hub, fan.where[1].text), 0);
        left -= EACH - next[1];
        for (int n = 0; n < left; n++) {
            struct head head = recv_head(fan.hub);
            assert_int_not_equal(head.from, 1);
            assert_int_equal(head.number, next[head.from]++);
        }
        expect_none(fan.hub);
        close_socket(fan.hub);
        for (int i = 0; i < SENDERS; i++)
            close_socket(fan.from[i]);
    }
}

/* The message of which a part was received is received to its end. */
TEST(a_begun_message_of_a_disconnected_peer_is_finished)
{
    better_than_libzmq(); /* it aborts */
    for (int read = 0; read < 20; read++) {
        struct fan fan = fan_of(ZMQ_PULL, ZMQ_PUSH);
        for (int n = 0; n < 20; n++)
            for (int i = 0; i < SENDERS; i++)
                send_parts(fan.from[i], "head", "tail");
        for (int n = 0; n < read; n++)
            expect_parts(fan.hub, "head", "tail");
        assert_int_equal(zmq_recv(fan.hub, NULL, 0, ZMQ_DONTWAIT), 4);
        assert_int_equal(zmq_disconnect(fan.hub, fan.where[read % SENDERS].text), 0);
        expect_parts(fan.hub, "tail");
        int left = 20 * (SENDERS - 1) - (read - read / SENDERS);
        for (int n = 0; n < left; n++)
            expect_parts(fan.hub, "head", "tail");
        expect_none(fan.hub);
        close_socket(fan.hub);
        for (int i = 0; i < SENDERS; i++)
            close_socket(fan.from[i]);
    }
}

TEST(all_of_a_closed_peer_is_received)
{
    for (int read = 1; read < 30; read += 3) {
        void *pull = open_socket(ZMQ_PULL), *push[SENDERS];
        struct fan fan = {.hub = pull};
        char here[64];
        bool local = strncmp(*state, "inproc", 6) == 0;
        snprintf(here, sizeof here, "%s", (const char *)*state);
        if (local) /* libzmq frees a name late */
            snprintf(here, sizeof here, "inproc://here-%d", read);
        struct endpoint where = bind_to(pull, here);
        int next[SENDERS] = {0};
        for (int i = 0; i < SENDERS; i++) {
            fan.from[i] = push[i] = open_socket(ZMQ_PUSH);
            connect_to(push[i], where.text);
        }
        send_all(&fan, EACH);
        for (int n = 0; n < SENDERS * EACH; n++) {
            struct head head = {-1, -1};
            assert_int_equal(zmq_recv(pull, &head, sizeof head, 0), sizeof head);
            assert_int_equal(head.number, next[head.from]++);
            if (n == read)
                close_socket(push[2]);
            if (n == 2 * read)
                close_socket(push[0]);
        }
        expect_none(pull);
        close_socket(pull);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(peers_are_read_strictly_in_turn),
        RUN(who_has_little_drops_out_of_the_turn),
        RUN(a_latecomer_has_his_turn_in_the_next_round),
        RUN(the_turn_goes_on_after_other_calls),
        RUN(parts_go_on_after_other_calls),
        RUN(a_router_puts_the_right_id_in_front),
        OVER(a_message_has_the_properties_of_its_own_sender, "tcp", "tcp://127.0.0.1:*"),
        RUN(a_sub_receives_what_it_wants_just_then),
        RUN(reading_makes_room_just_as_ever),
        OVER(reading_a_half_lets_a_connection_go_on, "tcp", "tcp://127.0.0.1:*"),
        OVER_ALL(sizes_are_mixed),
        OVER(conflation_stays_when_the_option_goes, "tcp", "tcp://127.0.0.1:*"),
        OVER(conflation_stays_when_the_option_goes, "inproc", "inproc://here"),
        RUN(nothing_of_a_disconnected_peer_is_received),
        RUN(a_begun_message_of_a_disconnected_peer_is_finished),
        OVER_ALL(all_of_a_closed_peer_is_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
