# SPDX-License-Identifier: GPL-2.0-only
"""Does sluice stay in step, and lose nothing by it? The parts `freshness`, `overload`, `requests` and
`swaps` of bench/run; each returns a table for the results.

Fresh is what drops early: packets that the rules drop at all times come without a pause, and every
one that was not dropped early counts against it, whatever sluice says of itself. A gap ends with the
next early drop; since a change ends early drops at once, it is also the time from a ban to the first
early drop after it.
"""
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import rules
from lab import CLIENT_CORE, SERVER_CORE, SERVICE_PORT, STRANGERS, Lab
from places import LabError, end, stop

# What the design asks of `early_percent`.
TARGETS = "99 % at 10 changes of elements a second, 85 % with 10,000 rules reloaded every 10 s"
CLOSED_PORT = "9"
PER_SECOND = 10
BUSY = 58000
BANS_PER_SECOND = 50
LARGE = 10000
FLOOD_SHARE = 0.8
AWAY_US = 200
RELOAD_S = 10


def attach(lab):
    lab.sluice("attach", "dev", "vb", "mode", "native")
    time.sleep(1)  # until what the attach itself has set off is over


def sleep_until(moment):
    time.sleep(max(0, moment - time.monotonic()))


def end_nft(nft):
    errors = nft.communicate()[1]
    if errors:
        raise LabError(f"nft: {errors.strip()}")


def change_elements(lab, seconds):
    """Bans and unbans a sender in turn; returns how many changes that were."""
    nft = lab.start_nft()
    start, count = time.monotonic(), int(seconds * PER_SECOND)
    for number in range(count):
        sleep_until(start + number / PER_SECOND)
        verb = "delete" if number % 2 else "add"
        nft.stdin.write(f"{verb} element inet server banned {{ 192.0.2.1 }}\n")
        nft.stdin.flush()
    sleep_until(start + seconds)
    end_nft(nft)
    return count


def ban_and_unban(lab, seconds, banned="inet server banned"):
    """Bans for a second, and takes two of five back before that; returns how many changes."""
    nft = lab.start_nft()
    start, period = time.monotonic(), 5 / BANS_PER_SECOND
    rounds = int(seconds / period)
    for number in range(rounds):
        sleep_until(start + number * period)
        for host in range(5):
            nft.stdin.write(f"add element {banned} "
                            f"{{ 192.0.{number % 256}.{host} timeout 1s }}\n")
        for host in range(2):
            nft.stdin.write(f"delete element {banned} {{ 192.0.{number % 256}.{host} }}\n")
        nft.stdin.flush()
    sleep_until(start + seconds)
    end_nft(nft)
    return 7 * rounds


def reload_rules(lab, seconds):
    with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
        file.write(rules.large_nft(LARGE))
        file.flush()
        start, count = time.monotonic(), max(1, int(seconds / RELOAD_S))
        for number in range(count):
            # In the middle of each period, so that none begins or ends in a gap.
            sleep_until(start + (number + 0.5) * RELOAD_S)
            lab.in_server("nft", "-f", file.name)
    sleep_until(start + count * RELOAD_S)
    return count


def change_nothing(_, seconds):
    time.sleep(seconds)
    return 0


def row(what, expected, changes, gauge, compiles):
    """`expected`: how many packets the rules drop, of which sluice can have dropped all."""
    returns = gauge["returns_ms"]
    return {"what": what, "early_percent": 100 * gauge["dropped_early"] / expected,
            "longest_gap_ms": max(gauge["gaps_ms"], default=0),
            "return_ms_median": statistics.median(returns) if returns else 0,
            "return_ms_worst": max(returns, default=0),
            "changes": changes, "compiles": compiles, "gauge": gauge}


