"""A TCP proxy whose weather a test makes: cut, refused, swallowed."""

import contextlib
import socket
import threading


class Weather:
    def __init__(self, upstream):
        host, _, port = upstream.partition(":")
        self._upstream = (host, int(port))
        self._pairs = set()
        self._lock = threading.Lock()
        self._clear = threading.Event()
        self._clear.set()
        self._refusing = False
        self._drop_answers = 0
        #: Connections that were taken so far.
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._clear.set()
        with contextlib.suppress(OSError):
            # Closing alone would not wake the thread that accepts.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self):
        """Breaks every connection; new ones are taken."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def refuse(self):
        """From now on nobody is there."""
        self._refusing = True
        self.cut()

    def swallow(self):
        """From now on nothing gets through, in either direction, and nothing is said of it."""
        self._clear.clear()

    def clear(self):
        self._refusing = False
        self._clear.set()

    def cut_after_next_request(self):
        """Passes the next thing that a client says on, and cuts before its answer."""
        self._drop_answers = 1

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._refusing:
                near.close()
                continue
            try:
                far = socket.create_connection(self._upstream)
            except OSError:
                near.close()
                continue
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (near, far)
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._pass, args=(near, far, pair, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, pair, True), daemon=True).start()

    def _pass(self, source, sink, pair, answers):
        try:
            while data := source.recv(65536):
                self._clear.wait()
                if answers and self._drop_answers > 0:
                    self._drop_answers -= 1
                    break
                sink.sendall(data)
        except OSError:
            pass
        finally:
            with self._lock:
                self._pairs.discard(pair)
            for each in pair:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
