# Sessions that only the lifted order held go on; what another order holds stays held.
start session=s1 agent=loan-bot label=nightly
start session=s2 agent=pay-bot label=nightly
start session=s3 agent=pay-bot
halt label/nightly pause reason="night"
halt agent/pay-bot pause reason="pay"
resume s1
resume s3
lift @5
intercept s1 pay
intercept s2 pay
lift @8 reason="paid"
intercept s2 pay
----
@2 session_started s1 agent=loan-bot "nightly" idle_timeout_seconds=86400
@3 session_started s2 agent=pay-bot "nightly" idle_timeout_seconds=86400
@4 session_started s3 agent=pay-bot idle_timeout_seconds=86400
@5 halt_requested label/nightly pause sessions=2 "night"
@6 session_paused s1 because=@5 "night"
@7 session_paused s2 because=@5 "night"
@8 halt_requested agent/pay-bot pause sessions=1 "pay"
@9 session_paused s3 because=@8 "pay"
refused scope_halted
refused scope_halted
@10 halt_lifted @5 "by root"
@11 session_resumed s1 because=@10 "by root"
@12 enforcement_decision s1 allow actions=1
@13 enforcement_decision s2 block actions=0 "pay"
@14 halt_lifted @8 "paid"
@15 session_resumed s2 because=@14 "paid"
@16 session_resumed s3 because=@14 "paid"
@17 enforcement_decision s2 allow actions=1

# A pause of its own under a wider one: each is lifted by itself.
pause s1 reason="mine"
halt workspace pause reason="all"
resume s1
lift @20
resume s1 reason="yours"
----
@18 halt_requested session/s1 pause sessions=1 "mine"
@19 session_paused s1 because=@18 "mine"
@20 halt_requested workspace/ws_1 pause sessions=2 "all"
@21 session_paused s2 because=@20 "all"
@22 session_paused s3 because=@20 "all"
refused scope_halted
@23 halt_lifted @20 "by root"
@24 session_resumed s2 because=@23 "by root"
@25 session_resumed s3 because=@23 "by root"
@26 halt_lifted @18 "yours"
@27 session_resumed s1 because=@26 "yours"

# A session held below a held one goes on with it; an order of its own keeps it.
start session=s4
start session=s5 parent=s4
start session=s6 parent=s5
halt session/s5 pause reason="below"
pause s4 reason="above"
resume s5
resume s4
intercept s4 pay
intercept s6 pay
resume s5
intercept s6 pay
heartbeat
----
@28 session_started s4 idle_timeout_seconds=86400
@29 session_started s5 parent=s4 idle_timeout_seconds=86400
@30 session_started s6 parent=s5 idle_timeout_seconds=86400
@31 halt_requested session/s5 pause sessions=2 "below"
@32 session_paused s5 because=@31 "below"
@33 session_paused s6 because=@31 "below"
@34 halt_requested session/s4 pause sessions=1 "above"
@35 session_paused s4 because=@34 "above"
refused scope_halted
@36 halt_lifted @34 "by root"
@37 session_resumed s4 because=@36 "by root"
@38 enforcement_decision s4 allow actions=1
@39 enforcement_decision s6 block actions=0 "below"
@40 halt_lifted @31 "by root"
@41 session_resumed s5 because=@40 "by root"
@42 session_resumed s6 because=@40 "by root"
@43 enforcement_decision s6 allow actions=1
@44 heartbeat decisions=6 terminations=0 live=6
