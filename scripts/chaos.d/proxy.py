"""A TCP proxy that can cut, hold and slow what goes through it."""

import asyncio
import contextlib
import socket
import struct


class Proxy:
    def __init__(self):
        self.target = None
        self.port = None
        self._server = None
        self._writers = set()
        self._tasks = set()
        self._gates = {"up": asyncio.Event(), "down": asyncio.Event()}
        self._slow = None
        for gate in self._gates.values():
            gate.set()

    async def listen(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self):
        self._server.close()
        self.cut()

    def cut(self):
        for writer in list(self._writers):
            reset(writer)

    def hold(self, *directions):
        for direction in directions:
            self._gates[direction].clear()

    def slow(self, delay_ms, chunk):
        self._slow = (delay_ms / 1000, chunk)

    def heal(self):
        self._slow = None
        for gate in self._gates.values():
            gate.set()

    async def _accept(self, reader, writer):
        self._writers.add(writer)
        self._tasks.add(asyncio.current_task())
        try:
            there, onward = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            reset(writer)
        else:
            self._writers.add(onward)
            pumps = [
                asyncio.ensure_future(self._pump("up", reader, onward)),
                asyncio.ensure_future(self._pump("down", there, writer)),
            ]
            # One side that is gone ends the other: no protocol here goes on over half a connection.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._writers.discard(onward)
            onward.close()
        finally:
            self._writers.discard(writer)
            self._tasks.discard(asyncio.current_task())
            with contextlib.suppress(Exception):
                writer.close()

    async def _pump(self, direction, source, sink):
        with contextlib.suppress(OSError):
            while True:
                delay, chunk = self._slow or (0, 65536)
                data = await source.read(chunk)
                if not data:
                    return
                if delay:
                    await asyncio.sleep(delay)
                await self._gates[direction].wait()
                sink.write(data)
                await sink.drain()


def reset(writer):
    """Closes with RST: the other side learns at once, and what was under way is lost."""
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
