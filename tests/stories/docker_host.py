# SPDX-License-Identifier: GPL-2.0-only
"""A Docker host, on a VLAN over a bond where the kernel has both: a container is stopped and started
again and again, its rules deleted and added one by one as Docker does, while its neighbour goes on.
Half way the bond loses a member. Beside the VLAN is another, which is none of sluice's business.

    outside ── uplink, or eth0 and eth1: bond0 with bond0.100 and bond0.200 ── host ── docker0 ── containers
"""
import contextlib
import itertools
import json
import socket
import threading
import time

import packets
from places import LabError, Places, run
from story import Flood, Seen, Worker, attach, counts, sent_again
from web import IMPATIENCE_S, PATIENCE_S, Browser, serving

OUTSIDE_IP, HOST_IP, BRIDGE_IP = "203.0.113.1", "203.0.113.2", "172.17.0.1"
NETWORK = "172.17.0.0/16"
WEB_PORT, STEADY_PORT, HOME_PORT = 8080, 8081, 9000
VISITS = 20  # while a container is up
STABLE_S = 0.5  # in which rules stay as they are
BESIDE_OUTSIDE_IP, BESIDE_IP, BESIDE_PORT = "198.51.100.1", "198.51.100.2", 20000
PAUSE_S = 0.01  # between two that somebody sends

# Of Docker 28.0, but for the host's own input chain.
RULES = f"""*raw
:PREROUTING ACCEPT [0:0]
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s {NETWORK} ! -o docker0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-BRIDGE - [0:0]
:DOCKER-CT - [0:0]
:DOCKER-FORWARD - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -i bond0.200 -p udp -m udp --dport {BESIDE_PORT} -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER ! -i docker0 -o docker0 -j DROP
-A DOCKER-BRIDGE -o docker0 -j DOCKER
-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-FORWARD -j DOCKER-CT
-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1
-A DOCKER-FORWARD -j DOCKER-BRIDGE
-A DOCKER-FORWARD -i docker0 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
COMMIT
"""


def rules_of(address, port):
    """(table, chain, whether it goes ahead of the others, rule) of a container's published port."""
    return (("raw", "PREROUTING", False, f"-d {address}/32 ! -i docker0 -j DROP"),
            ("nat", "DOCKER", False, f"! -i docker0 -p tcp --dport {port} -j DNAT --to-destination {address}:80"),
            ("filter", "DOCKER", True, f"-d {address}/32 ! -i docker0 -o docker0 -p tcp --dport 80 -j ACCEPT"),
            ("nat", "POSTROUTING", False, f"-s {address}/32 -d {address}/32 -p tcp --dport 80 -j MASQUERADE"))


