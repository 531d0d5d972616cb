// SPDX-License-Identifier: MIT
// Green threads in C++: strings and exceptions on their stacks. Each throws, waits in the catch
// block and in a destructor while its stack is unwound, and rethrows, while others do the same.
// Prints what it has caught, or which thread saw another's exception.
#include <greenmq/greenmq.h>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int THREADS = 50, DEPTH = 20;
int caught, unwound, wrong;

struct WaitsAtItsEnd {
    ~WaitsAtItsEnd()
    {
        gmq_sleep(1);
        unwound += std::uncaught_exceptions() == 1;
    }
};

void go_down(int depth, const std::string &text)
{
    WaitsAtItsEnd end;
    if (depth == 0)
        throw std::runtime_error(text);
    go_down(depth - 1, text + "!");
}

void *rethrow(void *name)
{
    const std::string &text = *static_cast<std::string *>(name);
    const std::string expected = text + std::string(DEPTH - 1, '!');
    try {
        try {
            go_down(DEPTH - 1, text);
        } catch (const std::runtime_error &) {
            gmq_yield();
            try {
                throw std::logic_error("another");
            } catch (const std::logic_error &) {
                gmq_sleep(1);
            }
            throw; // whose exception is it?
        }
    } catch (const std::exception &error) {
        gmq_yield();
        caught += error.what() == expected;
        wrong += error.what() != expected;
    }
    wrong += std::uncaught_exceptions() != 0 || std::current_exception() != nullptr;
    return nullptr;
}

} // namespace

int main()
{
    std::vector<std::string> names;
    std::vector<int64_t> threads;
    for (int i = 0; i < THREADS; i++)
        names.push_back("exception of thread " + std::to_string(i));
    for (auto &name : names)
        threads.push_back(gmq_spawn(rethrow, &name, nullptr));
    for (auto thread : threads)
        gmq_join(thread, nullptr, -1);
    std::cout << caught << " caught, " << unwound << " unwound, " << wrong << " wrong\n";
    return 0;
}
