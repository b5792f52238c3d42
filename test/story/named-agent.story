# An action in a session of no agent may name one; if that one was revoked, the action is blocked, and counts.
start session=s1 max_actions=3
start session=s2 agent=loan-bot
intercept s1 pay agent=loan-bot idem=k1
revoke agent loan-bot reason="key leaked"
intercept s1 pay agent=loan-bot
intercept s1 pay agent=loan-bot idem=k1
intercept s1 pay
intercept s1 pay agent=loan-bot
----
@2 session_started s1 max_actions=3
@3 session_started s2 agent=loan-bot idle_timeout_seconds=86400
@4 enforcement_decision s1 allow actions=1/3
@5 agent_revoked loan-bot killed=1 s2 "key leaked"
@6 session_killed s2 agent_revoked actions=0 because=@5 "key leaked"
@7 enforcement_decision s1 block actions=2/3 "key leaked"
@4 (replayed)
@8 enforcement_decision s1 allow actions=3/3
@9 budget_exceeded s1 actions=3+1/3
@10 session_killed s1 budget_exceeded actions=3/3 because=@9 "budget exceeded: max_actions 3" by system
@11 enforcement_decision s1 terminate budget_exceeded actions=3/3 because=@10 "budget exceeded: max_actions 3"

# A session's own agent is the one that counts, whatever an action says.
start session=s3 agent=pay-bot
intercept s3 pay agent=loan-bot
----
@12 session_started s3 agent=pay-bot idle_timeout_seconds=86400
@13 enforcement_decision s3 allow actions=1
