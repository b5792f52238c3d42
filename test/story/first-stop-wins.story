# Of several stops the first is the reason for ever.
register loan-bot credential=c1
start session=s1 by=c1 max_actions=1 ttl_seconds=10
intercept s1 pay
intercept s1 pay
kill s1 reason="too late"
revoke credential c1
wait 10s
expire s1
touch s1
intercept s1 pay
----
@2 agent_registered loan-bot custom {}
@3 credential_issued c1 agent=loan-bot
@4 session_started s1 agent=loan-bot credential=c1 max_actions=1 ttl_seconds=10
@5 enforcement_decision s1 allow actions=1/1
@6 budget_exceeded s1 actions=1+1/1
@7 session_killed s1 budget_exceeded actions=1/1 because=@6 "budget exceeded: max_actions 1" by system
@8 enforcement_decision s1 terminate budget_exceeded actions=1/1 because=@7 "budget exceeded: max_actions 1"
s1 killed budget_exceeded "budget exceeded: max_actions 1"
@9 credential_revoked c1 agent=loan-bot killed=0 "by root"
nothing
s1 killed budget_exceeded "budget exceeded: max_actions 1"
@10 enforcement_decision s1 terminate budget_exceeded actions=1/1 because=@7 "budget exceeded: max_actions 1"

# Two budgets full at once: the one above is the one that stops.
start session=s2 max_actions=1
start session=s3 parent=s2 max_actions=1
intercept s3 pay
intercept s3 pay
touch s2
----
@11 session_started s2 max_actions=1
@12 session_started s3 parent=s2 max_actions=1
@13 enforcement_decision s3 allow actions=1/1
@14 budget_exceeded s3 of s2 actions=1+1/1
@15 session_killed s2 budget_exceeded actions=1/1 because=@14 "budget exceeded: max_actions 1" by system
@16 session_killed s3 parent_stopped actions=1/1 because=@15 "parent stopped: budget exceeded: max_actions 1" by system
@17 enforcement_decision s3 terminate parent_stopped actions=1/1 because=@16 "parent stopped: budget exceeded: max_actions 1"
s2 killed budget_exceeded "budget exceeded: max_actions 1"
