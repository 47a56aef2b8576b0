# SPDX-License-Identifier: GPL-2.0-only
"""An authoritative DNS server: its queries are not tracked; large ones come in fragments, and large
answers leave in such. A reflection hits it: answers to questions that it never asked, whole and in
fragments. It has questions of its own, too, to the server where its zones come from."""
import contextlib
import functools
import itertools
import socket
import struct

import packets
from lab import CLIENT_IP, SERVER_IP, Lab
from story import Flood, Seen, Worker, attach, counts

CLIENT_IP6, SERVER_IP6 = "fd09::1", "fd09::2"
VICTIM_PORT = 40000  # somebody listens there, and did not ask
TRIES, PATIENCE_S = 5, 2
SMALL, LARGE = 40, 3000  # bytes that a query or its answer is filled up to
ANSWER = 0x8000

RULES = f"""table inet dns {{
	chain raw-in {{
		type filter hook prerouting priority raw;
		udp dport 53 notrack
	}}
	chain raw-out {{
		type filter hook output priority raw;
		udp sport 53 notrack
	}}
	chain input {{
		type filter hook input priority filter; policy drop;
		iif lo accept
		ct state established,related accept
		udp sport 53 counter drop comment "reflection"
		udp dport {{ 53, {VICTIM_PORT} }} accept
		tcp dport 53 accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
		ip protocol igmp accept
		counter drop comment "nobody's"
	}}
}}
"""


def message(number, flags, size, answer_size=0):
    """As much of a DNS message as this story looks at: a head, and TXT-like filling behind it."""
    head = struct.pack("!HHHHHH", number & 0xffff, flags, 1, 0, 0, 0) + struct.pack("!IH", number, answer_size)
    return head.ljust(size, b".")


def answer(query):
    number, answer_size = struct.unpack_from("!IH", query, 12)
    return message(number, ANSWER, answer_size)


def is_answer(text):
    return bool(struct.unpack_from("!H", text, 2)[0] & ANSWER)


