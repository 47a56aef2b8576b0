# SPDX-License-Identifier: GPL-2.0-only
"""What all stories share: what is noted of a run, floods, and the two questions to sluice.

A story is a module with play(build, with_sluice, long), which returns a Seen: the whole story once.
It says what it wants to be so with promise(), as counts and sets, never as times; what its clients
got goes to clients, which must be the same with and without sluice.
"""
import contextlib
import itertools
import json
import os
import re
import socket
import struct
import threading
import time

FLOOD_RATE = int(os.environ.get("FLOOD_RATE", 10000))  # a second; a guest's processor is slow
BURST = 100
ROOM = 16 << 20  # for what comes while nobody reads
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
TOTAL_RETRANS = 100  # where struct tcp_info has it
COMMENT = re.compile('comment "([^"]*)"')


class Seen:
    """One run: promises as (what, whether it was kept, what was seen), clients, and figures that
    are only shown."""

    def __init__(self):
        self.promises, self.clients, self.figures = [], {}, {}

    def promise(self, what, kept, seen=""):
        self.promises.append((what, bool(kept), seen))

    def none(self, what, found):
        """That something did not happen at all."""
        self.promise(f"no {what}", not found, sample(found) if found else "")

    def all(self, what, wanted, got):
        """That all of it came, and nothing else."""
        wanted = set(wanted)
        self.clients[what] = sorted(got)
        missing, more = wanted - set(got), set(got) - wanted
        self.promise(what, not missing and not more,
                     f"missing {sample(missing)}; not wanted {sample(more)}")


def sample(found):
    """A few of many."""
    if isinstance(found, int):
        return str(found)
    return f"{len(found)}: {', '.join(map(str, sorted(found)[:5]))}" if found else "none"


class Worker(threading.Thread):
    """`with Worker(work):` does work(stopping) meanwhile; stopping() says when to end. What goes
    wrong there goes wrong here."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.error = work, None
        self.stopped = threading.Event()

    def run(self):
        try:
            self.work(self.stopped.is_set)
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.stopped.set()
        self.join()
        if self.error and not kind:
            raise self.error


@contextlib.contextmanager
def serving(server):
    """A socketserver works meanwhile, and ends whatever happens."""
    with server, Worker(lambda _: server.serve_forever(0.05)):
        try:
            yield server
        finally:
            server.shutdown()


class Flood(Worker):
    """Sends frames in turn out of a device; `sent` counts them."""

    def __init__(self, places, role, device, frames, rate=FLOOD_RATE):
        super().__init__(self.flood)
        self.socket = open_packets(places, role, device, protocol=0)
        self.frames, self.pause, self.sent = itertools.cycle(frames), BURST / rate, 0

    def flood(self, stopping):
        while not stopping():
            for frame in itertools.islice(self.frames, BURST):
                self.socket.send(frame)
                self.sent += 1
            time.sleep(self.pause)

    def __exit__(self, *about):
        super().__exit__(*about)
        self.socket.close()


def open_packets(places, role, device, protocol=ETH_P_ALL):
    """Whole frames, out and in; with protocol 0 only out."""
    with places.inside(role):
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    packets.bind((device, protocol))
    return packets


def sent_again(connection):
    """How many of a TCP connection's segments went out more than once. What is answered by the kernel
    itself, such as a SYN, never waits so long here that this would happen without a loss."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("=I", info, TOTAL_RETRANS)[0]


def attach(places, role, *devices):
    for device in devices:
        places.sluice_in(role, "attach", "dev", device)
    time.sleep(1)  # what only conntrack can tell is not dropped before


def counts(places, role):
    """(packets that it has judged, those of them that sluice has) of each rule by its comment, and
    of each policy by its table and chain."""
    listed = json.loads(places.sluice_in(role, "list", "--json"))
    judges = [(COMMENT.search(rule["text"] or ""), rule) for rule in listed["rules"]]
    judges = [(comment[1], rule) for comment, rule in judges if comment]
    judges += [(f"{policy['table']} {policy['chain']}", policy) for policy in listed["policies"]]
    return {name: (judge["packets"], judge["early_packets"]) for name, judge in judges
            if "packets" in judge}
