# A lost lease stops the sub-sessions, too; what they do is no sign of life of the one above.
start session=s1 lease_seconds=10
start session=s2 parent=s1 lease_seconds=300
wait 10s
intercept s2 step
wait 1s
intercept s2 step
----
@2 session_started s1 idle_timeout_seconds=86400 lease=10s/kill
@3 session_started s2 parent=s1 idle_timeout_seconds=86400 lease=300s/kill
@4 enforcement_decision s2 allow actions=1
@5 lease_lost s1 lease=10s/kill heard=0s
@6 session_killed s1 lease_lost actions=1 because=@5 "lease lost: lease_seconds 10" by system
@7 session_killed s2 parent_stopped actions=1 because=@6 "parent stopped: lease lost: lease_seconds 10" by system
@8 enforcement_decision s2 terminate parent_stopped actions=1 because=@7 "parent stopped: lease lost: lease_seconds 10"

# Nothing starts under it.
start session=s3 lease_seconds=10
wait 11s
start session=s4 parent=s3
----
@9 session_started s3 idle_timeout_seconds=86400 lease=10s/kill
@10 lease_lost s3 lease=10s/kill heard=11s
@11 session_killed s3 lease_lost actions=0 because=@10 "lease lost: lease_seconds 10" by system
refused session_not_active

# The lease above goes on where it was asked to; the one below is lost by itself.
start session=s5 lease_seconds=10 on_lease_lost=continue
start session=s6 parent=s5 lease_seconds=10
wait 11s
intercept s6 step
----
@12 session_started s5 idle_timeout_seconds=86400 lease=10s/continue
@13 session_started s6 parent=s5 idle_timeout_seconds=86400 lease=10s/kill
@14 lease_lost s6 lease=10s/kill heard=22s
@15 session_killed s6 lease_lost actions=0 because=@14 "lease lost: lease_seconds 10" by system
@16 enforcement_decision s6 terminate lease_lost actions=0 because=@15 "lease lost: lease_seconds 10"
