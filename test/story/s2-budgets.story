# S2: intercepts 1 to N are decided under max_actions=N, and number N+1 is the first terminate.
start agent=loan-bot session=s1 max_actions=2
intercept s1 read_record
intercept s1 transfer_funds
intercept s1 transfer_funds
intercept s1 transfer_funds
----
@2 session_started s1 agent=loan-bot max_actions=2
@3 enforcement_decision s1 allow actions=1/2
@4 enforcement_decision s1 allow actions=2/2
@5 budget_exceeded s1 actions=2+1/2
@6 session_killed s1 budget_exceeded actions=2/2 because=@5 "budget exceeded: max_actions 2" by system
@7 enforcement_decision s1 terminate budget_exceeded actions=2/2 because=@6 "budget exceeded: max_actions 2"
@8 enforcement_decision s1 terminate budget_exceeded actions=2/2 because=@6 "budget exceeded: max_actions 2"

# ttl_seconds binds at elapsed >= ttl, also before any timer.
start session=s2 ttl_seconds=10
wait 9999ms
intercept s2 read_record
wait 1ms
intercept s2 read_record
intercept s2 read_record
----
@9 session_started s2 ttl_seconds=10
@10 enforcement_decision s2 allow actions=1
@11 session_expired s2 ttl_expired actions=1 deadline=10s
@12 enforcement_decision s2 terminate ttl_expired actions=1 because=@11 "ttl expired: ttl_seconds 10"
@13 enforcement_decision s2 terminate ttl_expired actions=1 because=@11 "ttl expired: ttl_seconds 10"

# The timer finds the same, once.
start session=s3 ttl_seconds=10
wait 9999ms
expire s3
wait 1ms
expire s3
expire s3
touch s3
heartbeat
----
@14 session_started s3 ttl_seconds=10
nothing
@15 session_expired s3 ttl_expired actions=0 deadline=20s
nothing
s3 expired ttl_expired "ttl expired: ttl_seconds 10"
@16 heartbeat decisions=7 terminations=4 live=0
