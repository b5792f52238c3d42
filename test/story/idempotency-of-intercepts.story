# A repeated intercept gets the stored verdict and counts once; once the session is stopped it gets the stop.
start session=s1 max_actions=2
intercept s1 pay idem=k1
intercept s1 pay idem=k1
intercept s1 pay idem=k2
intercept s1 pay idem=k1
----
@2 session_started s1 max_actions=2
@3 enforcement_decision s1 allow actions=1/2
@3 (replayed)
@4 enforcement_decision s1 allow actions=2/2
@3 (replayed)

# The same key with another request is refused, and counts nothing.
intercept s1 refund idem=k2
----
refused idempotency_key_mismatch

# Two calling keys never share one, nor two sessions.
key ann roles=agent agent=loan-bot
key bob roles=agent agent=loan-bot
start session=s2 agent=loan-bot
start session=s3 agent=loan-bot
intercept s2 pay idem=k1 by=ann
intercept s2 pay idem=k1 by=bob
intercept s3 pay idem=k1 by=ann
intercept s2 pay idem=k1 by=ann
----
@5 api_key_created ann agent agent=loan-bot
@6 api_key_created bob agent agent=loan-bot
@7 session_started s2 agent=loan-bot idle_timeout_seconds=86400
@8 session_started s3 agent=loan-bot idle_timeout_seconds=86400
@9 enforcement_decision s2 allow actions=1
@10 enforcement_decision s2 allow actions=2
@11 enforcement_decision s3 allow actions=1
@9 (replayed)

# No old allow passes a stop.
intercept s1 pay idem=k3
intercept s1 pay idem=k1
intercept s1 refund idem=k1
start session=s4 ttl_seconds=10
intercept s4 pay idem=k1
wait 10s
intercept s4 pay idem=k1
----
@12 budget_exceeded s1 actions=2+1/2
@13 session_killed s1 budget_exceeded actions=2/2 because=@12 "budget exceeded: max_actions 2" by system
@14 enforcement_decision s1 terminate budget_exceeded actions=2/2 because=@13 "budget exceeded: max_actions 2"
@15 enforcement_decision s1 terminate budget_exceeded actions=2/2 because=@13 "budget exceeded: max_actions 2"
@16 enforcement_decision s1 terminate budget_exceeded actions=2/2 because=@13 "budget exceeded: max_actions 2"
@17 session_started s4 ttl_seconds=10
@18 enforcement_decision s4 allow actions=1
@19 session_expired s4 ttl_expired actions=1 deadline=10s
@20 enforcement_decision s4 terminate ttl_expired actions=1 because=@19 "ttl expired: ttl_seconds 10"

# A restart remembers.
crash @99
----
nothing

intercept s2 pay idem=k1 by=ann
----
@9 (replayed)
