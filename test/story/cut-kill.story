# A crash in the middle of a kill: the restart names the sessions that the order had not named yet.
start session=s1
start session=s2 parent=s1
start session=s3 parent=s2
start session=s4
kill s1 reason="stop"
----
@2 session_started s1 idle_timeout_seconds=86400
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 session_started s3 parent=s2 idle_timeout_seconds=86400
@5 session_started s4 idle_timeout_seconds=86400
@6 halt_requested session/s1 sessions=3 "stop"
@7 session_killed s1 manual actions=0 because=@6 "stop"
@8 session_killed s2 halted actions=0 because=@6 "stop"
@9 session_killed s3 halted actions=0 because=@6 "stop"

# Only the order and its first session were written.
crash @8
----
@8 session_killed s2 halted actions=0 because=@6 "stop" by system
@9 session_killed s3 halted actions=0 because=@6 "stop" by system

intercept s3 pay
intercept s4 pay
----
@10 enforcement_decision s3 terminate halted actions=0 because=@9 "stop"
@11 enforcement_decision s4 allow actions=1

# Another crash finds nothing to finish.
crash @12
----
nothing