def keep_fresh(build, what, text, act, seconds, rate):
    """A trickle from one sender, far below what the kernel's own path can take."""
    with Lab(build, one_queue=False) as lab:  # the sender's own core does the receive work, at once
        lab.in_server("nft", "-f", "-", text=text)
        attach(lab)
        gauge = lab.start_gauge()  # ahead of the trickle, behind its end: it sees all of it
        before = lab.status()["generation"]
        trickle = lab.start_trickle(CLOSED_PORT, rate)
        changes = act(lab, seconds)
        sent = int(stop(trickle))
        time.sleep(0.1)
        return row(what, sent, changes, json.loads(stop(gauge)),
                   lab.status()["generation"] - before)


def freshness(build, quick):
    small, large = rules.hosted_nft(), rules.large_nft(LARGE)
    cases = (("nothing changes", small, change_nothing, 10, 10000),
             (f"{PER_SECOND} elements a second come or go", small, change_elements, 20, 10000),
             (f"of a set of {BUSY}, {BANS_PER_SECOND} bans of a second and "
              f"{BANS_PER_SECOND * 2 // 5} unbans each second", rules.busy_nft(BUSY), ban_and_unban, 20, 10000),
             # The kernel's own walk through these takes 0.2 ms a packet.
             (f"{LARGE} rules are reloaded every {RELOAD_S} s", large, reload_rules, 40, 1000))
    rows = [keep_fresh(build, what, text, act, 2 if quick else seconds, rate)
            for what, text, act, seconds, rate in cases]
    return {"title": "freshness: packets that the rules drop at all times, from one sender",
            "target": TARGETS, "rows": rows}


@contextlib.contextmanager
def busy_cores():
    """A loop on every core, as any program of the host's might run."""
    loops = [subprocess.Popen(["taskset", "-c", str(core), sys.executable, "-c", "while True: pass"],
                              start_new_session=True)
             for core in range(os.cpu_count())]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def endure(build, what, seconds, loops):
    """A flood beyond what the server's core can take; of it, packets count that were received."""
    with Lab(build) as lab, loops():
        lab.in_server("nft", "-f", "-", text=rules.hosted_nft())
        attach(lab)
        flood = lab.start_flood(3 * seconds, 0, STRANGERS)
        time.sleep(0.5)
        before = lab.status()["generation"]
        watching = lab.start_gauge()
        changes = change_elements(lab, seconds)
        gauge = json.loads(stop(watching))
        still = lab.status()
        end(flood)
        received = sum(gauge[kind] for kind in ("dropped_early", "passed_stale", "passed_otherwise"))
        result = row(what, received, changes, gauge, still["generation"] - before)
        result["mpps_early"] = gauge["dropped_early"] / gauge["seconds"] / 1e6
        result["attached_and_kept"] = still["attached"] and still["keeper"] != 0
        return result


def overload(build, quick):
    seconds = 2 if quick else 20
    cases = (("flood", contextlib.nullcontext), ("flood and a busy loop on each core", busy_cores))
    return {"title": f"overload: a flood at full speed, and {PER_SECOND} elements a second come or go",
            "rows": [endure(build, what, seconds, loops) for what, loops in cases]}


def ask_beside_flood(build, seconds, attach_to, core, away, mpps):
    """(Mpps sent, and received, requests a second of one TCP connection alone, and beside it). The
    flood's rate is a share of what this server can take, unless it is given; `core` is of the
    process that answers, `away` how far the client is, in microseconds."""
    with Lab(build) as lab:
        lab.in_server("nft", "-f", "-", text=rules.POLICY_DROP)
        attach_to(lab)
        lab.serve(core)
        lab.talk("rr", "0.3", str(away))
        alone = lab.talk("rr", str(seconds), str(away))
        mpps = mpps or FLOOD_SHARE * lab.flood(1, STRANGERS)[0]
        flood = lab.start_flood(seconds + 2, mpps, STRANGERS)
        time.sleep(0.5)
        before, start = lab.received(), time.monotonic()
        beside = lab.talk("rr", str(seconds), str(away))
        received = (lab.received() - before) / (time.monotonic() - start) / 1e6
        end(flood)
    return mpps, received, alone, beside


def attach_with_filter(lab):
    attach(lab)
    lab.wait_for_filter()


