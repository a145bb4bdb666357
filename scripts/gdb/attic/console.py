"""Attic's console, the serial port, for a gdb that scripts/debug started: the variable ATTIC_CONSOLE names its socket.

What Attic prints appears among gdb's own lines. A gdb that was started by hand has no console: it is where QEMU runs.
"""
import os
import socket
import sys
import threading

_socket = None


def is_there():
    return _socket is not None


def send(line):
    """Type a line."""
    _socket.sendall(line.encode() + b"\n")


def _copy():
    while True:
        text = _socket.recv(4096)
        if not text:
            return
        os.write(sys.__stdout__.fileno(), text.replace(b"\r", b""))


def connect(path):
    global _socket
    _socket = socket.socket(socket.AF_UNIX)
    _socket.connect(path)
    threading.Thread(target=_copy, daemon=True).start()


if os.environ.get("ATTIC_CONSOLE"):
    connect(os.environ["ATTIC_CONSOLE"])
