# SPDX-License-Identifier: GPL-2.0-only
"""A web host as CrowdSec and fail2ban leave it: 58,000 addresses banned for hours, more banned and
taken back each second, and a flood from those who are banned. Guests come in all the while; some of
them are pardoned, banned, or banned for a moment."""
import concurrent.futures

import keeping
import packets
from lab import SERVER_IP, Lab
from story import Flood, Seen, Worker, attach, counts
from web import IMPATIENCE_S, PATIENCE_S, Browser, serving

LISTED = 58000
GUESTS_PER_ROUND = 20
BAN_SET = "inet f2b-table addr-set-http"
CHURNED_SET = "ip crowdsec crowdsec-blacklists"

# Who takes part in round N: 10.9.KIND.N, and of guests 10.9.(100+N).1 and so on.
BANNED, PARDONED, CAUGHT, SHORTLY = (f"10.9.{kind}." for kind in (64, 65, 66, 67))


def listed(number):
    return f"172.{16 + number // 65536}.{number // 256 % 256}.{number % 256}"


def rules(rounds):
    blacklist = ", ".join(f"{listed(number)} timeout 4h" for number in range(LISTED))
    jail = ", ".join(f"{kind}{number} timeout 1h" for kind in (BANNED, PARDONED)
                     for number in range(rounds))
    return f"""table ip crowdsec {{
	set crowdsec-blacklists {{ type ipv4_addr; flags timeout; elements = {{ {blacklist} }} }}
	chain crowdsec-chain {{
		type filter hook input priority filter - 10; policy accept;
		ip saddr @crowdsec-blacklists counter drop comment "blacklist"
	}}
}}
table inet f2b-table {{
	set addr-set-http {{ type ipv4_addr; flags timeout; elements = {{ {jail} }} }}
	chain f2b-chain {{
		type filter hook input priority filter - 1; policy accept;
		tcp dport {{ 80, 443 }} ip saddr @addr-set-http drop
	}}
}}
table inet server {{
	chain input {{
		type filter hook input priority filter; policy drop;
		iif lo accept
		ct state established,related accept
		tcp dport {{ 22, 80, 443 }} accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
		ip protocol igmp accept
		counter drop comment "nobody's"
	}}
}}
"""


def browser(lab, sender, patience=PATIENCE_S):
    return Browser(lab, "client", sender, patience)


def visit(lab, sender, patience=PATIENCE_S):
    return browser(lab, sender, patience).visit(SERVER_IP, 80)


class Round:
    """What happens in one round, and who got what: everybody is a line in `got`."""

    def __init__(self, lab, number, got):
        self.lab, self.number, self.got = lab, number, got

    def note(self, who, what, success):
        if success:
            self.got.add(f"{who}: {what}")

    def change(self, words):
        self.lab.in_server("nft", words)

    def guests(self):
        guests = [f"10.9.{100 + self.number}.{guest + 1}" for guest in range(GUESTS_PER_ROUND)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for guest, success in zip(guests, pool.map(lambda guest: visit(self.lab, guest), guests)):
                self.note(guest, "a guest", success)

    def banned(self):
        who = f"{BANNED}{self.number}"
        self.note(who, "banned", visit(self.lab, who, IMPATIENCE_S))

    def pardoned(self):
        who = f"{PARDONED}{self.number}"
        self.note(who, "before the pardon", visit(self.lab, who, IMPATIENCE_S))
        self.change(f"delete element {BAN_SET} {{ {who} }}")
        self.note(who, "after the pardon", visit(self.lab, who))

    def caught(self):
        """A ban holds for the connection that is there already, too."""
        who = f"{CAUGHT}{self.number}"
        with browser(self.lab, who) as visitor:
            self.note(who, "before the ban", visitor.connect(SERVER_IP, 80) and visitor.get())
            self.change(f"add element {BAN_SET} {{ {who} timeout 1h }}")
            visitor.socket.settimeout(IMPATIENCE_S)
            self.note(who, "banned, on its old connection", visitor.get())
        self.note(who, "banned, on a new connection", visit(self.lab, who, IMPATIENCE_S))

    def shortly(self):
        who = f"{SHORTLY}{self.number}"
        self.change(f"add element {BAN_SET} {{ {who} timeout 1s }}")
        self.note(who, "after a short ban", visit(self.lab, who))

    def play(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            parts = (self.guests, self.banned, self.pardoned, self.caught, self.shortly)
            for part in [pool.submit(part) for part in parts]:
                part.result()


def wanted(rounds):
    for number in range(rounds):
        yield from (f"10.9.{100 + number}.{guest + 1}: a guest" for guest in range(GUESTS_PER_ROUND))
        yield f"{PARDONED}{number}: after the pardon"
        yield f"{CAUGHT}{number}: before the ban"
        yield f"{SHORTLY}{number}: after a short ban"


def churn(lab):
    def work(stopping):
        while not stopping():
            keeping.ban_and_unban(lab, 0.5, CHURNED_SET)
    return Worker(work)


def attack_frames(lab):
    return [packets.ethernet(packets.mac(lab.mac), packets.tcp_packet(
                listed(number * 977 % LISTED), SERVER_IP, 1024 + number, 80, packets.SYN))
            for number in range(10000)]


def play(build, with_sluice, long):
    seen, got, rounds = Seen(), set(), 100 if long else 3
    Browser.knocked_twice.clear()
    with Lab(build, one_queue=False) as lab:
        for network in ("10.9.64.0/18", "10.9.128.0/17"):
            lab.in_client("ip", "route", "add", "local", network, "dev", "lo")
        lab.in_server("nft", "-f", "-", text=rules(rounds))
        if with_sluice:
            attach(lab, "server", "vb")
        with serving(lab, "server", SERVER_IP, 80) as server, churn(lab), \
             Flood(lab, "client", "va", attack_frames(lab)) as flood:
            for number in range(rounds):
                Round(lab, number, got).play()
        counted = counts(lab, "server")
    judged, early = counted["blacklist"]
    seen.all("who gets in does, who is banned does not", wanted(rounds), got)
    seen.none("guest had to knock twice", {who for who in Browser.knocked_twice
                                           if not who.startswith(SHORTLY)})
    seen.none("connection from who was banned throughout",
              {who for who in server.came if who.startswith(BANNED)})
    seen.none("packet from a listed source was let in", {who for who in server.came
                                                         if not who.startswith("10.9.")})
    seen.promise("the blacklist met no more than the flood", 0 < judged <= flood.sent,
                 f"{judged} of {flood.sent}")
    seen.none("packet that no rule lets in", counted["nobody's"][0])
    if with_sluice:
        seen.promise("most of the flood is dropped early", early > judged / 2, f"{early} of {judged}")
    seen.figures["flood"] = f"{flood.sent} sent, {judged} judged, {early} of these early"
    return seen
