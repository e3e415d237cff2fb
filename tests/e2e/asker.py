#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""asker.py HOST PORT COUNT PATTERN LOG: asks for the A records of PATTERN % 0 … PATTERN % (COUNT - 1),
over and over, until standard input ends. A process of its own, so that it asks while the test thinks.
LOG gets one RECORD a question: number, RCODE, number of addresses, the first address, and when it was
sent and answered (CLOCK_MONOTONIC, ns; answered 0: lost)."""

import select
import socket
import struct
import sys
import time

import dns.message

RECORD = struct.Struct("<IHHIqq")
WINDOW = 32  # questions under way
PATIENCE = 5  # seconds until a question counts as lost


def question(name):
    """A query without its id."""
    return dns.message.make_query(name, "A", use_edns=True, payload=1232).to_wire()[2:]


def read_answer(packet):
    """RCODE, number of addresses, the first one. Owners are pointers: every name here is short."""
    flags, _, answers = struct.unpack_from("!HHH", packet, 2)
    if answers == 0:
        return flags & 15, 0, 0
    at = 12
    while packet[at]:
        at += packet[at] + 1
    at += 5
    owner, kind, _, _, size = struct.unpack_from("!HHHIH", packet, at)
    assert (owner, kind, size) == (0xC00C, 1, 4), packet
    return flags & 15, answers, struct.unpack_from("!I", packet, at + 12)[0]


class Asker:
    """Questions under way over one socket. `done(number, answer, sent, received)` gets each result."""

    def __init__(self, address, done):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(address)
        self.socket.settimeout(PATIENCE)
        self.done, self.id, self.open = done, 0, {}

    def send(self, number, query):
        self.id = self.id + 1 & 0xFFFF
        self.open[self.id] = number, time.monotonic_ns()
        self.socket.send(self.id.to_bytes(2, "big") + query)

    def receive(self):
        try:
            packet = self.socket.recv(4096)
        except TimeoutError:
            for number, sent in self.open.values():
                self.done(number, (0, 0, 0), sent, 0)
            self.open = {}
            return
        number, sent = self.open.pop(int.from_bytes(packet[:2], "big"), (None, 0))
        if number is not None:
            self.done(number, read_answer(packet), sent, time.monotonic_ns())

    def ask(self, questions):
        """Asks all of them, WINDOW at a time, and waits for the answers."""
        for number, query in questions:
            if len(self.open) >= WINDOW:
                self.receive()
            self.send(number, query)
        while self.open:
            self.receive()


def main(host, port, count, pattern, log):
    questions = [(i, question(pattern % i)) for i in range(int(count))]
    with open(log, "wb") as out:
        asker = Asker((host, int(port)), lambda number, answer, sent, received: out.write(
            RECORD.pack(number, *answer, sent, received)))
        while not select.select([sys.stdin], [], [], 0)[0]:
            asker.ask(questions)


if __name__ == "__main__":
    main(*sys.argv[1:])
