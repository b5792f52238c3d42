# A lease that nobody renews is lost a grace after its end, and then the session is killed or goes on, as it was asked.
start session=s1 lease_seconds=30
start session=s2 lease_seconds=30 on_lease_lost=continue ttl_seconds=3600
----
@2 session_started s1 idle_timeout_seconds=86400 lease=30s/kill
@3 session_started s2 ttl_seconds=3600 lease=30s/continue

# Every action renews it, and every heartbeat.
wait 30s
intercept s1 step
beat s2
wait 32999ms
expire s1
expire s2
----
@4 enforcement_decision s1 allow actions=1
s2 active
nothing
nothing

wait 1ms
expire s1
expire s2
----
@5 lease_lost s1 lease=30s/kill heard=30s
@6 session_killed s1 lease_lost actions=1 because=@5 "lease lost: lease_seconds 30" by system
@7 lease_lost s2 lease=30s/continue heard=30s

# One that goes on is watched again once it is heard.
wait 100s
expire s2
intercept s2 step
wait 33s
intercept s2 step
intercept s1 step
----
nothing
@8 enforcement_decision s2 allow actions=1
@9 lease_lost s2 lease=30s/continue heard=163s
@10 enforcement_decision s2 allow actions=2
@11 enforcement_decision s1 terminate lease_lost actions=1 because=@6 "lease lost: lease_seconds 30"
