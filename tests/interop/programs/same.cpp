// SPDX-License-Identifier: MIT
// Uses cppzmq and prints what it sees: the same words on either library.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>
#include <zmq_addon.hpp>

namespace
{

constexpr std::chrono::milliseconds limit{20000};

zmq::socket_t open(zmq::context_t &context, zmq::socket_type type)
{
    zmq::socket_t socket(context, type);
    socket.set(zmq::sockopt::rcvtimeo, static_cast<int>(limit.count()));
    socket.set(zmq::sockopt::linger, 0);
    return socket;
}

std::string bind(zmq::socket_t &socket, const std::string &where)
{
    socket.bind(where);
    return socket.get(zmq::sockopt::last_endpoint);
}

void show(const std::string &who, zmq::socket_t &socket)
{
    std::vector<zmq::message_t> parts;
    const auto count = zmq::recv_multipart(socket, std::back_inserter(parts));
    std::cout << who << " got " << (count ? *count : 0) << ":";
    for (const auto &part : parts)
        std::cout << " [" << part.to_string() << "]";
    std::cout << '\n';
}

void requests(zmq::context_t &context, const std::string &where)
{
    auto rep = open(context, zmq::socket_type::rep), req = open(context, zmq::socket_type::req);
    req.connect(bind(rep, where));
    req.send(zmq::str_buffer("question"), zmq::send_flags::none);
    show("rep", rep);
    zmq::send_multipart(
        rep, std::vector<zmq::const_buffer>{zmq::buffer("an", 2), zmq::buffer("swer", 4)});
    show("req", req);
    zmq::message_t none;
    try {
        const auto got = req.recv(none, zmq::recv_flags::dontwait);
        std::cout << "received: " << (got ? "yes" : "no") << '\n';
    } catch (const zmq::error_t &error) {
        std::cout << "refused: " << error.what() << '\n';
    }
}

void news(zmq::context_t &context)
{
    auto pub = open(context, zmq::socket_type::xpub), sub = open(context, zmq::socket_type::sub);
    sub.set(zmq::sockopt::subscribe, "sports");
    sub.connect(bind(pub, "tcp://127.0.0.1:*"));
    zmq::message_t wish;
    const auto size = pub.recv(wish);
    std::cout << "subscription of " << size.value() << " bytes\n";
    pub.send(zmq::message_t(std::string("weather: rain")), zmq::send_flags::none);
    pub.send(zmq::message_t(std::string("sports: 2 to 1")), zmq::send_flags::none);
    show("sub", sub);
}

void polls(zmq::context_t &context)
{
    auto push = open(context, zmq::socket_type::push), pull = open(context, zmq::socket_type::pull);
    push.connect(bind(pull, "inproc://tasks"));
    for (int n = 0; n < 10; n++)
        push.send(zmq::buffer(&n, sizeof n), zmq::send_flags::none);
    std::vector<zmq::pollitem_t> items{{pull.handle(), 0, ZMQ_POLLIN, 0}};
    int tasks = 0;
    while (tasks < 10 && zmq::poll(items, limit) > 0) {
        zmq::message_t task;
        tasks += pull.recv(task).has_value();
    }
    std::cout << "tasks done: " << tasks << '\n';
}

void old_poll(zmq::context_t &context)
{
    auto left = open(context, zmq::socket_type::pair),
         right = open(context, zmq::socket_type::pair);
    right.connect(bind(left, "inproc://pairs"));
    zmq::pollitem_t items[] = {{left.handle(), 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0},
                               {right.handle(), 0, ZMQ_POLLIN, 0}};
    std::cout << "poll " << zmq::poll(items, 2, limit) << ": " << items[0].revents << ' '
              << items[1].revents << '\n';
    zmq::multipart_t message("a message");
    message.addtyp<int>(17);
    message.send(left);
    zmq::multipart_t got(right);
    std::cout << got.popstr() << ' ' << got.poptyp<int>() << '\n';
}

class watch : public zmq::monitor_t
{
  public:
    bool connected = false;
    void on_event_connect_delayed(const zmq_event_t &, const char *address) override
    {
        std::cout << "delayed at " << std::string(address).substr(0, 15) << '\n';
    }
    void on_event_connected(const zmq_event_t &, const char *) override
    {
        std::cout << "connected\n";
    }
    void on_event_handshake_succeeded(const zmq_event_t &, const char *) override
    {
        connected = true;
        std::cout << "handshake done\n";
    }
};

void events(zmq::context_t &context)
{
    auto router = open(context, zmq::socket_type::router);
    auto dealer = open(context, zmq::socket_type::dealer);
    watch monitor;
    monitor.init(dealer, "inproc://monitor", ZMQ_EVENT_ALL);
    dealer.connect(bind(router, "tcp://127.0.0.1:*"));
    while (!monitor.connected && monitor.check_event(static_cast<int>(limit.count())))
        ;
    monitor.abort();
}

void proxies(zmq::context_t &context)
{
    auto front = open(context, zmq::socket_type::router);
    auto back = open(context, zmq::socket_type::dealer);
    auto steered = open(context, zmq::socket_type::pair);
    auto control = open(context, zmq::socket_type::pair);
    auto req = open(context, zmq::socket_type::req), rep = open(context, zmq::socket_type::rep);
    req.connect(bind(front, "ipc://*"));
    rep.connect(bind(back, "tcp://127.0.0.1:*"));
    control.connect(bind(steered, "inproc://steered"));
    std::thread proxy([&] { zmq::proxy_steerable(front, back, zmq::socket_ref(), steered); });
    req.send(zmq::str_buffer("through"), zmq::send_flags::none);
    show("worker", rep);
    rep.send(zmq::str_buffer("back"), zmq::send_flags::none);
    show("client", req);
    control.send(zmq::str_buffer("TERMINATE"), zmq::send_flags::none);
    proxy.join();
}

} // namespace

int main()
{
    zmq::context_t context;
    requests(context, "tcp://127.0.0.1:*");
    requests(context, "ipc://*");
    requests(context, "inproc://requests");
    news(context);
    polls(context);
    old_poll(context);
    events(context);
    proxies(context);
    try {
        open(context, zmq::socket_type::pub).connect("tcp://");
    } catch (const zmq::error_t &error) {
        std::cout << error.num() << ' ' << error.what() << '\n';
    }
    context.shutdown();
    context.close();
    std::cout << "end\n";
}
