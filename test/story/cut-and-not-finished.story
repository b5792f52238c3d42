# Whatever a crash has left of a stop binds the very next decision, even before the rest is named.
start session=s1
start session=s2 parent=s1
start session=s3 parent=s2
kill s1 reason="stop"
----
@2 session_started s1 idle_timeout_seconds=86400
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 session_started s3 parent=s2 idle_timeout_seconds=86400
@5 halt_requested session/s1 sessions=3 "stop"
@6 session_killed s1 manual actions=0 because=@5 "stop"
@7 session_killed s2 halted actions=0 because=@5 "stop"
@8 session_killed s3 halted actions=0 because=@5 "stop"

# The order alone.
cut @6
start session=s4 parent=s3
intercept s3 pay
finish
----
refused session_not_active
@6 session_killed s1 manual actions=0 because=@5 "stop" by system
@7 session_killed s2 halted actions=0 because=@5 "stop" by system
@8 session_killed s3 halted actions=0 because=@5 "stop" by system
@9 enforcement_decision s3 terminate halted actions=0 because=@8 "stop"
nothing

# Half an expiry.
start session=s5 ttl_seconds=10
start session=s6 parent=s5
start session=s7 parent=s6
start session=s8 parent=s7
wait 10s
expire s5
----
@10 session_started s5 ttl_seconds=10
@11 session_started s6 parent=s5 idle_timeout_seconds=86400
@12 session_started s7 parent=s6 idle_timeout_seconds=86400
@13 session_started s8 parent=s7 idle_timeout_seconds=86400
@14 session_expired s5 ttl_expired actions=0 deadline=10s
@15 session_killed s6 parent_stopped actions=0 because=@14 "parent stopped: ttl expired: ttl_seconds 10" by system
@16 session_killed s7 parent_stopped actions=0 because=@15 "parent stopped: ttl expired: ttl_seconds 10" by system
@17 session_killed s8 parent_stopped actions=0 because=@16 "parent stopped: ttl expired: ttl_seconds 10" by system

cut @16
start session=s9 parent=s8
intercept s7 pay
intercept s8 pay
finish
----
refused session_not_active
@16 session_killed s7 parent_stopped actions=0 because=@15 "parent stopped: ttl expired: ttl_seconds 10" by system
@17 enforcement_decision s7 terminate parent_stopped actions=0 because=@16 "parent stopped: ttl expired: ttl_seconds 10"
@18 session_killed s8 parent_stopped actions=0 because=@16 "parent stopped: ttl expired: ttl_seconds 10" by system
@19 enforcement_decision s8 terminate parent_stopped actions=0 because=@18 "parent stopped: ttl expired: ttl_seconds 10"
nothing

# An exceeded budget alone.
start session=s10 max_actions=0
start session=s11 parent=s10
start session=s12 parent=s11
intercept s11 pay
----
@20 session_started s10 max_actions=0
@21 session_started s11 parent=s10 idle_timeout_seconds=86400
@22 session_started s12 parent=s11 idle_timeout_seconds=86400
@23 budget_exceeded s11 of s10 actions=0+1/0
@24 session_killed s10 budget_exceeded actions=0/0 because=@23 "budget exceeded: max_actions 0" by system
@25 session_killed s11 parent_stopped actions=0 because=@24 "parent stopped: budget exceeded: max_actions 0" by system
@26 session_killed s12 parent_stopped actions=0 because=@25 "parent stopped: budget exceeded: max_actions 0" by system
@27 enforcement_decision s11 terminate parent_stopped actions=0 because=@25 "parent stopped: budget exceeded: max_actions 0"

cut @24
start session=s13 parent=s12
intercept s12 pay
finish
----
refused session_not_active
@24 session_killed s10 budget_exceeded actions=0/0 because=@23 "budget exceeded: max_actions 0" by system
@25 session_killed s11 parent_stopped actions=0 because=@24 "parent stopped: budget exceeded: max_actions 0" by system
@26 session_killed s12 parent_stopped actions=0 because=@25 "parent stopped: budget exceeded: max_actions 0" by system
@27 enforcement_decision s12 terminate parent_stopped actions=0 because=@26 "parent stopped: budget exceeded: max_actions 0"
nothing

# A revoked agent, seen from a sub-session of another agent.
start session=s14 agent=loan-bot
start session=s15 agent=helper parent=s14
revoke agent loan-bot reason="out"
----
@28 session_started s14 agent=loan-bot idle_timeout_seconds=86400
@29 session_started s15 agent=helper parent=s14 idle_timeout_seconds=86400
@30 agent_revoked loan-bot killed=2 s14 s15 "out"
@31 session_killed s14 agent_revoked actions=0 because=@30 "out"
@32 session_killed s15 agent_revoked actions=0 because=@30 "out"

cut @32
start session=s16 agent=helper parent=s15
intercept s15 pay
finish
----
refused session_not_active
@32 session_killed s15 agent_revoked actions=0 because=@30 "out" by system
@33 enforcement_decision s15 terminate agent_revoked actions=0 because=@32 "out"
nothing