class Host(Places):
    """`uplink` is a device of the host and one outside; `why_no_bond` says why it is not on one."""

    serial = itertools.count()

    def __init__(self, build):
        super().__init__(build, "outside", "host")
        self.uplink = self.why_no_bond = None
        self.calm = threading.Lock()  # held by whoever's packets must not be lost with a member

    def set_up(self):
        super().set_up()
        try:
            self.uplink = self.connect_by_bond()
        except LabError as error:
            self.why_no_bond = str(error)
            self.uplink = self.connect("uplink")
        for role, address in (("outside", OUTSIDE_IP), ("host", HOST_IP)):
            self.ip(role, "addr", "add", f"{address}/24", "dev", self.uplink)
            self.ip(role, "link", "set", self.uplink, "up")
        self.ip("outside", "route", "add", NETWORK, "via", HOST_IP)
        self.ip("host", "link", "add", "docker0", "address", "02:42:00:00:00:01",
                "type", "bridge")
        self.ip("host", "addr", "add", f"{BRIDGE_IP}/16", "dev", "docker0")
        self.ip("host", "link", "set", "docker0", "up")
        self.run_in("host", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.run_in("host", "iptables-nft-restore", text=RULES)

    def connect(self, name):
        run("ip", "link", "add", name, "netns", self.names["outside"], "type", "veth",
            "peer", "name", name, "netns", self.names["host"])
        return name

    def connect_by_bond(self):
        for role in ("outside", "host"):
            self.ip(role, "link", "add", "bond0", "type", "bond", "mode", "active-backup", "miimon", "100")
            for number in ("100", "200"):
                self.ip(role, "link", "add", f"bond0.{number}", "link", "bond0", "type", "vlan", "id", number)
        for member in ("eth0", "eth1"):
            self.connect(member)
            for role in ("outside", "host"):
                self.ip(role, "link", "set", member, "master", "bond0")
                self.ip(role, "link", "set", member, "up")
        for role, address in (("outside", BESIDE_OUTSIDE_IP), ("host", BESIDE_IP)):
            self.ip(role, "link", "set", "bond0", "up")
            self.ip(role, "addr", "add", f"{address}/24", "dev", "bond0.200")
            self.ip(role, "link", "set", "bond0.200", "up")
        return "bond0.100"

    def active_member(self, role):
        bond = json.loads(self.ip(role, "-d", "-j", "link", "show", "bond0"))[0]
        return bond["linkinfo"]["info_data"].get("active_slave")

    def lose_member(self):
        """Until both ends have noticed, by miimon, what they send is lost. So nobody does then."""
        with self.calm:
            self.ip("outside", "link", "set", "eth0", "down")
            while not self.active_member("outside") == self.active_member("host") == "eth1":
                time.sleep(PAUSE_S)

    def change_rules(self, verb, address, port):
        for table, chain, first, rule in rules_of(address, port):
            how = "-I" if first and verb == "-A" else verb
            self.run_in("host", "iptables-nft", "-t", table, how, chain, *rule.split())

    def check_health(self, address):
        """From the host itself. A device that has just come up loses packets for a moment."""
        with self.inside("host"):
            check = socket.socket()
        with check:
            check.settimeout(PATIENCE_S)
            check.connect((address, 80))

    @contextlib.contextmanager
    def container(self, role, address, port):
        """From `docker start` to `docker stop`; each has a device of its own, as Docker's have."""
        device = f"veth{next(self.serial):07x}"
        self.add(role)
        mac = f"02:42:{packets.packed(address).hex(':')}"  # so that nobody knows an old one
        self.ip("host", "link", "add", device, "type", "veth",
                "peer", "name", "eth0", "netns", self.names[role], "address", mac)
        self.ip(role, "addr", "add", f"{address}/16", "dev", "eth0")
        self.ip(role, "link", "set", "eth0", "up")
        self.ip("host", "link", "set", device, "master", "docker0", "up")
        self.ip(role, "route", "add", "default", "via", BRIDGE_IP)
        with serving(self, role, address, 80) as server:
            self.check_health(address)
            self.change_rules("-A", address, port)
            yield server
            self.change_rules("-D", address, port)
        self.ip("host", "link", "del", device)
        self.remove(role)


class Steady:
    """Who visits the neighbour all the while."""

    def __init__(self, host):
        self.host, self.visits, self.failures = host, 0, 0

    def visit(self, stopping):
        while not stopping() and not self.failures:
            with self.host.calm:
                self.visits += 1
                self.failures += not visit(self.host, STEADY_PORT)
            time.sleep(PAUSE_S)


class Beside:
    """Who sends to the host by the other VLAN; numbered, so that each is known that does not come."""

    def __init__(self, host):
        self.host, self.sent, self.came = host, set(), set()
        with host.inside("host"):
            self.server = socket.socket(type=socket.SOCK_DGRAM)
        with host.inside("outside"):
            self.client = socket.socket(type=socket.SOCK_DGRAM)
        self.server.settimeout(PATIENCE_S)
        self.server.bind((BESIDE_IP, BESIDE_PORT))

    def work(self, stopping):
        with self.server, self.client:
            for number in itertools.takewhile(lambda _: not stopping(), itertools.count()):
                with self.host.calm:
                    self.sent.add(number)
                    self.client.sendto(str(number).encode(), (BESIDE_IP, BESIDE_PORT))
                    with contextlib.suppress(TimeoutError):
                        self.came.add(int(self.server.recv(100)))
                time.sleep(PAUSE_S)


@contextlib.contextmanager
def beside(host, seen):
    """Meanwhile, where there is another VLAN, packets come by it."""
    if host.why_no_bond:
        yield
        return
    sender = Beside(host)
    with Worker(sender.work):
        yield
    seen.promise("all that was sent by the other VLAN came", sender.sent and sender.sent == sender.came,
                 f"{len(sender.sent)} sent, {len(sender.came)} came")


def visit(host, port):
    return Browser(host, "outside", OUTSIDE_IP).visit(HOST_IP, port)


def knock_in_vain(host, seen, *server):
    """Whether somebody is there after all; otherwise counts how many packets it took to find out."""
    with Browser(host, "outside", OUTSIDE_IP, IMPATIENCE_S) as browser:
        if browser.connect(*server):
            return True
        seen.in_vain += 1 + sent_again(browser.socket)
        return False


def use_container(host, number, seen):
    """What works while it is up."""
    address = f"172.17.0.{3 + number % 2}"
    with host.container("web", address, WEB_PORT):
        for count in itertools.takewhile(lambda _: visit(host, WEB_PORT), range(VISITS)):
            yield f"start {number}: visit {count}"
        if Browser(host, "web", address, greeted=HOST_IP).visit(OUTSIDE_IP, HOME_PORT):
            yield f"start {number}: calls home"
        with Browser(host, "outside", OUTSIDE_IP, IMPATIENCE_S) as browser:
            if browser.connect(address, 80):
                yield f"start {number}: reached past its published port"
    if knock_in_vain(host, seen, HOST_IP, WEB_PORT):
        yield f"start {number}: there when it was stopped"


def wanted(number):
    return {f"start {number}: {what}" for what in
            (*(f"visit {count}" for count in range(VISITS)), "calls home", "the neighbour's old connection")}


def live(host, starts, seen):
    """Ends when something is missing."""
    got, steady = set(), Steady(host)
    with serving(host, "outside", OUTSIDE_IP, HOME_PORT), Browser(host, "outside", OUTSIDE_IP) as old:
        old.connect(HOST_IP, STEADY_PORT)
        with Worker(steady.visit), beside(host, seen):
            time.sleep(STABLE_S)
            for number in range(starts):
                if number == starts // 2 and not host.why_no_bond:
                    host.lose_member()
                got.update(use_container(host, number, seen))
                got |= {f"start {number}: the neighbour's old connection"} if old.get() else set()
                if not wanted(number) <= got:
                    break
    seen.all("the published port answers while its container is up",
             set().union(*map(wanted, range(starts))), got)
    seen.promise("its neighbour always does", steady.visits and not steady.failures,
                 f"not {steady.failures} times of {steady.visits}")
    seen.figures["visits to the neighbour"] = steady.visits


def attack_frames(host):
    mac = packets.mac(json.loads(host.ip("host", "-j", "link", "show", host.uplink))[0]["address"])
    return [packets.ethernet(mac, packets.udp_packet(f"198.18.{number // 256}.{number % 256}", HOST_IP,
                                                     1024 + number, 20000 + number))
            for number in range(4000)]


def play(build, with_sluice, long):
    seen = Seen()
    seen.in_vain = 0
    Browser.knocked_twice.clear()
    with Host(build) as host, host.container("steady", "172.17.0.2", STEADY_PORT):
        if with_sluice:
            attach(host, "host", host.uplink)
        with Flood(host, "outside", host.uplink, attack_frames(host)) as flood:
            live(host, 100 if long else 4, seen)
        judged, early = counts(host, "host")["filter INPUT"]
    uninvited = flood.sent + seen.in_vain
    seen.promise("no packet to the host was dropped but the flood's, and those to a stopped container",
                 0 < judged <= uninvited, f"{judged} of {uninvited}")
    seen.none("visitor had to knock twice", Browser.knocked_twice)
    if with_sluice:
        seen.promise("the flood is dropped early", early > 0)
    seen.figures["a bond"] = f"none: {host.why_no_bond}" if host.why_no_bond else "lost a member half way"
    seen.figures["flood"] = f"on {host.uplink}: {flood.sent} sent, {judged} judged, {early} of these early"
    return seen