class NameServer:
    """Answers over UDP and TCP; keeps the questions that came over UDP, and the answers, `uninvited`."""

    def __init__(self, places, role, *addresses):
        self.came, self.uninvited = [], []
        self.stack = contextlib.ExitStack()
        with places.inside(role):
            for address in addresses:
                udp = self.add(socket.SOCK_DGRAM, address)
                tcp = self.add(socket.SOCK_STREAM, address)
                tcp.listen()
                self.stack.enter_context(Worker(lambda stopping, udp=udp: self.serve_udp(udp, stopping)))
                self.stack.enter_context(Worker(lambda stopping, tcp=tcp: self.serve_tcp(tcp, stopping)))

    def add(self, kind, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = self.stack.enter_context(socket.socket(family, kind))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, 53))
        made.settimeout(0.1)
        return made

    def serve_udp(self, udp, stopping):
        while not stopping():
            with contextlib.suppress(TimeoutError):
                query, client = udp.recvfrom(65535)
                if is_answer(query):
                    self.uninvited.append(client)
                else:
                    self.came.append(client)
                    udp.sendto(answer(query), client)

    def serve_tcp(self, tcp, stopping):
        while not stopping():
            with contextlib.suppress(TimeoutError, struct.error):
                client = tcp.accept()[0]
                with client, client.makefile("rwb") as stream:
                    text = answer(read_framed(stream))
                    stream.write(struct.pack("!H", len(text)) + text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()


def read_framed(stream):
    return stream.read(struct.unpack("!H", stream.read(2))[0])


class Resolver:
    """Asks from one place to another; `asked` counts how often over UDP."""

    def __init__(self, places, role, address):
        self.places, self.role, self.server = places, role, (address, 53)
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.asked = 0

    def make_socket(self, kind):
        with self.places.inside(self.role):
            made = socket.socket(self.family, kind)
        made.settimeout(PATIENCE_S)
        made.connect(self.server)
        return made

    def ask(self, number, size, answer_size):
        """From a port of its own each time."""
        with self.make_socket(socket.SOCK_DGRAM) as udp:
            for _ in range(TRIES):
                udp.send(message(number, 0, size, answer_size))
                self.asked += 1
                with contextlib.suppress(TimeoutError):
                    if udp.recv(65535) == message(number, ANSWER, answer_size):
                        return True
        return False

    def ask_by_tcp(self, number, answer_size):
        with contextlib.suppress(OSError, struct.error), self.make_socket(socket.SOCK_STREAM) as tcp, \
             tcp.makefile("rwb") as stream:
            text = message(number, 0, SMALL, answer_size)
            stream.write(struct.pack("!H", len(text)) + text)
            stream.flush()
            return read_framed(stream) == message(number, ANSWER, answer_size)
        return False


KINDS = {"small": (SMALL, SMALL), "large answer": (SMALL, LARGE), "large query": (LARGE, SMALL),
         "large both": (LARGE, LARGE)}


def reflection(lab):
    """Answers to ports that are open, and to others; every fifth in two fragments."""
    sources = (f"198.51.{number // 256 % 256}.{number % 256}" for number in itertools.count())
    ports = itertools.cycle((VICTIM_PORT, 53, 1024, 33333, 61000))
    for number, source, port in zip(range(5000), sources, ports):
        text = message(number, ANSWER, 512)
        if number % 5:
            yield packets.udp_packet(source, SERVER_IP, 53, port, text)
            yield packets.udp_packet(f"fd53::{number:x}", SERVER_IP6, 53, port, text)
            continue
        whole = packets.udp(53, 1024 + number, text)
        for offset, part, more in ((0, whole[:256], packets.MORE_FRAGMENTS), (256, whole[256:], 0)):
            yield packets.ip(source, SERVER_IP, packets.UDP, part, fragment=more | offset // 8,
                             identity=number)


def listen_as_victim(lab):
    with lab.inside("server"):
        victim = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    victim.bind(("::", VICTIM_PORT))
    victim.setblocking(False)
    return victim


def questions(resolvers, secondary, rounds):
    """(name, what asks it and says whether it was answered) of all of the story."""
    for number in range(rounds):
        for resolver in resolvers:
            address = resolver.server[0]
            for kind, sizes in KINDS.items():
                yield f"{address}: {kind} {number}", functools.partial(resolver.ask, number, *sizes)
            yield f"{address}: by TCP {number}", functools.partial(resolver.ask_by_tcp, number, LARGE)
        yield f"the server's own {number}", functools.partial(secondary.ask, number, SMALL, SMALL)


def live(resolvers, secondary, rounds):
    """Asks in turn; returns the names of those that were answered, until one is not."""
    asked = questions(resolvers, secondary, rounds)
    return [name for name, _ in itertools.takewhile(lambda question: question[1](), asked)]


def add_ipv6(lab):
    for role, device, address in (("client", "va", CLIENT_IP6), ("server", "vb", SERVER_IP6)):
        lab.ip(role, "addr", "add", f"{address}/64", "dev", device, "nodad")
    lab.ip("server", "route", "add", "default", "via", CLIENT_IP6)


def play(build, with_sluice, long):
    seen, rounds = Seen(), 20000 if long else 300
    with Lab(build, one_queue=False) as lab, contextlib.ExitStack() as stack:
        add_ipv6(lab)
        lab.in_server("nft", "-f", "-", text=RULES)
        if with_sluice:
            attach(lab, "server", "vb")
        server = stack.enter_context(NameServer(lab, "server", SERVER_IP, SERVER_IP6))
        stack.enter_context(NameServer(lab, "client", CLIENT_IP))
        victim = stack.enter_context(listen_as_victim(lab))
        resolvers = [Resolver(lab, "client", address) for address in (SERVER_IP, SERVER_IP6)]
        secondary = Resolver(lab, "server", CLIENT_IP)
        frames = [packets.ethernet(packets.mac(lab.mac), each) for each in reflection(lab)]
        with Flood(lab, "client", "va", frames) as flood:
            got = live(resolvers, secondary, rounds)
        counted = counts(lab, "server")
        with contextlib.suppress(BlockingIOError):
            server.uninvited.append(victim.recvfrom(65535)[1])
    judged, early = counted["reflection"]
    seen.all("every question is answered",
             [name for name, _ in questions(resolvers, secondary, rounds)], got)
    asked = sum(resolver.asked for resolver in resolvers)
    seen.promise("every question comes in", len(server.came) == asked,
                 f"{len(server.came)} of {asked}")
    seen.none("answer that nobody asked for comes in", server.uninvited)
    seen.promise("the rule against reflection met no more than that", 0 < judged <= flood.sent,
                 f"{judged} of {flood.sent}")
    seen.none("packet that no rule lets in", counted["nobody's"][0])
    if with_sluice:
        seen.promise("reflection is dropped early", early > 0)
    seen.figures["reflection"] = f"{flood.sent} frames sent, {judged} judged, {early} of these early"
    return seen
