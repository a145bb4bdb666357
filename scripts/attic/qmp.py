"""QEMU's machine protocol (QMP), on a socket that QEMU inherits when it starts: it has no file, so no other program can connect.

    qmp = Qmp()
    process = start(command(..., watch=qmp.options()), pass_fds=[qmp.theirs])
    qmp.started()
    qmp.monitor('info registers')       # a line of the human monitor; '' when no answer comes

A program that does not answer, also one that is not QEMU, is not waited for. Events that arrive before an answer are kept for events().
"""
import json
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

# Seconds for one question; QEMU answers at once unless the host is very busy.
ANSWER_SECONDS = 10


class Qmp:
    def __init__(self, idle: Callable[[], None] | None = None):
        """`idle`, if given, is called repeatedly while waiting for an answer."""
        self.socket, self._theirs = socket.socketpair()
        self.idle = idle
        self._buffer, self._events, self._answers = b'', [], {}
        self.speaks = False  # whether QEMU has greeted us
        self._last_id = 0

    @property
    def theirs(self) -> int:
        """The descriptor that QEMU's process inherits."""
        return self._theirs.fileno()

    @property
    def connected(self) -> bool:
        return self.socket is not None

    def options(self) -> list[str]:
        return ['-chardev', f'socket,id=watch,fd={self.theirs}', '-mon', 'chardev=watch,mode=control', '-no-shutdown']

    def started(self):
        """In the parent. From here on the socket ends when QEMU does."""
        self._theirs.close()

    def readable(self, wait: float = 0.0) -> bool:
        return self.connected and bool(select.select([self.socket], [], [], wait)[0])

    def events(self) -> list[dict]:
        """The events that have arrived."""
        if self.readable():
            self._read()
        events, self._events = self._events, []
        return events

    def _read(self):
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b''
        if not data:
            self.close()
        *lines, self._buffer = (self._buffer + data).split(b'\n')
        for line in lines:
            self._take(line)

    def _take(self, line):
        try:
            message = json.loads(line)
        except ValueError:
            return
        if not isinstance(message, dict):
            pass
        elif 'QMP' in message:
            self.speaks = True
            self.tell('qmp_capabilities')
        elif 'event' in message:
            self._events.append(message)
        else:
            self._answers[message.get('id')] = message

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def tell(self, command: str, **arguments) -> int:
        """Send a command. Returns its number."""
        self._last_id += 1
        message = {'execute': command, 'id': self._last_id}
        if arguments:
            message['arguments'] = {name.replace('_', '-'): value for name, value in arguments.items()}
        if self.connected:
            with suppress(OSError):
                self.socket.sendall(json.dumps(message).encode() + b'\r\n', socket.MSG_NOSIGNAL)
        return self._last_id

    def ask(self, command: str, seconds: float = ANSWER_SECONDS, **arguments) -> Any:
        """Returns the result of a command; None when no answer comes, or an error."""
        until = time.monotonic() + seconds
        while not self.speaks and self.connected and time.monotonic() < until:
            self._step()
        if not self.speaks:
            return None
        number = self.tell(command, **arguments)
        while number not in self._answers:
            if not self.connected or time.monotonic() > until:
                return None
            self._step()
        return self._answers.pop(number).get('return')

    def _step(self):
        if self.readable(0.02):
            self._read()
        elif self.idle:
            self.idle()

    def monitor(self, line: str, seconds: float = ANSWER_SECONDS) -> str:
        """What a line of QEMU's human monitor prints."""
        said = self.ask('human-monitor-command', seconds, command_line=line)
        return (said or '').replace('\r', '')
