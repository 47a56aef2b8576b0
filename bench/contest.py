# SPDX-License-Identifier: GPL-2.0-only
"""The firewalls that bench/cost compares: how each takes a cell's rules, and how it is measured."""
import contextlib
import json
import shutil
import statistics
import subprocess
import tempfile
import time

from lab import NICE, SERVER_CORE, Lab
from places import LabError, run, wait_for

PATIENCE_S = "180"
ANY_ADDRESS = "100"  # a routing table
CLASSES_DROPPED = ("dropped", "late", "no match")


class Arena(Lab):
    """A lab whose server takes packets from anybody for its own, and answers nobody: what is
    accepted costs a search for a socket, and everybody the same."""

    def set_up(self):
        super().set_up()
        for name in ("all", "vb"):
            self.in_server("sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=0")
        run("ip", "-n", self.server, "route", "del", "default")
        run("ip", "-n", self.server, "route", "add", "local", "0.0.0.0/0", "dev", "lo",
            "table", ANY_ADDRESS)
        run("ip", "-n", self.server, "rule", "add", "iif", "vb", "lookup", ANY_ADDRESS)

    def load(self, *words, text=None):
        """Within reason; returns how many seconds it took."""
        start = time.monotonic()
        try:
            self.in_server("timeout", PATIENCE_S, *words, text=text)
        except LabError as error:
            if time.monotonic() - start >= float(PATIENCE_S):
                raise LabError(f"gave up after {PATIENCE_S} s") from error
            raise
        return time.monotonic() - start

    def settle(self):
        """Until the ring is empty: a slow firewall works on when the flood has ended."""
        last, now = -1, self.received()
        while now != last:
            time.sleep(0.02)
            last, now = now, self.received()

    def xdp_program(self):
        return json.loads(run("ip", "-n", self.server, "-j", "link", "show", "vb"))[0]["xdp"]["prog"]["id"]

    def replay(self, files):
        """What vb's XDP program costs; see replay.c."""
        lines = run("nsenter", f"--net=/run/netns/{self.server}", "taskset", "-c", SERVER_CORE,
                    "nice", "-n", NICE, str(self.build / "bench/replay"), "vb",
                    str(self.xdp_program()), self.mac, *map(str, files.values()))
        return {name: summary(json.loads(line)) for name, line in zip(files, lines.splitlines())}


def summary(replayed):
    empty = statistics.median(replayed["empty_ns"])
    costs = [ns - empty for ns in replayed["program_ns"]]
    return {"ns": statistics.median(costs), "least_ns": min(costs), "most_ns": max(costs),
            "repeated_ns": replayed["repeated_ns"],
            "dearest_ns": replayed["dearest_ns"], "frames": replayed["frames"],
            "dropped": replayed["dropped"]}


class Contestant:
    """One of them, in a lab of its own. `has_program`: at XDP, so that `replay` can tell its cost."""

    name = None
    has_program = False

    def __init__(self, lab):
        self.lab = lab

    def set_up(self, cell):
        """Loads the rules; returns what there is to say about that."""
        raise NotImplementedError

    def dropped_early(self):
        return None


class Nft(Contestant):
    name = "nft"

    def set_up(self, cell):
        return {"load_s": self.lab.load("nft", "-f", "-", text=cell.nft)}


class Sluice(Contestant):
    name = "sluice"
    has_program = True

    def set_up(self, cell):
        facts = {"load_s": self.lab.load("nft", "-f", "-", text=cell.nft)}
        command = (self.lab.sluice_path, "-n", self.lab.server)
        plan = json.loads(run("timeout", PATIENCE_S, *command, "plan", "dev", "vb", "--json"))
        facts["plan"] = {key: plan["devices"][0][key] for key in ("size", "rules")}
        start = time.monotonic()
        run("timeout", PATIENCE_S, *command, "attach", "dev", "vb", "mode", "native")
        facts["attach_s"] = time.monotonic() - start
        self.wait_until_fresh(start + float(PATIENCE_S))
        return facts

    def wait_until_fresh(self, deadline):
        """And stays so: what the attach itself has set off is over."""
        calm, generation = 0, 0
        while calm < 5:
            status = self.lab.status()
            is_same = status["fresh"] and status["generation"] == generation
            calm, generation = calm + 1 if is_same else 0, status["generation"]
            if time.monotonic() > deadline:
                raise LabError(f"not fresh after {PATIENCE_S} s")
            time.sleep(0.2)

    def dropped_early(self):
        return self.lab.dropped_early()


