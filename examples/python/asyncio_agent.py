"""A plain asyncio loop. A stop ends it in the middle of whatever it awaits."""

import asyncio
import time

from killcord import RuntimeSession, SessionTerminated, auto


async def crawl(url: str) -> str:
    """A tool that takes a minute."""
    print("crawling", flush=True)
    await asyncio.sleep(60)
    return f"what {url} says"


async def main() -> None:
    client = auto.client()
    async with RuntimeSession(client, agent_id="crawler", budgets={"max_actions": 100}) as sess:
        print(sess.session_id, flush=True)
        tool = sess.wrap(crawl)
        # Also tasks that are started inside end with the session.
        await asyncio.gather(tool("https://a.example"), tool("https://b.example"))


begun = time.monotonic()
try:
    asyncio.run(main())
except SessionTerminated as stop:
    print(f"{stop}, after {time.monotonic() - begun:.2f} s", flush=True)
