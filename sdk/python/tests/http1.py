"""A proxy of HTTP/1.1, as companies have them: no HTTP/2, and a hand in what passes."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Http1:
    """`streams`: whether a watch passes as it comes; else it is held back for ever, as proxies do that
    wait for the end of an answer. `change(path, reply)` may change a reply's JSON, or put another
    status and JSON in its place."""

    def __init__(self, upstream, streams=True, change=None):
        proxy = self
        self.streams = streams
        self.change = change or (lambda path, reply: (200, reply))
        #: Paths that were asked for.
        self.paths = []
        self.over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.forward()

            def do_POST(self):
                self.forward()

            def log_message(self, *_):
                pass

            def forward(self):
                proxy.paths.append(self.path)
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length) if length else None
                headers = {
                    name: value for name, value in self.headers.items() if name.lower().startswith("x-")
                }
                connection = http.client.HTTPConnection(upstream)
                watch = "watch" in self.path
                if watch and not proxy.streams:
                    proxy.over.wait()
                    return
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                if watch and answer.status == 200:
                    self.stream(answer)
                    return
                status, text = answer.status, answer.read()
                if status == 200 and self.path != "/healthz":
                    status, changed = proxy.change(self.path, json.loads(text))
                    text = json.dumps(changed).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                connection.close()

            def stream(self, answer):
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                while line := answer.readline():
                    self.wfile.write(line)
                    self.wfile.flush()

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
