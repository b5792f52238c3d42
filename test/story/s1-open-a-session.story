# S1: a session opens with an agent, a label and budgets; without budgets it gets an idle timeout of a day.
start agent=loan-bot session=s1 label="loan-risk monitor" max_actions=200 ttl_seconds=3600
start agent=loan-bot session=s2
start session=s3 idle_timeout_seconds=60
start session=s4 max_actions=0
----
@2 session_started s1 agent=loan-bot "loan-risk monitor" max_actions=200 ttl_seconds=3600
@3 session_started s2 agent=loan-bot idle_timeout_seconds=86400
@4 session_started s3 idle_timeout_seconds=60
@5 session_started s4 max_actions=0

# One that may do nothing may be open, but its first action stops it.
intercept s4 read_record
----
@6 budget_exceeded s4 actions=0+1/0
@7 session_killed s4 budget_exceeded actions=0/0 because=@6 "budget exceeded: max_actions 0" by system
@8 enforcement_decision s4 terminate budget_exceeded actions=0/0 because=@7 "budget exceeded: max_actions 0"
