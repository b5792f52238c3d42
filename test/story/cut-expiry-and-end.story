# A crash after the end of a session and before that of its sub-sessions: they stop at the restart.
start session=s1 ttl_seconds=10
start session=s2 parent=s1
start session=s3 parent=s2
wait 10s
intercept s3 pay
----
@2 session_started s1 ttl_seconds=10
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 session_started s3 parent=s2 idle_timeout_seconds=86400
@5 session_expired s1 ttl_expired actions=0 deadline=10s
@6 session_killed s2 parent_stopped actions=0 because=@5 "parent stopped: ttl expired: ttl_seconds 10" by system
@7 session_killed s3 parent_stopped actions=0 because=@6 "parent stopped: ttl expired: ttl_seconds 10" by system
@8 enforcement_decision s3 terminate parent_stopped actions=0 because=@7 "parent stopped: ttl expired: ttl_seconds 10"

crash @6
----
@6 session_killed s2 parent_stopped actions=0 because=@5 "parent stopped: ttl expired: ttl_seconds 10" by system
@7 session_killed s3 parent_stopped actions=0 because=@6 "parent stopped: ttl expired: ttl_seconds 10" by system

start session=s4
start session=s5 parent=s4
start session=s6 parent=s5
end s4
----
@8 session_started s4 idle_timeout_seconds=86400
@9 session_started s5 parent=s4 idle_timeout_seconds=86400
@10 session_started s6 parent=s5 idle_timeout_seconds=86400
@11 session_ended s4 actions=0
@12 session_killed s5 parent_stopped actions=0 because=@11 "parent stopped: the session has ended" by system
@13 session_killed s6 parent_stopped actions=0 because=@12 "parent stopped: the session has ended" by system

crash @12
----
@12 session_killed s5 parent_stopped actions=0 because=@11 "parent stopped: the session has ended" by system
@13 session_killed s6 parent_stopped actions=0 because=@12 "parent stopped: the session has ended" by system

intercept s6 pay
----
@14 enforcement_decision s6 terminate parent_stopped actions=0 because=@13 "parent stopped: the session has ended"
