# SPDX-License-Identifier: GPL-2.0-only
"""A server that drops what it does not offer, in a SYN flood; half way its administrator adds the FTP
helper, and from that moment on data connections to any port must come in when they were agreed upon."""
import re
import socket
import socketserver

import packets
from lab import CLIENT_IP, SERVER_IP, Lab
from places import LabError
from story import Flood, Seen, attach, counts, sent_again, serving

PATIENCE_S = 20
IMPATIENCE_S = 0.3  # of a connection that must not come in
FILE = b"a file, " * 500

RULES = """table inet server {
	chain input {
		type filter hook input priority filter; policy drop;
		iif lo accept
		ct state established,related accept
		tcp dport 21 accept
		meta l4proto { icmp, ipv6-icmp } accept
		ip protocol igmp accept
		counter drop comment "closed"
	}
}
"""
HELPER = """table inet server {
	ct helper ftp { type "ftp" protocol tcp; }
	chain helpers {
		type filter hook prerouting priority filter;
		tcp dport 21 ct helper set "ftp"
	}
}
"""


class FtpServer(socketserver.ThreadingTCPServer):
    """Serves one file, by active and by passive connections."""

    daemon_threads = True

    def __init__(self, lab):
        self.lab = lab
        with lab.inside("server"):
            super().__init__((SERVER_IP, 21), Service)


class Service(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 ready")
        for line in self.rfile:
            command, _, rest = line.decode().strip().partition(" ")
            try:
                self.send_file({"PASV": self.passive, "PORT": self.active}[command](rest))
            except OSError:
                return  # the client has given up

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def passive(self, _):
        with self.server.lab.inside("server"):
            listener = socket.create_server((SERVER_IP, 0))
        with listener:
            listener.settimeout(PATIENCE_S)
            self.say(f"227 Entering Passive Mode ({spell(listener)})")
            return listener.accept()[0]

    def active(self, where):
        *address, high, low = where.split(",")
        with self.server.lab.inside("server"):
            data = socket.socket()
        data.settimeout(PATIENCE_S)
        data.connect((".".join(address), int(high) << 8 | int(low)))
        return data

    def send_file(self, data):
        with data:
            data.sendall(FILE)
        self.say("226 that was it")


def spell(listener):
    """Address and port, as FTP writes them."""
    address, port = listener.getsockname()
    return ",".join((*address.split("."), str(port >> 8), str(port & 255)))


class Session:
    """A client's control connection; `again` counts the client's segments of data connections that
    were sent again, `in_vain` the packets of those that nobody answered."""

    again = in_vain = 0

    def __init__(self, lab):
        self.lab = lab
        self.control = self.make_socket()
        self.control.connect((SERVER_IP, 21))
        self.lines = self.control.makefile("r")
        self.hear("220")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.control.close()

    def make_socket(self, patience=PATIENCE_S):
        with self.lab.inside("client"):
            made = socket.socket()
        made.settimeout(patience)
        return made

    def hear(self, code):
        line = self.lines.readline()
        if not line.startswith(code):
            raise LabError(f"the FTP server said {line!r}, not {code}")
        return line

    def take_file(self, data):
        with data, data.makefile("rb") as stream:
            good = stream.read() == FILE
            Session.again += sent_again(data)
        self.hear("226")
        return good

    def passive(self, patience=PATIENCE_S):
        """Whether the file came. Who is not let in has to begin a new session."""
        self.control.sendall(b"PASV\r\n")
        *_, high, low = re.findall(r"\d+", self.hear("227"))
        data = self.make_socket(patience)
        try:
            data.connect((SERVER_IP, int(high) << 8 | int(low)))
        except OSError:
            Session.in_vain += 1 + sent_again(data)
            data.close()
            return False
        return self.take_file(data)

    def active(self):
        with self.lab.inside("client"):
            listener = socket.create_server((CLIENT_IP, 0))
        with listener:
            listener.settimeout(PATIENCE_S)
            self.control.sendall(f"PORT {spell(listener)}\r\n".encode())
            try:
                data = listener.accept()[0]
            except OSError:
                return False
        data.settimeout(PATIENCE_S)
        return self.take_file(data)


def use(lab, files):
    """What a session gets by both kinds of connections, until something fails."""
    with Session(lab) as session:
        for number in range(files):
            for kind, take in (("active", session.active), ("passive", session.passive)):
                if not take():
                    return
                yield f"{kind} {number}"


def live(lab, files):
    """The clients' side of the story; returns who got what."""
    got = set()
    with Session(lab) as early:
        got |= {"active, without the helper"} if early.active() else set()
        with Session(lab) as other:
            got |= {"passive, without the helper"} if other.passive(IMPATIENCE_S) else set()
        lab.in_server("nft", "-f", "-", text=HELPER)
        for session in range(3):
            got |= {f"session {session}: {what}" for what in use(lab, files)}
        # A connection keeps what it was given when it began.
        got |= {"passive, in a session without a helper"} if early.passive(IMPATIENCE_S) else set()
    return got


def wanted(files):
    yield "active, without the helper"
    for session in range(3):
        for number in range(files):
            yield from (f"session {session}: {kind} {number}" for kind in ("active", "passive"))


def attack_frames(lab):
    return [packets.ethernet(packets.mac(lab.mac), packets.tcp_packet(
                f"198.{18 + number % 2}.{number // 256 % 256}.{number % 256}", SERVER_IP,
                1024 + number, 1024 + number * 40503 % 64512, packets.SYN))
            for number in range(10000)]


def has_helper(lab):
    try:
        lab.in_server("nft", "-c", "-f", "-", text=HELPER)
    except LabError:
        return False
    return True


def play(build, with_sluice, long):
    seen, files = Seen(), 500 if long else 25
    Session.again = Session.in_vain = 0
    with Lab(build, one_queue=False) as lab:
        lab.in_server("nft", "-f", "-", text=RULES)
        if with_sluice:
            attach(lab, "server", "vb")
        with serving(FtpServer(lab)), Flood(lab, "client", "va", attack_frames(lab)) as flood:
            got = live(lab, files)
        judged, early = counts(lab, "server")["closed"]
    uninvited = flood.sent + Session.in_vain
    seen.all("files come by the connections that were agreed upon", wanted(files), got)
    seen.promise("no packet was dropped but the flood's, and those of who was not let in",
                 0 < judged <= uninvited, f"{judged} of {uninvited}")
    seen.none("data connection had to knock twice", Session.again)
    if with_sluice:
        seen.promise("the flood is dropped early until there is a helper", early > 0)
    seen.figures["flood"] = f"{flood.sent} sent, {judged} judged, {early} of these early"
    return seen
