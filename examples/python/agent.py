import os

import grpc
from killcord.v1 import enforcement_pb2, enforcement_pb2_grpc, session_pb2, session_pb2_grpc

url = os.environ.get("KILLCORD_URL", "http://127.0.0.1:7411")
channel = grpc.insecure_channel(url.removeprefix("http://"))
key = [("x-api-key", os.environ["KILLCORD_API_KEY"])]
sessions = session_pb2_grpc.SessionServiceStub(channel)
enforcement = enforcement_pb2_grpc.EnforcementServiceStub(channel)

budgets = session_pb2.Budgets(max_actions=2)
request = session_pb2.StartSessionRequest(agent_id="loan-bot", budgets=budgets)
session = sessions.StartSession(request, metadata=key).session
for _ in range(3):
    action = enforcement_pb2.InterceptRequest(session_id=session.session_id, action_type="transfer_funds")
    answer = enforcement.Intercept(action, metadata=key)
    print(enforcement_pb2.Verdict.Name(answer.decision))
