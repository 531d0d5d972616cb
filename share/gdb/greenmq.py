# SPDX-License-Identifier: MIT
"""Green threads in gdb: `source greenmq.py`, and then

    green list      all green threads: id, name, state, what they wait for
    green bt ID     the calls that one of them is in

Works on a process and on a core. Needs a libgreenmq with debugging information (-g, not stripped).
A green thread that does not run has its registers on its own stack, as switch_stack() in
src/green/switch.S leaves them there. `green bt` shows gdb those in place of the newest frame's
caller; nothing is written to the process.
"""

import gdb
import gdb.unwinder

STATES = ("ready", "running", "waiting", "ended")
# By architecture: the registers as they lie on a stack that is left, 8 octets each from `first` on;
# how much lies there in all; the names of the stack's and the program's counters.
LAYOUTS = {
    "i386:x86-64": (8, ("r15", "r14", "r13", "r12", "rbx", "rbp", "rip"), 64, "rsp", "rip"),
    "aarch64": (0, tuple(f"x{n}" for n in range(19, 31)), 160, "sp", "pc"),
}


def value_of(name):
    """A static variable of the library."""
    symbol = gdb.lookup_static_symbol(name)
    if symbol is None:
        raise gdb.GdbError("there is no libgreenmq with debugging information here")
    return symbol.value()


def threads():
    """All green threads of the process."""
    hub = value_of("hubs")["lh_first"]
    while hub:
        thread = hub["all"]["tqh_first"]
        while thread:
            yield thread
            thread = thread["all"]["tqe_next"]
        hub = hub["line"]["le_next"]


def state_of(thread):
    """Its state; one whose ordinary thread runs it is running, whatever else is noted."""
    if int(thread["hub"]["current"]) == int(thread):
        return "running"
    return STATES[int(thread["state"])]


def awaited(thread):
    """What it waits for, a word."""
    what = thread["what"]
    return gdb.Value(int(what)).cast(gdb.lookup_type("char").pointer()).string() if what else "-"


class Parked(gdb.unwinder.Unwinder):
    """Gives the newest frame a caller: the green thread that is looked at."""

    def __init__(self):
        super().__init__("greenmq")
        self.newest = None  # the stack's counter of the newest frame; None: out of use
        self.stack = 0

    def __call__(self, pending):
        if self.newest is None:
            return None
        first, names, size, sp, pc = LAYOUTS[pending.architecture().name()]
        here, at = pending.read_register(sp), pending.read_register(pc)
        if int(here) != self.newest:
            return None
        unwound = pending.create_unwind_info(FrameId(here, at))
        for index, name in enumerate(names):
            where = gdb.Value(self.stack + first + 8 * index)
            value = where.cast(here.type.pointer() if name == sp else
                               pending.read_register(name).type.pointer()).dereference()
            unwound.add_saved_register(name, value)
            if name == "x30":
                unwound.add_saved_register(pc, value.cast(at.type))
        unwound.add_saved_register(sp, gdb.Value(self.stack + size).cast(here.type))
        return unwound


class FrameId:
    """What gdb wants to know a frame by."""

    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


PARKED = Parked()
gdb.unwinder.register_unwinder(None, PARKED, replace=True)


def describe(number, frame):
    """One line of a backtrace."""
    where = frame.find_sal()
    place = f" at {where.symtab.filename}:{where.line}" if where.symtab else ""
    return f"#{number:<3} 0x{frame.pc():016x} in {frame.name() or '??'}{place}"


def show_parked(thread):
    """The backtrace of a green thread that does not run."""
    newest = gdb.newest_frame()
    layout = LAYOUTS.get(newest.architecture().name())
    if layout is None:
        raise gdb.GdbError(f"not known on {newest.architecture().name()}")
    PARKED.newest, PARKED.stack = int(newest.read_register(layout[3])), int(thread["sp"])
    gdb.invalidate_cached_frames()
    try:
        frame, number = gdb.newest_frame().older(), 0
        while frame is not None:
            print(describe(number, frame))
            frame, number = frame.older(), number + 1
    finally:
        PARKED.newest = None
        gdb.invalidate_cached_frames()


class Green(gdb.Command):
    """Green threads: green list, green bt ID."""

    def __init__(self):
        super().__init__("green", gdb.COMMAND_STACK, prefix=True)


class GreenList(gdb.Command):
    """Lists all green threads: id, name, state, what they wait for."""

    def __init__(self):
        super().__init__("green list", gdb.COMMAND_STACK)

    def invoke(self, _argument, _from_tty):
        print(f"{'id':<12}  {'name':<20}  {'state':<7}  for")
        for thread in threads():
            state = state_of(thread)
            what = awaited(thread) if state != "running" else "-"
            print(f"{int(thread['id']):<12}  {thread['name'].string():<20}  {state:<7}  {what}")


class GreenBt(gdb.Command):
    """Shows the calls that a green thread is in: green bt ID."""

    def __init__(self):
        super().__init__("green bt", gdb.COMMAND_STACK)

    def invoke(self, argument, _from_tty):
        wanted = int(gdb.parse_and_eval(argument)) if argument else 0
        for thread in threads():
            if int(thread["id"]) != wanted:
                continue
            if state_of(thread) == "running":
                raise gdb.GdbError("it is running: use bt in its ordinary thread")
            show_parked(thread)
            return
        raise gdb.GdbError("there is no green thread by this id; 'green list' shows them")


Green()
GreenList()
GreenBt()
