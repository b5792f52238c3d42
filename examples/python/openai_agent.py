"""A run of the OpenAI Agents SDK, against whatever OPENAI_BASE_URL names. Each call of the model holds what
it may use, and is settled with what it used."""

import asyncio
import os
import time

from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

from killcord import RuntimeSession, SessionTerminated, auto

set_tracing_disabled(True)
endpoint = AsyncOpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"])


async def main() -> None:
    budgets = {"max_actions": 100, "max_tokens": 50_000}
    async with RuntimeSession(auto.client(), agent_id="payer", budgets=budgets) as sess:
        print(sess.session_id, flush=True)

        class CountedModel(OpenAIChatCompletionsModel):
            async def get_response(self, *args, **kwargs):
                async with sess.reserve("llm_call", estimate={"tokens": 4000}) as held:
                    response = await super().get_response(*args, **kwargs)
                    await held.asettle(tokens=response.usage.total_tokens)
                    return response

        # By default the SDK tells the model of an exception in a tool, and goes on: a refusal must not
        # be talked away.
        @function_tool(failure_error_function=None)
        @sess.tool
        async def transfer(amount: int, to: str) -> str:
            """Moves money, which takes a minute."""
            print("transferring", flush=True)
            await asyncio.sleep(60)
            return f"{amount} moved to {to}"

        agent = Agent(
            name="payer",
            instructions="Pay what you are told to.",
            model=CountedModel(model="any", openai_client=endpoint),
            tools=[transfer],
        )
        result = await Runner.run(agent, "Pay 5 to 4711.")
        print(result.final_output)


begun = time.monotonic()
try:
    asyncio.run(main())
except SessionTerminated as stop:
    print(f"{stop}, after {time.monotonic() - begun:.2f} s", flush=True)
