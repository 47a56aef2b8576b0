# SPDX-License-Identifier: GPL-2.0-only
"""Two hosts on one machine: a client that also floods, and a server with a firewall.

    client namespace           server namespace
    va 10.9.0.1 ── veth pair ── vb 10.9.0.2    the firewall, sluice, the service
    core 0: client, flood       core 1: vb's receive work (a threaded NAPI), the service

What the server receives is thus limited by the server alone. All frames, good and bad, queue in
vb's one ring of 256, as they would in a network card's; for that va segments TCP itself. Both
namespaces carry the process id in their names, and end with the lab, whatever ends it.
"""
import ctypes
import json
import os
import pathlib
import platform
import struct
import subprocess
import time

from places import LIBC, ROOT, LabError, Places, run, wait_for

CLIENT_CORE, SERVER_CORE = "0", "1"
CLIENT_IP, SERVER_IP, SERVICE_PORT = "10.9.0.1", "10.9.0.2", "8053"
# A network card's interrupt would not wait for a compiler that runs on the same core: the lab's own
# work, good and bad, is equal among itself and ahead of what else the machine does.
NICE = "-15"
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}[platform.machine()]

# 60,000 senders that nobody blocks, at ports that nobody serves.
STRANGERS = "10.9.1.0/60000:20000/4000"


def machine(*command):
    """What a result is worth nothing without."""
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), "?")
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                            capture_output=True, text=True, check=False).stdout.strip()
    versions = {tool: run(tool, flag).splitlines()[0] for tool, flag in
                (("nft", "--version"), ("iptables", "--version"), ("clang", "--version"))}
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(),
            "commit": commit or "?", "load_before": os.getloadavg()[0], "versions": versions,
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "command": " ".join(command)}


def machine_lines(about):
    return [about["command"], f"{about['date']}, commit {about['commit']}",
            f"{about['cores']} × {about['cpu']}, Linux {about['kernel']}",
            f"{about['versions']['nft']}; {about['versions']['iptables']}; "
            f"load {about['load_before']:.2f} before, {about['load_after']:.2f} after"]


def napi_threads(device):
    """Kernel threads that do a device's receive work; devices of other namespaces may share the name."""
    found = set()
    for entry in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if entry.read_text().startswith(f"napi/{device}-"):
                found.add(entry.parent.name)
        except OSError:
            pass  # it ended while we looked
    return found


def make_prompt(thread):
    """NICE, and with slices of 0.1 ms, so that it need not wait for another's slice of 3 ms to end
    while the ring of 256 runs over: sched_setattr(2), where kernels before 6.12 ignore the slice."""
    policy, flags, runtime_ns = 0, 0, 100_000
    attributes = struct.pack("=IIQiIQQQ", 48, policy, flags, int(NICE), 0, runtime_ns, 0, 0)
    if LIBC.syscall(SCHED_SETATTR, thread, attributes, 0):
        raise LabError(f"sched_setattr: {os.strerror(ctypes.get_errno())}")


