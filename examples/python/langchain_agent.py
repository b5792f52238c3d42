"""A LangChain agent: a model that asks for a tool, and the tool. Each call of the model holds what it may
use, and is settled with what it used. The model here is a fake one."""

import asyncio
import time

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from killcord import RuntimeSession, SessionTerminated, auto

calls = [{"name": "research", "args": {"topic": "boats"}, "id": "call_1"}]
used = {"input_tokens": 900, "output_tokens": 100, "total_tokens": 1000}
asking = AIMessage("", tool_calls=calls, usage_metadata=used)
model = GenericFakeChatModel(messages=iter([asking, AIMessage("done", usage_metadata=used)]))

ESTIMATE = 4000


class Spending(AsyncCallbackHandler):
    """Asks before each call of a model, and says afterwards what it used."""

    # Else LangChain logs a refusal, and calls the model all the same.
    raise_error = True

    def __init__(self, sess):
        self.sess = sess
        self.held = {}

    async def on_chat_model_start(self, serialized, messages, *, run_id, **_):
        verdict = await self.sess.aintercept("llm_call", estimate={"tokens": ESTIMATE})
        self.held[run_id] = verdict.decision_id

    async def on_llm_end(self, response, *, run_id, **_):
        usage = response.generations[0][0].message.usage_metadata
        await self.sess.asettle(self.held.pop(run_id), tokens=usage["total_tokens"] if usage else ESTIMATE)

    async def on_llm_error(self, error, *, run_id, **_):
        if run_id in self.held:
            await self.sess.acancel(self.held.pop(run_id))


async def main() -> None:
    budgets = {"max_actions": 100, "max_tokens": 50_000}
    async with RuntimeSession(auto.client(), agent_id="researcher", budgets=budgets) as sess:
        print(sess.session_id, flush=True)

        @tool
        @sess.tool
        async def research(topic: str) -> str:
            """Looks a topic up, for a minute."""
            print("researching", flush=True)
            await asyncio.sleep(60)
            return f"all about {topic}"

        messages = [HumanMessage("What do you know of boats?")]
        while True:
            sess.guard()
            answer = await model.ainvoke(messages, config={"callbacks": [Spending(sess)]})
            messages.append(answer)
            if not answer.tool_calls:
                break
            for call in answer.tool_calls:
                messages.append(await research.ainvoke(call))
        print(answer.content)


begun = time.monotonic()
try:
    asyncio.run(main())
except SessionTerminated as stop:
    print(f"{stop}, after {time.monotonic() - begun:.2f} s", flush=True)
