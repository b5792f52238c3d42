# An agent is registered once by name, with one credential; a repeat only brings its declared values up to date.
register loan-bot credential=c1
register loan-bot credential=c2
register loan-bot credential=c2 framework=langchain
register loan-bot credential=c2 framework=langchain
----
@2 agent_registered loan-bot custom {}
@3 credential_issued c1 agent=loan-bot
agent loan-bot credential=c1
@4 notice agent_updated {"agent_id":"loan-bot","framework":"langchain","profile":{}}
agent loan-bot credential=c1

# Numbers that are sealed as text are pointed at where they stand.
register risk-bot credential=c3 risk=0.5
register risk-bot credential=c4 risk=0.75
register risk-bot credential=c4 risk=0.75
----
@5 agent_registered risk-bot custom {"risk":"0.5"} decimals=/profile/risk
@6 credential_issued c3 agent=risk-bot
@7 notice agent_updated {"agent_id":"risk-bot","framework":"custom","profile":{"risk":"0.75"}} decimals=/body/profile/risk
agent risk-bot credential=c3

# One that a session named before is registered like any other, also when it got a credential before.
start session=s1 agent=pay-bot
issue pay-bot credential=c5
register pay-bot credential=c6
register pay-bot credential=c7
issue nobody credential=c8
----
@8 session_started s1 agent=pay-bot idle_timeout_seconds=86400
@9 credential_issued c5 agent=pay-bot
@10 agent_registered pay-bot custom {}
@11 credential_issued c6 agent=pay-bot
agent pay-bot credential=c6
refused agent_not_found
