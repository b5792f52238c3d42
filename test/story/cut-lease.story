# A crash after the entry of a lost lease leaves a session that the next start kills, with what is below it; a restart begins every lease anew.
start session=s1 lease_seconds=10
start session=s2 parent=s1
start session=s3 lease_seconds=10
wait 11s
expire s1
crash @6
wait 10999ms
expire s3
wait 1ms
expire s3
----
@2 session_started s1 idle_timeout_seconds=86400 lease=10s/kill
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 session_started s3 idle_timeout_seconds=86400 lease=10s/kill
@5 lease_lost s1 lease=10s/kill heard=0s
@6 session_killed s1 lease_lost actions=0 because=@5 "lease lost: lease_seconds 10" by system
@7 session_killed s2 parent_stopped actions=0 because=@6 "parent stopped: lease lost: lease_seconds 10" by system
@6 session_killed s1 lease_lost actions=0 because=@5 "lease lost: lease_seconds 10" by system
@7 session_killed s2 parent_stopped actions=0 because=@6 "parent stopped: lease lost: lease_seconds 10" by system
nothing
@8 lease_lost s3 lease=10s/kill heard=11s
@9 session_killed s3 lease_lost actions=0 because=@8 "lease lost: lease_seconds 10" by system
