# A paused session is blocked, counts nothing and starts nothing; its ttl runs on, its idle time does not.
start session=s1 agent=loan-bot max_actions=3 ttl_seconds=100 idle_timeout_seconds=30
start session=s2 parent=s1
intercept s1 pay idem=k1
pause s1 reason="who asked"
pause s1
intercept s1 pay
intercept s1 pay idem=k1
intercept s2 pay
start session=s3 parent=s1
wait 40s
expire s1
touch s1
----
@2 session_started s1 agent=loan-bot max_actions=3 ttl_seconds=100 idle_timeout_seconds=30
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 enforcement_decision s1 allow actions=1/3
@5 halt_requested session/s1 pause sessions=2 "who asked"
@6 session_paused s1 because=@5 "who asked"
@7 session_paused s2 because=@5 "who asked"
s1 paused "who asked"
@8 enforcement_decision s1 block actions=1/3 "who asked"
@9 enforcement_decision s1 block actions=1/3 "who asked"
@10 enforcement_decision s2 block actions=0 "who asked"
refused scope_halted
nothing
s1 paused "who asked"

# Resumed, it goes on where it was: the old key, its two actions left, and 30 seconds of idle time.
resume s1 reason="all is well"
resume s1
intercept s1 pay idem=k1
intercept s2 pay
wait 29s
intercept s1 pay
intercept s1 pay
resume s1
----
@11 halt_lifted @5 "all is well"
@12 session_resumed s1 because=@11 "all is well"
@13 session_resumed s2 because=@11 "all is well"
s1 active
@4 (replayed)
@14 enforcement_decision s2 allow actions=1
@15 enforcement_decision s1 allow actions=3/3
@16 budget_exceeded s1 actions=3+1/3
@17 session_killed s1 budget_exceeded actions=3/3 because=@16 "budget exceeded: max_actions 3" by system
@18 session_killed s2 parent_stopped actions=1 because=@17 "parent stopped: budget exceeded: max_actions 3" by system
@19 enforcement_decision s1 terminate budget_exceeded actions=3/3 because=@17 "budget exceeded: max_actions 3"
refused session_not_active

# The pause may be acknowledged while it lasts, and no longer; then the stop may.
start session=s4 ttl_seconds=10
pause s4
acknowledge s4
acknowledge s4 evidence=tasks_cancelled
acknowledge s4 halt=7
resume s4
acknowledge s4 halt=21
pause s4
wait 10s
intercept s4 pay
acknowledge s4 halt=27
acknowledge s4
----
@20 session_started s4 ttl_seconds=10
@21 halt_requested session/s4 pause sessions=1 "by root"
@22 session_paused s4 because=@21 "by root"
@23 halt_acknowledged s4 @21 via=supervisor
@24 halt_confirmed s4 @21 tasks_cancelled after=0ms
refused halt_not_found
@25 halt_lifted @21 "by root"
@26 session_resumed s4 because=@25 "by root"
refused session_not_stopped
@27 halt_requested session/s4 pause sessions=1 "by root"
@28 session_paused s4 because=@27 "by root"
@29 session_expired s4 ttl_expired actions=0 deadline=79s
@30 enforcement_decision s4 terminate ttl_expired actions=0 because=@29 "ttl expired: ttl_seconds 10"
refused halt_not_found
@31 halt_acknowledged s4 @29 via=supervisor

# A paused one can be killed, ended, revoked.
start session=s5 agent=pay-bot
pause s5
kill s5 reason="enough"
start session=s6 agent=pay-bot
pause s6
end s6
start session=s7 agent=pay-bot
pause s7
revoke agent pay-bot
heartbeat
----
@32 session_started s5 agent=pay-bot idle_timeout_seconds=86400
@33 halt_requested session/s5 pause sessions=1 "by root"
@34 session_paused s5 because=@33 "by root"
@35 halt_requested session/s5 sessions=1 "enough"
@36 session_killed s5 manual actions=0 because=@35 "enough"
@37 session_started s6 agent=pay-bot idle_timeout_seconds=86400
@38 halt_requested session/s6 pause sessions=1 "by root"
@39 session_paused s6 because=@38 "by root"
@40 session_ended s6 actions=0
@41 session_started s7 agent=pay-bot idle_timeout_seconds=86400
@42 halt_requested session/s7 pause sessions=1 "by root"
@43 session_paused s7 because=@42 "by root"
@44 agent_revoked pay-bot killed=1 s7 "by root"
@45 session_killed s7 agent_revoked actions=0 because=@44 "by root"
@46 heartbeat decisions=8 terminations=2 live=0
