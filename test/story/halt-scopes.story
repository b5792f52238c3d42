# A halt reaches every live session on its scope, one below another's label included, and keeps new ones out until it is lifted.
key plain roles=agent
start session=s1 agent=loan-bot max_actions=5
start session=s2 agent=pay-bot label=nightly parent=s1
start session=s3 agent=pay-bot
intercept s2 pay
halt agent/loan-bot reason="key leaked"
intercept s2 pay
start session=s4 agent=loan-bot
start session=s4 agent=pay-bot parent=s1
intercept - pay by=plain agent=loan-bot
intercept - pay by=plain agent=pay-bot
intercept s3 pay
----
@2 api_key_created plain agent
@3 session_started s1 agent=loan-bot max_actions=5
@4 session_started s2 agent=pay-bot parent=s1 "nightly" idle_timeout_seconds=86400
@5 session_started s3 agent=pay-bot idle_timeout_seconds=86400
@6 enforcement_decision s2 allow actions=1
@7 halt_requested agent/loan-bot sessions=2 "key leaked"
@8 session_killed s1 halted actions=1/5 because=@7 "key leaked"
@9 session_killed s2 halted actions=1 because=@7 "key leaked"
@10 enforcement_decision s2 terminate halted actions=1 because=@9 "key leaked"
refused scope_halted
refused session_not_active
@11 enforcement_decision - block agent=loan-bot "key leaked"
@12 enforcement_decision - allow agent=pay-bot
@13 enforcement_decision s3 allow actions=1

# Killed stays killed; new ones may start.
lift @7 reason="rotated"
lift @7
lift @77
intercept s1 pay
start session=s4 agent=loan-bot
intercept - pay by=plain agent=loan-bot
----
@14 halt_lifted @7 "rotated"
halt @7
halt @77
@15 enforcement_decision s1 terminate halted actions=1/5 because=@8 "key leaked"
@16 session_started s4 agent=loan-bot idle_timeout_seconds=86400
@17 enforcement_decision - allow agent=loan-bot

# On a label, on the workspace, and on a credential; the order nearest to the root is told.
register own-bot credential=c1
start session=s5 by=c1
halt label/nightly reason="too loud"
halt workspace reason="stop everything"
start session=s6 agent=new-bot label=nightly
intercept - pay by=plain
lift @21
lift @22
start session=s6 by=c1
start session=s7 agent=own-bot
halt credential/c1 pause reason="who has it"
intercept s6 pay by=c1
intercept s7 pay
----
@18 agent_registered own-bot custom {}
@19 credential_issued c1 agent=own-bot
@20 session_started s5 agent=own-bot credential=c1 idle_timeout_seconds=86400
@21 halt_requested label/nightly sessions=0 "too loud"
@22 halt_requested workspace/ws_1 sessions=3 "stop everything"
@23 session_killed s3 halted actions=1 because=@22 "stop everything"
@24 session_killed s4 halted actions=0 because=@22 "stop everything"
@25 session_killed s5 halted actions=0 because=@22 "stop everything"
refused scope_halted
@26 enforcement_decision - block "stop everything"
@27 halt_lifted @21 "by root"
@28 halt_lifted @22 "by root"
@29 session_started s6 agent=own-bot credential=c1 idle_timeout_seconds=86400
@30 session_started s7 agent=own-bot idle_timeout_seconds=86400
@31 halt_requested credential/c1 pause sessions=1 "who has it"
@32 session_paused s6 because=@31 "who has it"
@33 enforcement_decision s6 block actions=0 "who has it"
@34 enforcement_decision s7 allow actions=1

# Two orders on one scope: lifting one leaves the other.
halt agent/twice-bot pause reason="first"
halt agent/twice-bot reason="second"
start session=s8 agent=twice-bot
lift @36
start session=s8 agent=twice-bot
lift @35
start session=s8 agent=twice-bot
----
@35 halt_requested agent/twice-bot pause sessions=0 "first"
@36 halt_requested agent/twice-bot sessions=0 "second"
refused scope_halted
@37 halt_lifted @36 "by root"
refused scope_halted
@38 halt_lifted @35 "by root"
@39 session_started s8 agent=twice-bot idle_timeout_seconds=86400

# Nobody halts a session that is not there or has stopped; a halt on a name that nobody knows stands.
halt session/s99
halt session/s1
halt label/not-yet
start session=s9 label=not-yet
----
refused session_not_found
refused session_not_active
@40 halt_requested label/not-yet sessions=0 "by root"
refused scope_halted
