# Who does not say in time that it has stopped is unconfirmed; what it says later is sealed too.
key bot roles=agent
start session=s1 by=bot
kill s1 reason="manual stop"
unconfirm s1
wait 9999ms
unconfirm s1
wait 1ms
unconfirm s1
unconfirm s1
wait 5s
acknowledge s1 via=heartbeat delivered=now by=bot
acknowledge s1 evidence=tasks_cancelled by=bot
unconfirm s1
----
@2 api_key_created bot agent
@3 session_started s1 idle_timeout_seconds=86400
@4 halt_requested session/s1 sessions=1 "manual stop"
@5 session_killed s1 manual actions=0 because=@4 "manual stop"
nothing
nothing
@6 halt_unconfirmed s1 @4 no_client deadline=10s
nothing
@7 halt_acknowledged s1 @4 via=heartbeat delivered=15s
@8 halt_confirmed s1 @4 tasks_cancelled after=15000ms
nothing

# One that was handed to its client, or of which that has said STOPPING, is past its deadline.
start session=s2 by=bot
start session=s3 by=bot
kill s2
kill s3
wait 10s
acknowledge s3 by=bot
unconfirm s2 delivered=now
unconfirm s3
acknowledge s2 via=stream by=bot
----
@9 session_started s2 idle_timeout_seconds=86400
@10 session_started s3 idle_timeout_seconds=86400
@11 halt_requested session/s2 sessions=1 "by root"
@12 session_killed s2 manual actions=0 because=@11 "by root"
@13 halt_requested session/s3 sessions=1 "by root"
@14 session_killed s3 manual actions=0 because=@13 "by root"
@15 halt_acknowledged s3 @13 via=supervisor
@16 halt_unconfirmed s2 @11 deadline delivered=25s deadline=25s
@17 halt_unconfirmed s3 @13 deadline deadline=25s
@18 halt_acknowledged s2 @11 via=stream delivered=25s

# Whatever stops a session has a deadline; a session that ended by itself has nothing to confirm.
start session=s4 max_actions=0 by=bot
start session=s5 parent=s4 by=bot
start session=s6 ttl_seconds=1 by=bot
start session=s7 by=bot
intercept s4 transfer_funds by=bot
wait 1s
expire s6
end s7 by=bot
wait 10s
unconfirm s4
unconfirm s5
unconfirm s6
unconfirm s7
unconfirm s9
----
@19 session_started s4 max_actions=0
@20 session_started s5 parent=s4 idle_timeout_seconds=86400
@21 session_started s6 ttl_seconds=1
@22 session_started s7 idle_timeout_seconds=86400
@23 budget_exceeded s4 actions=0+1/0
@24 session_killed s4 budget_exceeded actions=0/0 because=@23 "budget exceeded: max_actions 0" by system
@25 session_killed s5 parent_stopped actions=0 because=@24 "parent stopped: budget exceeded: max_actions 0" by system
@26 enforcement_decision s4 terminate budget_exceeded actions=0/0 because=@24 "budget exceeded: max_actions 0"
@27 session_expired s6 ttl_expired actions=0 deadline=26s
@28 session_ended s7 actions=0
@29 halt_unconfirmed s4 @24 no_client deadline=35s
@30 halt_unconfirmed s5 @25 no_client deadline=35s
@31 halt_unconfirmed s6 @27 no_client deadline=36s
nothing
nothing

# Who is in time is confirmed, and a restart knows what is open.
start session=s8 by=bot
kill s8
wait 10s
acknowledge s8 evidence=group_empty by=bot
unconfirm s8
----
@32 session_started s8 idle_timeout_seconds=86400
@33 halt_requested session/s8 sessions=1 "by root"
@34 session_killed s8 manual actions=0 because=@33 "by root"
@35 halt_confirmed s8 @33 group_empty after=10000ms
nothing
