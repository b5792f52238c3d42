"""A model's endpoint, as far as a chat with one tool asks for it: POST /v1/chat/completions."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeOpenAI:
    """Asks for `tool` with `arguments` as long as no tool has answered, then says `done`."""

    def __init__(self, tool, arguments):
        fake = self
        #: Bodies of the requests.
        self.asked = []
        call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": arguments}}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                fake.asked.append(body)
                answered = any(each["role"] == "tool" for each in body["messages"])
                message = {"role": "assistant", "content": "done" if answered else None}
                if not answered:
                    message["tool_calls"] = [call]
                choice = {
                    "index": 0,
                    "message": message,
                    "finish_reason": "stop" if answered else "tool_calls",
                }
                reply = {
                    "id": "chat_1",
                    "object": "chat.completion",
                    "created": 0,
                    "model": body["model"],
                    "choices": [choice],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                }
                text = json.dumps(reply).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
