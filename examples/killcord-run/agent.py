"""An agent that knows nothing of Killcord, in the middle of a tool call that takes a minute."""
import time

print("transferring", flush=True)
time.sleep(60)
print("transferred", flush=True)
