# A lease that pauses holds its session and what is below it, until a person lets it go on; then it runs anew.
start session=s1 lease_seconds=10 on_lease_lost=pause
start session=s2 parent=s1 on_lease_lost=pause lease_seconds=10
intercept s1 step idem=a
wait 11s
intercept s2 step
intercept s1 step idem=a
expire s1
----
@2 session_started s1 idle_timeout_seconds=86400 lease=10s/pause
@3 session_started s2 parent=s1 idle_timeout_seconds=86400 lease=10s/pause
@4 enforcement_decision s1 allow actions=1
@5 lease_lost s1 lease=10s/pause heard=0s
@6 session_paused s1 because=@5 "lease lost: lease_seconds 10" by system
@7 session_paused s2 because=@6 "parent paused: lease lost: lease_seconds 10" by system
@8 lease_lost s2 lease=10s/pause heard=0s
@9 enforcement_decision s2 block actions=0 "parent paused: lease lost: lease_seconds 10"
@10 enforcement_decision s1 block actions=1 "lease lost: lease_seconds 10"
nothing

# Its client may be heard again: that alone lets nothing go on, and the lease is watched again.
beat s1
intercept s1 step
wait 11s
expire s1
----
s1 paused "lease lost: lease_seconds 10"
@11 enforcement_decision s1 block actions=1 "lease lost: lease_seconds 10"
@12 lease_lost s1 lease=10s/pause heard=11s

# Who lets it go on starts its lease: without a client it is lost again.
resume s1
wait 10999ms
expire s1
wait 1ms
expire s1
----
@13 session_resumed s1 "by root"
@14 session_resumed s2 because=@13 "by root"
nothing
@15 lease_lost s1 lease=10s/pause heard=22s
@16 session_paused s1 because=@15 "lease lost: lease_seconds 10" by system
@17 session_paused s2 because=@16 "parent paused: lease lost: lease_seconds 10" by system

# While a person holds a session its lease runs on: a client that holds still is heard by heartbeats.
start session=s3 lease_seconds=10 on_lease_lost=pause
start session=s4 lease_seconds=10
pause s3
pause s4
wait 10s
beat s3
wait 1s
expire s3
expire s4
wait 10s
expire s3
----
@18 session_started s3 idle_timeout_seconds=86400 lease=10s/pause
@19 session_started s4 idle_timeout_seconds=86400 lease=10s/kill
@20 halt_requested session/s3 pause sessions=1 "by root"
@21 session_paused s3 because=@20 "by root"
@22 halt_requested session/s4 pause sessions=1 "by root"
@23 session_paused s4 because=@22 "by root"
s3 paused "by root"
nothing
@24 lease_lost s4 lease=10s/kill heard=33s
@25 session_killed s4 lease_lost actions=0 because=@24 "lease lost: lease_seconds 10" by system
@26 lease_lost s3 lease=10s/pause heard=43s

# What the order held goes on when it is lifted.
resume s3
intercept s3 step
----
@27 halt_lifted @20 "by root"
@28 session_resumed s3 because=@27 "by root"
@29 enforcement_decision s3 allow actions=1
