# A stopped session gets sixteen sealed terminates; later ones repeat the last, and are summed up.
start session=s1
kill s1 reason="stop"
16 times intercept s1 pay
2 times intercept s1 pay
intercept s1 pay idem=k1
sum-up s1 count=3
intercept s1 pay
----
@2 session_started s1 idle_timeout_seconds=86400
@3 halt_requested session/s1 sessions=1 "stop"
@4 session_killed s1 manual actions=0 because=@3 "stop"
@5 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@6 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@7 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@8 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@9 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@10 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@11 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@12 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@13 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@14 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@15 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@16 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@17 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@18 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@19 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
@20 enforcement_decision s1 terminate manual actions=0 because=@4 "stop"
repeats @20
repeats @20
repeats @20
@21 notice repeated_terminates s1 {"decision_id":"@20","count":3}
repeats @20

# The terminate that came with the stop is the first of the sixteen.
start session=s2 max_actions=0
17 times intercept s2 pay
----
@22 session_started s2 max_actions=0
@23 budget_exceeded s2 actions=0+1/0
@24 session_killed s2 budget_exceeded actions=0/0 because=@23 "budget exceeded: max_actions 0" by system
@25 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@26 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@27 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@28 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@29 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@30 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@31 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@32 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@33 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@34 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@35 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@36 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@37 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@38 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@39 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@40 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
repeats @40

# A summary of nothing is none, and the figures count what is sealed.
start session=s3
sum-up s3 count=1
sum-up s9 count=1
heartbeat
----
@41 session_started s3 idle_timeout_seconds=86400
nothing
nothing
@42 heartbeat decisions=32 terminations=32 live=1
