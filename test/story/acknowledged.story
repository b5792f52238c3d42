# The client of a stopped session says that it is stopping, and that it has stopped; each is sealed once.
key bot roles=agent
start session=s1 agent=loan-bot by=bot
acknowledge s1 by=bot
kill s1 reason="manual stop"
wait 40ms
acknowledge s1 via=stream delivered=now by=bot
acknowledge s1 via=heartbeat by=bot
wait 60ms
acknowledge s1 evidence=tasks_cancelled by=bot
acknowledge s1 evidence=process_exit by=bot
acknowledge s1 by=bot
----
@2 api_key_created bot agent
@3 session_started s1 agent=loan-bot idle_timeout_seconds=86400
refused session_not_stopped
@4 halt_requested session/s1 sessions=1 "manual stop"
@5 session_killed s1 manual actions=0 because=@4 "manual stop"
@6 halt_acknowledged s1 @4 via=stream delivered=0.04s
s1 killed manual "manual stop"
@7 halt_confirmed s1 @4 tasks_cancelled after=100ms
s1 killed manual "manual stop"
s1 killed manual "manual stop"

# STOPPED may come alone; what is said after it changes nothing.
start session=s2 max_actions=0 by=bot
intercept s2 transfer_funds by=bot
acknowledge s2 evidence=group_empty by=bot
acknowledge s2 by=bot
----
@8 session_started s2 max_actions=0
@9 budget_exceeded s2 actions=0+1/0
@10 session_killed s2 budget_exceeded actions=0/0 because=@9 "budget exceeded: max_actions 0" by system
@11 enforcement_decision s2 terminate budget_exceeded actions=0/0 because=@10 "budget exceeded: max_actions 0"
@12 halt_confirmed s2 @10 group_empty after=0ms
s2 killed budget_exceeded "budget exceeded: max_actions 0"

# Another stop than the session's is none of it, and one that merely ended has none.
start session=s3 by=bot
acknowledge s3 halt=3 by=bot
kill s3
acknowledge s3 halt=3 by=bot
start session=s4 by=bot
end s4 by=bot
acknowledge s4 by=bot
acknowledge s9 by=bot
----
@13 session_started s3 idle_timeout_seconds=86400
refused session_not_stopped
@14 halt_requested session/s3 sessions=1 "by root"
@15 session_killed s3 manual actions=0 because=@14 "by root"
refused halt_not_found
@16 session_started s4 idle_timeout_seconds=86400
@17 session_ended s4 actions=0
refused halt_not_found
refused session_not_found

# Each session of an order answers for itself; another's is not its business.
start session=s5 by=bot
start session=s6 parent=s5 by=bot
kill s5
acknowledge s6 by=bot
key other roles=agent
acknowledge s5 by=other
acknowledge s5 evidence=process_exit by=bot
----
@18 session_started s5 idle_timeout_seconds=86400
@19 session_started s6 parent=s5 idle_timeout_seconds=86400
@20 halt_requested session/s5 sessions=2 "by root"
@21 session_killed s5 manual actions=0 because=@20 "by root"
@22 session_killed s6 halted actions=0 because=@20 "by root"
@23 halt_acknowledged s6 @20 via=supervisor
@24 api_key_created other agent
refused insufficient_permissions
@25 halt_confirmed s5 @20 process_exit after=0ms

# A revoked credential may say so too, of the sessions that its revocation stopped, and of no other.
register pay-bot credential=c1
start session=s7 by=c1
start session=s8 agent=other-bot
kill s8
revoke credential c1 reason="leaked"
acknowledge s7 via=intercept by=c1
acknowledge s7 evidence=tasks_cancelled by=c1
acknowledge s8 by=c1
----
@26 agent_registered pay-bot custom {}
@27 credential_issued c1 agent=pay-bot
@28 session_started s7 agent=pay-bot credential=c1 idle_timeout_seconds=86400
@29 session_started s8 agent=other-bot idle_timeout_seconds=86400
@30 halt_requested session/s8 sessions=1 "by root"
@31 session_killed s8 manual actions=0 because=@30 "by root"
@32 credential_revoked c1 agent=pay-bot killed=1 s7 "leaked"
@33 session_killed s7 credential_revoked actions=0 because=@32 "leaked"
@34 halt_acknowledged s7 @33 via=intercept
@35 halt_confirmed s7 @33 tasks_cancelled after=0ms
refused expired_api_key

# A restart knows what was said.
crash @50
acknowledge s7 evidence=tasks_cancelled by=c1
----
nothing
s7 killed credential_revoked "leaked"
