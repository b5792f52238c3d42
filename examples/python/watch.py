import os
import sys

import grpc
from killcord.v1 import session_pb2, session_pb2_grpc

url = os.environ.get("KILLCORD_URL", "http://127.0.0.1:7411")
channel = grpc.insecure_channel(url.removeprefix("http://"))
key = [("x-api-key", os.environ["KILLCORD_API_KEY"])]
sessions = session_pb2_grpc.SessionServiceStub(channel)

request = session_pb2.WatchSessionRequest(session_id=sys.argv[1])
for message in sessions.WatchSession(request, metadata=key):
    if message.HasField("session"):
        status = session_pb2.SessionStatus.Name(message.session.status)
        print(status, message.session.kill_reason, flush=True)
