# A crash between an exceeded budget and the kill: the restart kills what was over its budget, with all below.
start session=s1 max_actions=1
start session=s2 parent=s1
start session=s3 parent=s2
intercept s2 pay
intercept s2 pay
----
@2 session_started s1 max_actions=1
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 session_started s3 parent=s2 idle_timeout_seconds=86400
@5 enforcement_decision s2 allow actions=1
@6 budget_exceeded s2 of s1 actions=1+1/1
@7 session_killed s1 budget_exceeded actions=1/1 because=@6 "budget exceeded: max_actions 1" by system
@8 session_killed s2 parent_stopped actions=1 because=@7 "parent stopped: budget exceeded: max_actions 1" by system
@9 session_killed s3 parent_stopped actions=0 because=@8 "parent stopped: budget exceeded: max_actions 1" by system
@10 enforcement_decision s2 terminate parent_stopped actions=1 because=@8 "parent stopped: budget exceeded: max_actions 1"

crash @7
----
@7 session_killed s1 budget_exceeded actions=1/1 because=@6 "budget exceeded: max_actions 1" by system
@8 session_killed s2 parent_stopped actions=1 because=@7 "parent stopped: budget exceeded: max_actions 1" by system
@9 session_killed s3 parent_stopped actions=0 because=@8 "parent stopped: budget exceeded: max_actions 1" by system

intercept s3 pay
----
@10 enforcement_decision s3 terminate parent_stopped actions=0 because=@9 "parent stopped: budget exceeded: max_actions 1"

# The kill was written, but not that of what is below.
start session=s4 max_actions=1
start session=s5 parent=s4
intercept s4 pay
intercept s4 pay
----
@11 session_started s4 max_actions=1
@12 session_started s5 parent=s4 idle_timeout_seconds=86400
@13 enforcement_decision s4 allow actions=1/1
@14 budget_exceeded s4 actions=1+1/1
@15 session_killed s4 budget_exceeded actions=1/1 because=@14 "budget exceeded: max_actions 1" by system
@16 session_killed s5 parent_stopped actions=0 because=@15 "parent stopped: budget exceeded: max_actions 1" by system
@17 enforcement_decision s4 terminate budget_exceeded actions=1/1 because=@15 "budget exceeded: max_actions 1"

crash @16
----
@16 session_killed s5 parent_stopped actions=0 because=@15 "parent stopped: budget exceeded: max_actions 1" by system
