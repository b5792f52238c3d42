"""A loop without coroutines. A call that blocks ends by itself; its stop is heard right after it."""

import sys

from killcord import RuntimeSession, SessionTerminated, auto


def ask_a_person(question: str) -> str:
    print(question, flush=True)
    return sys.stdin.readline().strip()


try:
    with RuntimeSession(auto.client(), agent_id="clerk", budgets={"max_actions": 100}) as sess:
        print(sess.session_id, flush=True)
        ask = sess.wrap(ask_a_person)
        while True:
            sess.guard()
            print("told:", ask("what next?"), flush=True)
except SessionTerminated as stop:
    print(stop)
