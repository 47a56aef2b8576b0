# SPDX-License-Identifier: GPL-2.0-only
"""Network namespaces in which a bench or a story plays, and the children that work there.

Every namespace carries the process id in its name, and ends with the `with`, whatever ends that;
so does what sluice has attached there, and each child.
"""
import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """A command failed; the message is for the person who started it."""


def run(*words, text=None):
    """Runs a command to its end and returns what it printed."""
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Places:
    """`with Places(build, "router", "world") as places:`; roles become namespaces."""

    count = 0

    def __init__(self, build, *roles):
        Places.count += 1
        self.mark = f"{os.getpid()}-{Places.count}"
        self.build = pathlib.Path(build)
        self.sluice_path = str(self.build / "src/sluice")
        self.names = {role: f"sluice-{role}-{self.mark}" for role in roles}
        self.children = []

    def __enter__(self):
        try:
            self.set_up()
        except BaseException:
            self.tear_down()
            raise
        return self

    def __exit__(self, *_):
        self.tear_down()

    def set_up(self):
        for role in self.names:
            self.add(role)

    def add(self, role):
        name = self.names.setdefault(role, f"sluice-{role}-{self.mark}")
        run("ip", "netns", "add", name)
        self.ip(role, "link", "set", "lo", "up")

    def remove(self, role):
        subprocess.run(["ip", "netns", "del", self.names.pop(role)], capture_output=True, check=False)

    def tear_down(self):
        for child in self.children:
            end(child)
        for role, name in list(self.names.items()):
            # Before the namespace goes: whoever keeps a device in step would wait for it to return.
            subprocess.run([self.sluice_path, "-n", name, "detach"], capture_output=True, check=False)
            self.remove(role)

    def ip(self, role, *words):
        return run("ip", "-n", self.names[role], *words)

    def run_in(self, role, *words, text=None):
        return run("ip", "netns", "exec", self.names[role], *words, text=text)

    def sluice_in(self, role, *words):
        return run(self.sluice_path, "-n", self.names[role], *words)

    def keep(self, *words):
        """A child whose pipes are ours; ended with the rest."""
        child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    @contextlib.contextmanager
    def inside(self, role):
        """This thread is there for a while; sockets that it makes stay there for good."""
        with open("/proc/thread-self/ns/net", "rb") as here, \
             open(f"/run/netns/{self.names[role]}", "rb") as there:
            enter(there)
            try:
                yield
            finally:
                enter(here)


def enter(namespace):
    if LIBC.setns(namespace.fileno(), CLONE_NEWNET):
        raise LabError(f"setns: {os.strerror(ctypes.get_errno())}")


def wait_for(child):
    if child.stdout.readline() != "ready\n":
        raise LabError(f"{' '.join(child.args)}: {child.stderr.read().strip()}")


def stop(child):
    """Ends a child that works until it is told to; returns what it prints at its end."""
    child.send_signal(signal.SIGTERM)
    output, errors = child.communicate()
    if child.returncode:
        raise LabError(f"{' '.join(child.args)}: {errors.strip()}")
    return output


def end(child):
    """By its own id, and waited for."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        pipe.close()
