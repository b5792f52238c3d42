# A lease binds after ttl and idle time, before everything else; also when no timer has looked yet.
start session=s1 lease_seconds=2 max_actions=1
intercept s1 step
wait 3s
intercept s1 step
----
@2 session_started s1 max_actions=1 lease=2s/kill
@3 enforcement_decision s1 allow actions=1/1
@4 lease_lost s1 lease=2s/kill heard=0s
@5 session_killed s1 lease_lost actions=1/1 because=@4 "lease lost: lease_seconds 2" by system
@6 enforcement_decision s1 terminate lease_lost actions=1/1 because=@5 "lease lost: lease_seconds 2"

# Idle time was first.
start session=s2 lease_seconds=2 idle_timeout_seconds=2
wait 3s
intercept s2 step
----
@7 session_started s2 idle_timeout_seconds=2 lease=2s/kill
@8 session_expired s2 idle_timeout actions=0 deadline=5s
@9 enforcement_decision s2 terminate idle_timeout actions=0 because=@8 "idle timeout: idle_timeout_seconds 2"

# A kill and an end come too late.
start session=s3 lease_seconds=2
start session=s4 lease_seconds=2
wait 3s
kill s3
end s4
----
@10 session_started s3 idle_timeout_seconds=86400 lease=2s/kill
@11 session_started s4 idle_timeout_seconds=86400 lease=2s/kill
@12 lease_lost s3 lease=2s/kill heard=6s
@13 session_killed s3 lease_lost actions=0 because=@12 "lease lost: lease_seconds 2" by system
@14 lease_lost s4 lease=2s/kill heard=6s
@15 session_killed s4 lease_lost actions=0 because=@14 "lease lost: lease_seconds 2" by system

# A repeat under an idempotency key hears of it, too; one that only goes on gets its old verdict.
start session=s5 lease_seconds=2
start session=s6 lease_seconds=2 on_lease_lost=continue
intercept s5 step idem=a
intercept s6 step idem=a
wait 3s
intercept s5 step idem=a
intercept s6 step idem=a
----
@16 session_started s5 idle_timeout_seconds=86400 lease=2s/kill
@17 session_started s6 idle_timeout_seconds=86400 lease=2s/continue
@18 enforcement_decision s5 allow actions=1
@19 enforcement_decision s6 allow actions=1
@20 lease_lost s5 lease=2s/kill heard=9s
@21 session_killed s5 lease_lost actions=1 because=@20 "lease lost: lease_seconds 2" by system
@22 enforcement_decision s5 terminate lease_lost actions=1 because=@21 "lease lost: lease_seconds 2"
@23 lease_lost s6 lease=2s/continue heard=9s

# Looking at a session is no sign of life.
start session=s7 lease_seconds=2
wait 2s
touch s7
wait 1s
touch s7
----
@24 session_started s7 idle_timeout_seconds=86400 lease=2s/kill
s7 active
@25 lease_lost s7 lease=2s/kill heard=12s
@26 session_killed s7 lease_lost actions=0 because=@25 "lease lost: lease_seconds 2" by system