class Lab(Places):
    """`with Lab(build) as lab:`; `one_queue=False` leaves the veth as it comes, for good traffic."""

    def __init__(self, build, one_queue=True):
        super().__init__(build, "client", "server")
        self.client, self.server = self.names["client"], self.names["server"]
        self.one_queue = one_queue
        self.receivers = set()

    def set_up(self):
        super().set_up()
        run("ip", "link", "add", "va", "netns", self.client, "type", "veth",
            "peer", "name", "vb", "netns", self.server)
        run("ip", "-n", self.client, "addr", "add", f"{CLIENT_IP}/16", "dev", "va")
        run("ip", "-n", self.server, "addr", "add", f"{SERVER_IP}/16", "dev", "vb")
        if self.one_queue:
            self.in_client("ethtool", "-K", "va", "tso", "off", "gso", "off")
            self.in_server("ethtool", "-K", "vb", "gro", "on")
        for name, device in ((self.client, "va"), (self.server, "vb")):
            run("ip", "-n", name, "link", "set", device, "up")
        run("ip", "-n", self.server, "route", "add", "default", "via", CLIENT_IP)
        if self.one_queue:
            self.pin_receive_work()
        self.mac = json.loads(run("ip", "-n", self.server, "-j", "link", "show", "vb"))[0]["address"]

    def pin_receive_work(self):
        before = napi_threads("vb")
        self.in_server("sh", "-c", "echo 1 >/sys/class/net/vb/threaded")
        for _ in range(50):
            self.receivers = napi_threads("vb") - before
            if self.receivers:
                break
            time.sleep(0.02)
        for thread in self.receivers:
            run("taskset", "-pc", SERVER_CORE, thread)
            make_prompt(int(thread))

    def receive_cpu_ns(self):
        """Time on a core that vb's receive work has had: what a busy machine cannot distort."""
        return sum(int(pathlib.Path(f"/proc/{thread}/schedstat").read_text().split()[0])
                   for thread in self.receivers)

    def in_client(self, *words, text=None):
        return self.run_in("client", *words, text=text)

    def in_server(self, *words, text=None):
        return self.run_in("server", *words, text=text)

    def start(self, namespace, core, *words):
        return self.keep("ip", "netns", "exec", namespace, "taskset", "-c", core,
                         "nice", "-n", NICE, *words)

    def start_talk(self, namespace, core, role, *words):
        """Until it is stopped; it then prints a number."""
        child = self.start(namespace, core, str(self.build / "bench/talk"), role, SERVER_IP, *words)
        wait_for(child)
        return child

    def start_trickle(self, port, rate):
        """Until it is stopped; then prints how many it sent. As from a wire: it waits for nobody."""
        child = self.keep("ip", "netns", "exec", self.client, "taskset", "-c", CLIENT_CORE,
                          "chrt", "-f", "2", str(self.build / "bench/talk"), "send",
                          SERVER_IP, port, str(rate))
        wait_for(child)
        return child

    def start_gauge(self):
        """Looks at what sluice on vb does; stopped, it prints JSON. On any core, and at once."""
        child = self.keep("nsenter", f"--net=/run/netns/{self.server}", "chrt", "-f", "1",
                          str(self.build / "bench/gauge"),
                          str(pathlib.Path(self.status()["pin"]).parent))
        wait_for(child)
        return child

    def start_nft(self):
        """Takes one transaction a line: for changes that are not to wait for a process to start."""
        return self.keep("ip", "netns", "exec", self.server, "nice", "-n", NICE, "nft", "-i")

    def serve(self, core=SERVER_CORE):
        self.start_talk(self.server, core, "serve", SERVICE_PORT)

    def talk(self, role, *words):
        """A client that runs to its end, ahead of a flood from the same core, as if it were another
        machine; returns the number it prints."""
        return float(self.in_client("taskset", "-c", CLIENT_CORE, "nice", "-n", NICE,
                                    str(self.build / "bench/talk"), role, SERVER_IP, SERVICE_PORT, *words))

    def start_asking(self, rate, seconds):
        return self.start(self.client, CLIENT_CORE, str(self.build / "bench/talk"), "ask",
                          SERVER_IP, SERVICE_PORT, str(rate), str(seconds))

    def start_flood(self, seconds, mpps, *swarms, frames=None):
        """At mpps, or with 0 as fast as the client's core can; of swarms or of a file of frames."""
        return self.start(self.client, CLIENT_CORE, "nice", "-n", "10",  # on top of NICE
                          str(self.build / "bench/flood"), "va", self.mac,
                          "frames" if frames else SERVER_IP, str(seconds), str(mpps),
                          *([str(frames)] if frames else swarms))

    def received(self):
        """Packets that vb's receive work has taken from the ring, dropped at XDP or not."""
        link = json.loads(run("ip", "-n", self.server, "-s", "-j", "link", "show", "vb"))[0]
        return link["stats64"]["rx"]["packets"]

    def flood(self, seconds, *swarms, frames=None):
        """At full speed; returns (Mpps that the server handled, ns on its core for each)."""
        received, cpu_ns = self.received(), self.receive_cpu_ns()
        flood = self.start_flood(seconds, 0, *swarms, frames=frames)
        output, errors = flood.communicate()
        if flood.returncode:
            raise LabError(f"flood: {errors.strip()}")
        handled = self.received() - received
        took = float(output.split()[1])
        return handled / took / 1e6, (self.receive_cpu_ns() - cpu_ns) / handled

    def sluice(self, *words):
        return self.sluice_in("server", *words)

    def status(self):
        return json.loads(self.sluice("status", "dev", "vb", "--json"))["devices"][0]

    def wait_for_filter(self):
        """Of known connections; for seconds, where the rules and the kernel are such."""
        for _ in range(100):
            if self.status()["known_connections"] != "in the making":
                return
            time.sleep(0.05)
        raise LabError("sluice made no filter of known connections within 5 s")

    def dropped_early(self):
        return self.status()["dropped_early"]

    def attach_bare(self, section):
        run("ip", "-n", self.server, "link", "set", "vb", "xdpdrv", "obj",
            str(self.build / "bench/bare.bpf.o"), "sec", section)
