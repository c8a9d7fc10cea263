"""The service of `make up`: at a release the next one starts beside it and takes over once it is ready."""

from __future__ import annotations

import psutil

from flows import console
from flows.machine.gateway import Gateway
from flows.machine.programs import START_S, Child, free_port

SHORT_LIFE_S = 30  # seconds from a start to the next one of the same Bento
ROOM = 1.2  # times the memory of the running service that must be free for a second one


class Services:
    """The service that answers on a port and, during a release, the next one.

    Args:
        port: Port that callers know.
    """

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._gateway = Gateway(port)
        self._running: Child | None = None
        self._next: Child | None = None
        self._tag = ""  # Bento of the newest of the two

    def follow(self, tag: str) -> None:
        """Starts the service of a Bento unless it runs, or lets it take over once it is ready.

        Args:
            tag: Tag of the Bento that is to be served; empty where there is none.
        """
        if self._next:
            self._wait_for(self._next)
        elif tag and (tag != self._tag or self._has_ended()):
            self._start(tag)

    def stop(self) -> None:
        """Ends both services."""
        for child in filter(None, (self._next, self._running)):
            child.stop()
        self._gateway.close()

    def _has_ended(self) -> bool:
        child = self._running
        return child is None or (not child.runs() and child.age() > SHORT_LIFE_S)

    def _start(self, tag: str) -> None:
        if self._running and self._running.runs() and not _has_room_beside(self._running):
            console.say("memory is too small for two services: this one ends before the next is ready")
            self._running.stop()
        port = free_port()
        self._tag = tag
        self._next = Child("service", ["flows", "serve", "--port", str(port)], _address(port), "/readyz")
        self._next.start()
        if self._running is None or not self._running.runs():  # so that it says itself why it is not ready
            self._take_over(self._next)

    def _wait_for(self, child: Child) -> None:
        if child.is_up():
            self._take_over(child)
        elif child.age() > START_S:
            child.stop()
            self._next, self._tag = None, ""
            console.say("the next service did not get ready, the one before goes on: see the log `service`")

    def _take_over(self, child: Child) -> None:
        replaced = self._running
        self._running, self._next = child, None
        self._gateway.lead_to(int(child.address.rpartition(":")[2]))
        console.say(f"serving {self._tag} on {self.address}")
        if replaced:
            replaced.stop()


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _has_room_beside(child: Child) -> bool:
    """Tells whether a second service of this size fits into memory."""
    try:
        process = psutil.Process(child.process.pid if child.process else None)
        used = sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
    except psutil.Error:  # it ended meanwhile
        return True
    return bool(psutil.virtual_memory().available > ROOM * used)