def requests(build, quick):
    """Of what sluice can take of the flood, nft gets as much: the same packets, another firewall.
    Requests without a pause take half of the server's core alone, when a fifth of it is left. A
    client that is away waits for its turn on both cores each time, its own being the flood's."""
    rounds, seconds = (1, 0.5) if quick else (5, 2)
    places = (("without a pause, answers from the flood's core", SERVER_CORE, 0),
              ("without a pause, answers from the client's core", CLIENT_CORE, 0),
              (f"{AWAY_US} µs away, answers from the flood's core", SERVER_CORE, AWAY_US))
    servers = {f"{what}, {where}": (attach_to, core, away)
               for where, core, away in places
               for what, attach_to in (("sluice", attach_with_filter), ("nft", lambda _: None))}
    taken = {what: [] for what in servers}
    for _ in range(rounds):
        mpps = 0
        for what, server in servers.items():
            taken[what].append(ask_beside_flood(build, seconds, *server, mpps))
            mpps = taken[what][-1][0]
    names = ("flood_mpps_sent", "flood_mpps_received", "requests_alone", "requests_beside")
    rows = []
    for what, samples in taken.items():
        rows.append({"what": what, **dict(zip(names, map(statistics.median, zip(*samples))))})
        rows[-1]["beside_percent"] = statistics.median(100 * each[3] / each[2] for each in samples)
    return {"title": f"requests over TCP beside a flood of {FLOOD_SHARE:.0%} of what sluice can drop, "
                     "policy drop",
            "target": "80 % of the requests a second without a flood", "rows": rows}


def wait_for_compile(lab, generation):
    """Each change is a program of its own: none is folded into the one before."""
    for _ in range(1000):
        status = lab.status()
        if status["generation"] > generation and status["fresh"]:
            return status["generation"]
        time.sleep(0.01)
    raise LabError("sluice did not follow a change of the rules within seconds")


def change_rules(lab, count):
    nft, generation = lab.start_nft(), lab.status()["generation"]
    for number in range(count):
        nft.stdin.write("flush chain inet server elsewhere\n" if number % 2 else
                        f"add rule inet server elsewhere udp dport {1 + number} drop\n")
        nft.stdin.flush()
        generation = wait_for_compile(lab, generation)
    end_nft(nft)


def closed_port_counts(lab):
    """(packets that the rule for the closed port has judged, those of them that sluice has)."""
    listed = json.loads(lab.sluice("list", "--json"))["rules"]
    rule = next(rule for rule in listed if rule["text"].startswith(f"udp dport {CLOSED_PORT} "))
    return rule["packets"], rule["early_packets"]


def swaps(build, quick):
    """Traffic to an open and to a closed port, each packet of which must be judged exactly once."""
    changes = 20 if quick else 1000
    with Lab(build, one_queue=False) as lab:
        lab.in_server("nft", "-f", "-", text=rules.hosted_nft())
        attach(lab)
        arriving = lab.start_talk(lab.server, SERVER_CORE, "count", SERVICE_PORT)
        straying = lab.start_talk(lab.server, SERVER_CORE, "count", CLOSED_PORT)
        senders = [lab.start_trickle(port, 2000) for port in (SERVICE_PORT, CLOSED_PORT)]
        before = lab.status()["generation"]
        change_rules(lab, changes)
        compiled = lab.status()["generation"] - before
        sent_open, sent_closed = (int(stop(sender)) for sender in senders)
        time.sleep(0.2)
        arrived, strayed = int(stop(arriving)), int(stop(straying))
        judged, early = closed_port_counts(lab)
    return {"title": "swaps: packets to an open and to a closed port while rules come and go",
            "target": "0 lost, strayed, judged by neither, judged twice", "rows": [{"what": "rules that do not concern these packets", "changes": changes,
                      "compiles": compiled, "sent_open": sent_open,
                      "lost": sent_open - arrived, "sent_closed": sent_closed, "early": early,
                      "strayed": strayed, "judged_by_neither": max(0, sent_closed - judged),
                      "judged_twice": max(0, judged - sent_closed)}]}
