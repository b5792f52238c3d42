# A drill is a session of its own that is stopped like any other, and marked as one wherever it is told.
drill killcord-drill
key client roles=agent
start session=s1 agent=killcord-drill drill=@2 ttl_seconds=300 by=client
halt session/s1 drill=@2 reason="drill"
acknowledge s1 via=stream delivered=now by=client
acknowledge s1 evidence=tasks_cancelled by=client
end-drill drill=@2 session=s1 confirmed=4
----
@2 drill_started @2 agent/killcord-drill
@3 api_key_created client agent
@4 session_started s1 agent=killcord-drill drill=@2 ttl_seconds=300
@5 halt_requested session/s1 sessions=1 drill=@2 "drill"
@6 session_killed s1 drill actions=0 because=@5 "drill"
@7 halt_acknowledged s1 @5 via=stream delivered=0s
@8 halt_confirmed s1 @5 tasks_cancelled after=0ms
@9 drill_ended @2 s1 confirmed confirmed=4ms

# What is stopped for another reason meanwhile is no drill's stop, and the drill says that it failed.
drill loan-bot
start session=s2 agent=loan-bot drill=@10 ttl_seconds=300 by=client
halt agent/loan-bot reason="in earnest"
wait 10s
unconfirm s2
end-drill drill=@10 session=s2
----
@10 drill_started @10 agent/loan-bot
@11 session_started s2 agent=loan-bot drill=@10 ttl_seconds=300
@12 halt_requested agent/loan-bot sessions=1 "in earnest"
@13 session_killed s2 halted actions=0 because=@12 "in earnest"
@14 halt_unconfirmed s2 @12 no_client deadline=10s
@15 drill_ended @10 s2 unconfirmed

# Standing orders hold for drills too.
drill loan-bot
start session=s3 agent=loan-bot drill=@16 by=client
end-drill drill=@16
----
@16 drill_started @16 agent/loan-bot
refused scope_halted
@17 drill_ended @16 unconfirmed
