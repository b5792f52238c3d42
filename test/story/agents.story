# An agent is registered once by name, with one credential; a repeat only brings its declared values up to date.
register loan-bot credential=c1
register loan-bot credential=c2
register loan-bot credential=c2 framework=langchain
register loan-bot credential=c2 framework=langchain
----
@2 agent_registered loan-bot custom {}
@3 credential_issued c1 agent=loan-bot
agent loan-bot
@4 notice agent_updated {"agent_id":"loan-bot","framework":"langchain","profile":{}}
agent loan-bot

# One that a session named before is registered like any other.
start session=s1 agent=pay-bot
register pay-bot credential=c3
issue nobody credential=c4
----
@5 session_started s1 agent=pay-bot idle_timeout_seconds=86400
@6 agent_registered pay-bot custom {}
@7 credential_issued c3 agent=pay-bot
refused agent_not_found
