# A crash between an order and those it names is finished at the start, whichever way the order went.
start session=s1 agent=loan-bot
start session=s2 agent=loan-bot
start session=s3 parent=s2
halt agent/loan-bot pause reason="night"
crash @6
intercept s2 pay
----
@2 session_started s1 agent=loan-bot idle_timeout_seconds=86400
@3 session_started s2 agent=loan-bot idle_timeout_seconds=86400
@4 session_started s3 parent=s2 idle_timeout_seconds=86400
@5 halt_requested agent/loan-bot pause sessions=3 "night"
@6 session_paused s1 because=@5 "night"
@7 session_paused s2 because=@5 "night"
@8 session_paused s3 because=@5 "night"
@6 session_paused s1 because=@5 "night" by system
@7 session_paused s2 because=@5 "night" by system
@8 session_paused s3 because=@5 "night" by system
@9 enforcement_decision s2 block actions=0 "night"

lift @5 reason="day"
crash @12
intercept s1 pay
intercept s3 pay
----
@10 halt_lifted @5 "day"
@11 session_resumed s1 because=@10 "day"
@12 session_resumed s2 because=@10 "day"
@13 session_resumed s3 because=@10 "day"
@12 session_resumed s2 because=@10 "day" by system
@13 session_resumed s3 because=@10 "day" by system
@14 enforcement_decision s1 allow actions=1
@15 enforcement_decision s3 allow actions=1

halt agent/loan-bot reason="out"
crash @18
start session=s4 agent=loan-bot
----
@16 halt_requested agent/loan-bot sessions=3 "out"
@17 session_killed s1 halted actions=1 because=@16 "out"
@18 session_killed s2 halted actions=1 because=@16 "out"
@19 session_killed s3 halted actions=1 because=@16 "out"
@18 session_killed s2 halted actions=1 because=@16 "out" by system
@19 session_killed s3 halted actions=1 because=@16 "out" by system
refused scope_halted
