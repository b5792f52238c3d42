# Sub-sessions go eight levels deep.
start session=l0
start session=l1 parent=l0
start session=l2 parent=l1
start session=l3 parent=l2
start session=l4 parent=l3
start session=l5 parent=l4
start session=l6 parent=l5
start session=l7 parent=l6
start session=l8 parent=l7
start session=l9 parent=l8
intercept l8 step
touch l0
kill l0
----
@2 session_started l0 idle_timeout_seconds=86400
@3 session_started l1 parent=l0 idle_timeout_seconds=86400
@4 session_started l2 parent=l1 idle_timeout_seconds=86400
@5 session_started l3 parent=l2 idle_timeout_seconds=86400
@6 session_started l4 parent=l3 idle_timeout_seconds=86400
@7 session_started l5 parent=l4 idle_timeout_seconds=86400
@8 session_started l6 parent=l5 idle_timeout_seconds=86400
@9 session_started l7 parent=l6 idle_timeout_seconds=86400
@10 session_started l8 parent=l7 idle_timeout_seconds=86400
refused session_not_active
@11 enforcement_decision l8 allow actions=1
l0 active
@12 halt_requested session/l0 sessions=9 "by root"
@13 session_killed l0 manual actions=1 because=@12 "by root"
@14 session_killed l1 halted actions=1 because=@12 "by root"
@15 session_killed l2 halted actions=1 because=@12 "by root"
@16 session_killed l3 halted actions=1 because=@12 "by root"
@17 session_killed l4 halted actions=1 because=@12 "by root"
@18 session_killed l5 halted actions=1 because=@12 "by root"
@19 session_killed l6 halted actions=1 because=@12 "by root"
@20 session_killed l7 halted actions=1 because=@12 "by root"
@21 session_killed l8 halted actions=1 because=@12 "by root"