class Legacy(Contestant):
    name = "iptables-legacy"

    def set_up(self, cell):
        tool = {"ip": "iptables", "ip6": "ip6tables"}[cell.about["family"]]
        return {"load_s": self.lab.load(f"{tool}-legacy-restore", text=cell.iptables)}


class Ipset(Legacy):
    name = "iptables-legacy with ipset"

    def set_up(self, cell):
        if not shutil.which("ipset"):
            raise LabError("ipset is not installed")
        return {"load_s": self.lab.load("ipset", "restore", text=cell.ipset) +
                super().set_up(cell)["load_s"]}


class Bpfilter(Contestant):
    """facebook/bpfilter: its bfcli, which pins what it loads in a bpffs that ends with the lab."""

    name = "bpfilter"
    has_program = True
    directory = None
    script = """mount -t bpf bpf /sys/fs/bpf && timeout "$1" "$2" ruleset set --from-file "$3" >&2 &&
        echo ready && exec cat"""

    def set_up(self, cell):
        ifindex = json.loads(run("ip", "-n", self.lab.server, "-j", "link", "show", "vb"))[0]["ifindex"]
        with tempfile.NamedTemporaryFile("w", suffix=".bf") as file:
            file.write(cell.bpfilter.format(ifindex=ifindex))
            file.flush()
            start = time.monotonic()
            wait_for(self.lab.keep("ip", "netns", "exec", self.lab.server, "sh", "-c", self.script,
                                   "sh", PATIENCE_S, str(self.directory / "bfcli"), file.name))
            return {"load_s": time.monotonic() - start}


class BareDrop(Contestant):
    name = "bare XDP_DROP"

    def set_up(self, _):
        self.lab.attach_bare("xdp/drop")
        return {}


class NoRules(Contestant):
    name = "no rules"

    def set_up(self, _):
        return {}


REFERENCES = (BareDrop, NoRules)


def contestants(cell, kinds, bpfilter):
    """For anything but a flood, only those at XDP."""
    Bpfilter.directory = bpfilter
    if cell.ipset:
        everybody = (Sluice, Nft, Ipset)
    else:
        everybody = (Sluice, Nft, Legacy, *([Bpfilter] if bpfilter else []))
    return [each for each in everybody if "mpps" in kinds or each.has_program]


def set_up(contestant, cell):
    try:
        return contestant.set_up(cell)
    except (LabError, subprocess.SubprocessError) as error:
        return {"refused": str(error).splitlines()[-1][-200:]}


def flood(contestant, name, path, seconds):
    """(Mpps handled, ns on the core for each, the share that was dropped early or None)."""
    lab = contestant.lab
    lab.settle()
    lab.flood(0.1, frames=path)  # warm
    lab.settle()
    early, received = contestant.dropped_early(), lab.received()
    mpps, core_ns = lab.flood(seconds, frames=path)
    lab.settle()
    share = None
    if early is not None and name in CLASSES_DROPPED:
        share = (contestant.dropped_early() - early) / max(1, lab.received() - received)
    return mpps, core_ns, share


def median_of(samples):
    mpps, core_ns, shares = zip(*samples)
    row = {"mpps": statistics.median(mpps), "all": mpps, "core_ns": statistics.median(core_ns)}
    if shares[0] is not None:
        row["early_share"] = min(shares)
    return row


def measure(build, cell, who, files, rounds, seconds, kinds):
    """Everybody once a round, so that a noisy minute hits all; {name: facts}."""
    with contextlib.ExitStack() as stack:
        present = [each(stack.enter_context(Arena(build))) for each in who]
        facts = {each.name: set_up(each, cell) for each in present}
        present = [each for each in present if "refused" not in facts[each.name]]
        for each in present:
            if "ns" in kinds and each.has_program:
                try:
                    facts[each.name]["ns"] = each.lab.replay(files)
                except LabError as error:
                    facts[each.name]["ns_refused"] = str(error)
        if "mpps" in kinds:
            samples = {(each, name): [] for each in present for name in files}
            for _ in range(rounds):
                for each, name in samples:
                    samples[each, name].append(flood(each, name, files[name], seconds))
            for (each, name), taken in samples.items():
                facts[each.name].setdefault("mpps", {})[name] = median_of(taken)
    return facts
