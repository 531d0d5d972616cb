/* SPDX-License-Identifier: MIT */
/* The tree of subscriptions: held against a plain list of them through many random changes, and
 * by hand where a radix tree goes wrong: at splits, at merges, at the ends. */
#include "core/topic_node.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ALL_EDGES = TOPIC_OWN_EDGE | TOPIC_EDGE };

static struct topics tree;

static int setup(void **state)
{
    (void)state;
    tree = (struct topics){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    topic_term(&tree);
    return 0;
}

static int add(struct holder *holder, const char *topic)
{
    return topic_add(&tree, holder, (const uint8_t *)topic, strlen(topic));
}

static int cancel(struct holder *holder, const char *topic)
{
    return topic_remove(&tree, holder, (const uint8_t *)topic, strlen(topic), NULL);
}

static bool holds(uint32_t topic, const struct holder *holder)
{
    struct interests all;
    topic_interests(&tree, topic, &all);
    for (uint32_t i = 0; i < all.slots; i++)
        if (topic_holder(&tree, &all.slot[i]) == holder)
            return true;
    return false;
}

static bool is_empty(void)
{
    return tree.root == 0 && tree.nodes.count == 0 && tree.holder == NULL && tree.text == NULL;
}

/* Does a message that begins so reach the holder? */
static bool reaches(const struct holder *holder, const char *text)
{
    uint32_t topic = topic_match(&tree, (const uint8_t *)text, strlen(text));
    for (; topic; topic = topic_above(&tree, topic))
        if (holds(topic, holder))
            return true;
    return false;
}

static void drop(struct holder *holder)
{
    topic_forget(&tree, holder, NULL, NULL);
    assert_null(holder->held);
}

static void empty_tree_matches_nothing(void **state)
{
    (void)state;
    assert_false(topic_match(&tree, NULL, 0));
    assert_false(topic_match(&tree, (const uint8_t *)"abc", 3));
    assert_int_equal(cancel(NULL, ""), 0);
    assert_int_equal(cancel(NULL, "a"), 0);
}

static void prefixes_match(void **state)
{
    (void)state;
    struct holder a = {0};
    add(&a, "ab");
    assert_true(reaches(&a, "ab"));
    assert_true(reaches(&a, "abc"));
    assert_false(reaches(&a, "a"));
    assert_false(reaches(&a, "ac"));
    assert_false(reaches(&a, ""));
    add(&a, "");
    assert_true(reaches(&a, ""));
    assert_true(reaches(&a, "x"));
    drop(&a);
}

static void topics_split_and_merge(void **state)
{
    (void)state;
    struct holder a = {0}, b = {0};
    add(&a, "abcdef");
    add(&b, "abcxyz");
    assert_int_equal(cancel(&a, "abc"), 0); /* the node of the split is no topic */
    add(&b, "abc");
    add(&a, "a");
    assert_true(reaches(&a, "axx"));
    assert_false(reaches(&b, "axx"));
    assert_true(reaches(&b, "abc"));
    assert_true(reaches(&a, "abcdef"));
    assert_int_equal(cancel(&b, "abc"), TOPIC_FOUND | ALL_EDGES);
    assert_int_equal(cancel(&b, "abcxyz"), TOPIC_FOUND | ALL_EDGES);
    assert_int_equal(cancel(&a, "a"), TOPIC_FOUND | ALL_EDGES);
    uint32_t only = topic_match(&tree, (const uint8_t *)"abcdef", 6);
    assert_int_equal(a.held[0], only);
    assert_int_equal(node_at(&tree, only)->size, 6);
    assert_memory_equal(node_label(node_at(&tree, only)), "abcdef", 6);
    assert_int_equal(topic_above(&tree, only), tree.root);
    assert_int_equal(node_children(node_at(&tree, tree.root)), 1);
    drop(&a);
    assert_true(is_empty());
}

static void counts_add_up(void **state)
{
    (void)state;
    struct holder a = {0}, b = {0};
    assert_int_equal(add(&a, "t"), ALL_EDGES);
    assert_int_equal(add(&a, "t"), 0);
    assert_int_equal(add(&b, "t"), TOPIC_OWN_EDGE);
    assert_int_equal(cancel(&a, "t"), TOPIC_FOUND);
    assert_true(reaches(&a, "t"));
    assert_int_equal(cancel(&a, "t"), TOPIC_FOUND | TOPIC_OWN_EDGE);
    assert_false(reaches(&a, "t"));
    assert_int_equal(cancel(&a, "t"), 0);
    assert_int_equal(cancel(&b, "t"), TOPIC_FOUND | ALL_EDGES);
}

static void own_subscriptions_say_how_often_they_were_added(void **state)
{
    (void)state;
    uint32_t added = 0;
    add(NULL, "t");
    add(NULL, "t");
    cancel(NULL, "t");
    add(NULL, "t");
    cancel(NULL, "t");
    assert_int_equal(topic_remove(&tree, NULL, (const uint8_t *)"t", 1, &added),
                     TOPIC_FOUND | ALL_EDGES);
    assert_int_equal(added, 3);
    add(NULL, "t");
    topic_remove(&tree, NULL, (const uint8_t *)"t", 1, &added);
    assert_int_equal(added, 1);
}

struct told {
    char text[256];
};

static void write_down(void *to, uint8_t *topic, size_t size, uint32_t count, bool last)
{
    struct told *told = to;
    char line[64];
    snprintf(line, sizeof line, "%.*s*%u%s ", (int)size, (char *)topic, count, last ? "" : "+");
    strcat(told->text, line);
    topic[-1] = 1;
}

static void holder_is_forgotten_topic_by_topic(void **state)
{
    (void)state;
    struct holder a = {0}, b = {0};
    struct told told = {""};
    const char *topics[] = {"", "ab", "abc", "abd", "x"};
    for (size_t i = 0; i < 5; i++)
        add(&a, topics[i]);
    add(&a, "abc");
    add(&b, "abc");
    topic_forget(&tree, &a, write_down, &told);
    assert_string_equal(told.text, "x*1 abd*1 abc*2+ ab*1 *1 ");
    assert_true(reaches(&b, "abc"));
    assert_false(reaches(&a, "abc"));
    drop(&b);
}

static void walk_tells_every_topic(void **state)
{
    (void)state;
    struct told told = {""};
    topic_walk(&tree, write_down, &told);
    assert_string_equal(told.text, "");
    add(NULL, "abc");
    add(NULL, "abd");
    add(NULL, "b");
    add(NULL, "abd");
    add(NULL, "ab");
    add(NULL, "abdxyz");
    cancel(NULL, "b");
    topic_walk(&tree, write_down, &told);
    assert_string_equal(told.text, "ab*1 abc*1 abd*2 abdxyz*1 ");
    told.text[0] = 0;
    add(NULL, "");
    topic_walk(&tree, write_down, &told);
    assert_string_equal(told.text, "*1 ab*1 abc*1 abd*2 abdxyz*1 ");
}

static void all_octets_can_branch(void **state)
{
    (void)state;
    struct holder a = {0};
    for (int i = 0; i < 256; i++) {
        uint8_t topic[2] = {(uint8_t)i, (uint8_t)(255 - i)};
        assert_int_equal(topic_add(&tree, &a, topic, 2), ALL_EDGES);
    }
    for (int i = 0; i < 256; i++) {
        uint8_t topic[3] = {(uint8_t)i, (uint8_t)(255 - i), 0};
        assert_true(topic_match(&tree, topic, 3));
        assert_false(topic_match(&tree, topic, 1));
        assert_int_equal(topic_remove(&tree, &a, topic, 2, NULL), TOPIC_FOUND | ALL_EDGES);
        assert_false(topic_match(&tree, topic, 3));
    }
    assert_true(is_empty());
}

/* Every prefix of a topic of 64 KiB: a chain as deep as there can be. */
static void long_topics_do_not_need_stack(void **state)
{
    (void)state;
    enum { LONG = 65536 };
    struct holder a = {0};
    uint8_t *topic = calloc(1, LONG);
    for (size_t size = LONG; size > LONG - 2000; size--)
        assert_int_equal(topic_add(&tree, &a, topic, size), ALL_EDGES);
    assert_true(topic_match(&tree, topic, LONG - 1));
    assert_false(topic_match(&tree, topic, LONG - 2000));
    struct told told = {""};
    int depth = 0;
    for (uint32_t up = topic_match(&tree, topic, LONG); up; up = topic_above(&tree, up))
        depth += holds(up, &a);
    assert_int_equal(depth, 2000);
    drop(&a);
    assert_true(is_empty());
    topic_walk(&tree, write_down, &told);
    assert_string_equal(told.text, "");
    free(topic);
}

/* Against a list */

enum { HOLDERS = 40, WORDS = 200, LETTERS = 6, STRETCH = 100, STEPS = 10000 };

struct word {
    uint8_t text[LETTERS * STRETCH];
    size_t size;
    int count[HOLDERS];
};

static struct word words[WORDS];
static struct holder holders[HOLDERS];
static int walked;

static unsigned roll(unsigned sides)
{
    static uint32_t seed = 1;
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % sides;
}

static int holders_of(const struct word *word)
{
    int n = 0;
    for (int i = 0; i < HOLDERS; i++)
        n += word->count[i] > 0;
    return n;
}

static bool begins_with(const struct word *text, const struct word *prefix)
{
    return prefix->size <= text->size && memcmp(text->text, prefix->text, prefix->size) == 0;
}

static void check_matches(const struct word *text)
{
    bool expected[HOLDERS] = {false}, found[HOLDERS] = {false};
    for (int i = 0; i < WORDS; i++)
        for (int h = 0; h < HOLDERS; h++)
            expected[h] |= words[i].count[h] > 0 && begins_with(text, &words[i]);
    uint32_t topic = topic_match(&tree, text->text, text->size);
    for (; topic; topic = topic_above(&tree, topic))
        for (int h = 0; h < HOLDERS; h++)
            found[h] |= holds(topic, &holders[h]);
    assert_memory_equal(expected, found, sizeof found);
}

static struct word *find_word(const uint8_t *text, size_t size)
{
    for (int i = 0; i < WORDS; i++)
        if (words[i].size == size && memcmp(words[i].text, text, size) == 0)
            return &words[i];
    fail_msg("a topic that nobody added");
    return NULL;
}

static void count_walked(void *to, uint8_t *topic, size_t size, uint32_t count, bool last)
{
    (void)to;
    struct word *word = find_word(topic, size);
    assert_int_equal(last, holders_of(word) == 1);
    int holder = 0;
    while (holder < HOLDERS && word->count[holder] != (int)count)
        holder++;
    assert_true(holder < HOLDERS);
    walked++;
}

static void check_forgotten(void *to, uint8_t *topic, size_t size, uint32_t count, bool last)
{
    int holder = (int)((struct holder *)to - holders);
    struct word *word = find_word(topic, size);
    assert_int_equal(count, word->count[holder]);
    word->count[holder] = 0;
    assert_int_equal(last, holders_of(word) == 0);
}

static void check_walk(void)
{
    int expected = 0;
    for (int i = 0; i < WORDS; i++)
        expected += holders_of(&words[i]) > 0;
    walked = 0;
    topic_walk(&tree, count_walked, NULL);
    assert_int_equal(walked, expected);
}

static void change_one(struct word *word, int h)
{
    int before = holders_of(word), change, expected = 0;
    if (roll(2)) {
        change = topic_add(&tree, &holders[h], word->text, word->size);
        expected = word->count[h]++ ? 0 : TOPIC_OWN_EDGE;
        expected |= before == 0 ? TOPIC_EDGE : 0;
    } else {
        change = topic_remove(&tree, &holders[h], word->text, word->size, NULL);
        if (word->count[h]) {
            expected = TOPIC_FOUND | (--word->count[h] ? 0 : TOPIC_OWN_EDGE);
            expected |= holders_of(word) == 0 ? TOPIC_EDGE : 0;
        }
    }
    assert_int_equal(change, expected);
}

/* Words of a few letters, each of them `stretch` octets long. */
static void make_words(unsigned stretch)
{
    memset(words, 0, sizeof words);
    for (int i = 0; i < WORDS; i++) {
        do {
            words[i].size = (size_t)roll(LETTERS + 1) * stretch;
            for (size_t n = 0; n < words[i].size; n += stretch)
                memset(words[i].text + n, 'a' + (int)roll(3), stretch);
        } while (find_word(words[i].text, words[i].size) != &words[i]);
    }
}

/* With few holders there are changes at the ends of topics, with many the tables grow. */
static void change_at_random(unsigned stretch, unsigned some)
{
    make_words(stretch);
    for (int step = 0; step < STEPS; step++) {
        change_one(&words[roll(WORDS)], (int)roll(some));
        check_matches(&words[roll(WORDS)]);
        if (roll(500) == 0) {
            struct holder *gone = &holders[roll(some)];
            topic_forget(&tree, gone, check_forgotten, gone);
        }
        if (roll(100) == 0)
            check_walk();
    }
    for (int h = 0; h < HOLDERS; h++)
        topic_forget(&tree, &holders[h], check_forgotten, &holders[h]);
    assert_true(is_empty());
}

static void random_changes_agree_with_a_list(void **state)
{
    (void)state;
    change_at_random(1, 5);
    change_at_random(1, HOLDERS);
    change_at_random(STRETCH, 5);
}

/* A topic of megabytes, that is cut at its first octets again and again: no change may cost more
 * than the octets that ask for it. The processor's time beside that with a short topic. */
static double time_of_cuts(size_t size)
{
    enum { CUTS = 5000 };
    struct holder a = {0};
    uint8_t *topic = calloc(1, size);
    assert_int_equal(topic_add(&tree, &a, topic, size), ALL_EDGES);
    clock_t before = clock();
    for (size_t i = 0; i < CUTS; i++) {
        assert_int_equal(topic_add(&tree, &a, topic, 1 + i % 8), ALL_EDGES);
        assert_int_equal(topic_remove(&tree, &a, topic, 1 + i % 8, NULL), TOPIC_FOUND | ALL_EDGES);
    }
    clock_t after = clock();
    drop(&a);
    free(topic);
    return (double)(after - before) / CLOCKS_PER_SEC;
}

static void long_topics_are_cut_as_quickly_as_short_ones(void **state)
{
    (void)state;
    double brief = time_of_cuts(250), lengthy = time_of_cuts(16 << 20);
    print_message("%.4f s beside %.4f s\n", lengthy, brief);
    assert_true(lengthy < 5 * brief + 0.05);
}

/* Nor may it matter how many hold the topic. */
static double time_of_repeats(size_t count)
{
    enum { REPEATS = 20000 };
    struct holder *many = calloc(count, sizeof *many);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(add(&many[i], "t"), TOPIC_OWN_EDGE | (i ? 0 : TOPIC_EDGE));
    clock_t before = clock();
    for (size_t i = 0; i < REPEATS; i += 2) {
        assert_int_equal(add(&many[i % count], "t"), 0);
        assert_int_equal(cancel(&many[i % count], "t"), TOPIC_FOUND);
        assert_int_equal(add(&many[i % count], "tx") & TOPIC_OWN_EDGE, TOPIC_OWN_EDGE);
        assert_int_equal(cancel(&many[i % count], "tx") & TOPIC_OWN_EDGE, TOPIC_OWN_EDGE);
    }
    clock_t after = clock();
    for (size_t i = 0; i < count; i++)
        drop(&many[i]);
    assert_true(is_empty());
    free(many);
    return (double)(after - before) / CLOCKS_PER_SEC;
}

static void many_holders_cost_each_of_them_nothing(void **state)
{
    (void)state;
    double few = time_of_repeats(2), many = time_of_repeats(5000);
    print_message("%.4f s beside %.4f s\n", many, few);
    assert_true(many < 10 * few + 0.05);
}

/* A million topics of 30 octets, and what they cost beyond their own text. Sanitizers keep their
 * own books of memory, so with them only the work is checked. */
static void million_topics_are_cheap(void **state)
{
    (void)state;
    enum { MANY = 1000000, SIZE = 30 };
    struct holder a = {0};
    struct mallinfo2 before = mallinfo2();
    for (uint64_t i = 0; i < MANY; i++) {
        uint64_t text[4] = {i * 0x9e3779b97f4a7c15u, i * 0xc2b2ae3d27d4eb4fu, i, 0};
        assert_int_equal(topic_add(&tree, &a, (uint8_t *)text, SIZE), ALL_EDGES);
    }
    struct mallinfo2 after = mallinfo2();
    double each = (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / MANY;
    print_message("%.1f octets for each topic of %d\n", each, SIZE);
    assert_true(each < SIZE + 30);
    for (uint64_t i = 0; i < MANY; i += 1000) {
        uint64_t text[4] = {i * 0x9e3779b97f4a7c15u, i * 0xc2b2ae3d27d4eb4fu, i, 0};
        assert_true(topic_match(&tree, (uint8_t *)text, SIZE));
        text[0]++;
        assert_false(topic_match(&tree, (uint8_t *)text, SIZE));
    }
    drop(&a);
    assert_true(is_empty());
}

#define TREE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE(empty_tree_matches_nothing),
        TREE(prefixes_match),
        TREE(topics_split_and_merge),
        TREE(counts_add_up),
        TREE(own_subscriptions_say_how_often_they_were_added),
        TREE(holder_is_forgotten_topic_by_topic),
        TREE(walk_tells_every_topic),
        TREE(all_octets_can_branch),
        TREE(long_topics_do_not_need_stack),
        TREE(random_changes_agree_with_a_list),
        TREE(long_topics_are_cut_as_quickly_as_short_ones),
        TREE(many_holders_cost_each_of_them_nothing),
        TREE(million_topics_are_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
