"""A viewer of a Nightjar sensor, written from ARCHITECTURE.md alone with another Noise implementation.

    viewer.py KEYFILE nightjar://HOST:PORT?key=KEY[&token=TOKEN] [--after SEQ] [--count N]

Prints what the sensor says of itself, then its events, each as a line of JSON. KEYFILE holds this viewer's private key in
64 hexadecimal digits; it is made where there is none. With a token it pairs; later the same string without it will do.
Ends after N events, or once the sensor has told all it has. Needs `noiseprotocol` and `msgpack` from PyPI.
"""

import argparse
import collections
import json
import os
import pathlib
import socket
import struct
import time
import urllib.parse

import msgpack
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from noise.connection import Keypair, NoiseConnection

DATA, CLOSE, REKEY = 0, 1, 2
PATIENCE = 30


class Link:
    """The Noise session: records in frames. What is read are the bytes of the records of data, in order."""

    def __init__(self, address, private, sensor, token):
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        way = b"\x00" if token is None else b"\x01"
        name = "IK" if token is None else "IKpsk2"
        self.noise = noise = NoiseConnection.from_name(f"Noise_{name}_25519_ChaChaPoly_BLAKE2s".encode())
        noise.set_as_initiator()
        noise.set_prologue(b"nightjar/2" + way)
        noise.set_keypair_from_private_bytes(Keypair.STATIC, private)
        noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, sensor)
        if token is not None:
            noise.set_psks(token)
        noise.start_handshake()
        self.frame(way + bytes(noise.write_message(token or b"")))
        noise.read_message(self.next_frame())
        # The sensor believes that this is no recording once a record has come.
        self.write(b"")
        self.unread = bytearray()

    def frame(self, content):
        self.socket.sendall(struct.pack(">H", len(content)) + content)

    def exactly(self, count):
        parts = bytearray()
        while len(parts) < count:
            part = self.socket.recv(count - len(parts))
            if not part:
                raise ConnectionError("the sensor closed the connection")
            parts += part
        return bytes(parts)

    def next_frame(self):
        (length,) = struct.unpack(">H", self.exactly(2))
        return self.exactly(length)

    def write(self, content):
        self.frame(bytes(self.noise.encrypt(bytes([DATA]) + content)))

    def read(self, count):
        while len(self.unread) < count:
            record = bytes(self.noise.decrypt(self.next_frame()))
            if record[0] == DATA:
                self.unread += record[1:]
            elif record[0] == REKEY:
                self.noise.rekey_inbound_cipher()
            else:
                raise ConnectionError("the sensor said goodbye")
        content = bytes(self.unread[:count])
        del self.unread[:count]
        return content

    def close(self):
        self.frame(bytes(self.noise.encrypt(bytes([CLOSE]))))
        self.socket.close()


class Streams:
    """The client's half of yamux, version 0: what comes for one stream is kept until it is asked for."""

    WINDOW = 262_144
    HEADER = struct.Struct(">BBHII")
    KIND_DATA, KIND_WINDOW, KIND_PING, KIND_AWAY = 0, 1, 2, 3
    SYN, ACK, FIN, RST = 1, 2, 4, 8

    def __init__(self, link):
        self.link = link
        self.next = 1
        self.waiting = collections.defaultdict(bytearray)
        self.over = set()

    def send(self, kind, flags, stream, length, content=b""):
        self.link.write(self.HEADER.pack(0, kind, flags, stream, length) + content)

    def open(self, message):
        """A stream that begins with a message."""
        stream, self.next = self.next, self.next + 2
        packed = msgpack.packb(message)
        content = struct.pack(">I", len(packed)) + packed
        self.send(self.KIND_DATA, self.SYN, stream, len(content), content)
        return stream

    def take(self, stream, count):
        while len(self.waiting[stream]) < count:
            if stream in self.over:
                return None
            self.step()
        content = bytes(self.waiting[stream][:count])
        del self.waiting[stream][:count]
        return content

    def step(self):
        version, kind, flags, stream, length = self.HEADER.unpack(self.link.read(self.HEADER.size))
        if version != 0:
            raise ConnectionError(f"yamux of version {version}")
        if kind == self.KIND_DATA:
            self.waiting[stream] += self.link.read(length)
            if length:
                self.send(self.KIND_WINDOW, 0, stream, length)
        elif kind == self.KIND_PING and flags & self.SYN:
            self.send(self.KIND_PING, self.ACK, 0, length)
        elif kind == self.KIND_AWAY:
            raise ConnectionError("the sensor goes away")
        if flags & (self.FIN | self.RST):
            self.over.add(stream)

    def message(self, stream):
        """The next message of a stream, or None where it has ended."""
        prefix = self.take(stream, 4)
        if prefix is None:
            return None
        return msgpack.unpackb(self.take(stream, *struct.unpack(">I", prefix)), raw=False)


def private_key(path):
    if not path.exists():
        key = X25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def readable(value):
    """Addresses and other binaries as text, so that JSON can have them."""
    if isinstance(value, bytes):
        families = {4: socket.AF_INET, 16: socket.AF_INET6}
        return socket.inet_ntop(families[len(value)], value) if len(value) in families else value.hex()
    if isinstance(value, dict):
        return {key: readable(inner) for key, inner in value.items()}
    return [readable(inner) for inner in value] if isinstance(value, list) else value


def events(streams, after):
    """Events until all are told that the sensor has."""
    stream = streams.open({"Events": {"after": after, "log": None}})
    while (part := streams.message(stream)) is not None:
        for event in part["events"]:
            yield {**event, "body": msgpack.unpackb(event["body"], raw=False)}
        if part["caught_up"]:
            return


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("keyfile", type=pathlib.Path)
    parser.add_argument("sensor")
    parser.add_argument("--after", type=int, default=0)
    parser.add_argument("--count", type=int)
    args = parser.parse_args()
    address = urllib.parse.urlsplit(args.sensor)
    if address.scheme != "nightjar":
        parser.error("a sensor is written nightjar://HOST:PORT?key=KEY&token=TOKEN")
    query = dict(urllib.parse.parse_qsl(address.query, strict_parsing=True))
    token = bytes.fromhex(query["token"]) if "token" in query else None
    link = Link((address.hostname, address.port), private_key(args.keyfile), bytes.fromhex(query["key"]), token)
    streams = Streams(link)
    hello = {"protocol": 1, "name": socket.gethostname(), "version": "0", "time": time.time_ns()}
    print(json.dumps({"hello": readable(streams.message(streams.open(hello)))}))
    for count, event in enumerate(events(streams, args.after), 1):
        print(json.dumps(readable(event)))
        if count == args.count:
            break
    link.close()


if __name__ == "__main__":
    main()
