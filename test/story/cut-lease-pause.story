# A crash after the entry of a lost lease that pauses: the next start holds the session, and what is below it.
start session=s1 lease_seconds=10 on_lease_lost=pause
start session=s2 parent=s1
wait 11s
expire s1
crash @5
intercept s2 step
----
@2 session_started s1 idle_timeout_seconds=86400 lease=10s/pause
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 lease_lost s1 lease=10s/pause heard=0s
@5 session_paused s1 because=@4 "lease lost: lease_seconds 10" by system
@6 session_paused s2 because=@5 "parent paused: lease lost: lease_seconds 10" by system
@5 session_paused s1 because=@4 "lease lost: lease_seconds 10" by system
@6 session_paused s2 because=@5 "parent paused: lease lost: lease_seconds 10" by system
@7 enforcement_decision s2 block actions=0 "parent paused: lease lost: lease_seconds 10"
