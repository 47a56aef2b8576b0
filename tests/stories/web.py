# SPDX-License-Identifier: GPL-2.0-only
"""A web server, and those who visit it."""
import contextlib
import socket
import socketserver

import story
from story import sent_again

PATIENCE_S = 20  # of those who must get in
IMPATIENCE_S = 0.3  # of those who must not


class WebServer(socketserver.ThreadingTCPServer):
    """Greets everybody by address, as often as asked; `came` is who was let in."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 128

    def __init__(self, places, role, address):
        self.came = set()
        with places.inside(role):
            super().__init__(address, Greeting)


class Greeting(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.came.add(self.client_address[0])
        with contextlib.suppress(OSError):
            while self.rfile.readline():
                self.wfile.write(f"welcome {self.client_address[0]}\n".encode())


def serving(places, role, *address):
    return story.serving(WebServer(places, role, address))


class Browser:
    """One connection, from an address of a place; `knocked_twice` is who had to. Whom the server
    shall greet is the sender, unless somebody on the way translates addresses."""

    knocked_twice = set()

    def __init__(self, places, role, sender, patience=PATIENCE_S, greeted=None):
        self.sender, self.welcome = sender, f"welcome {greeted or sender}\n".encode()
        with places.inside(role):
            self.socket = socket.socket()
        self.socket.settimeout(patience)
        self.socket.bind((sender, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def connect(self, *server):
        try:
            self.socket.connect(server)
        except OSError:
            return False
        if sent_again(self.socket):
            self.knocked_twice.add(f"{self.sender} at {server}")
        return True

    def get(self):
        try:
            self.socket.sendall(b"GET / HTTP/1.1\n")
            return self.socket.recv(100) == self.welcome
        except OSError:
            return False

    def visit(self, *server):
        with self:
            return self.connect(*server) and self.get()
