"""A LangChain agent: a model that asks for a tool, and the tool. The model here is a fake one."""

import asyncio
import time

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from killcord import RuntimeSession, SessionTerminated, auto

calls = [{"name": "research", "args": {"topic": "boats"}, "id": "call_1"}]
model = GenericFakeChatModel(messages=iter([AIMessage("", tool_calls=calls), AIMessage("done")]))


async def main() -> None:
    async with RuntimeSession(auto.client(), agent_id="researcher", budgets={"max_actions": 100}) as sess:
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
            answer = await model.ainvoke(messages)
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
