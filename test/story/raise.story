# A raise is sealed with who gave it, from what to what; limits only rise.
start session=s1 max_actions=1 max_tokens=5 max_cost_usd_micros=10 ttl_seconds=10
raise s1 max_actions=2 max_tokens=6 max_cost_usd_micros=11 ttl_seconds=20 reason="more work"
wait 15s
intercept s1 ask cost=6,11
intercept s1 look
----
@2 session_started s1 max_actions=1 max_tokens=5 max_cost_usd_micros=10 ttl_seconds=10
@3 budget_raised s1 actions=1->2 "more work"
@4 budget_raised s1 tokens=5->6 "more work"
@5 budget_raised s1 cost_usd_micros=10->11 "more work"
@6 budget_raised s1 ttl_seconds=10->20 expires=20s "more work"
@7 enforcement_decision s1 allow actions=1/2 charge=6tokens,11micros total=6tokens,11micros held=nothing
@8 enforcement_decision s1 allow actions=2/2

# The new end binds as the old one did.
wait 5s
intercept s1 look
raise s1 ttl_seconds=30
----
@9 session_expired s1 ttl_expired actions=2/2 deadline=20s
@10 enforcement_decision s1 terminate ttl_expired actions=2/2 because=@9 "ttl expired: ttl_seconds 20"
refused session_not_active

# An order in force holds it all the same: what a raise has freed goes on when the order is lifted.
start session=s2 max_actions=1 on_exceeded=pause
intercept s2 look
intercept s2 look
halt workspace pause reason="audit"
raise s2 max_actions=2 reason="one more"
intercept s2 look
lift @16
intercept s2 look
----
@11 session_started s2 max_actions=1
@12 enforcement_decision s2 allow actions=1/1
@13 budget_exceeded s2 actions=1+1/1 pause
@14 session_paused s2 because=@13 "budget exceeded: max_actions 1" by system
@15 enforcement_decision s2 block actions=1/1 "budget exceeded: max_actions 1"
@16 halt_requested workspace/ws_1 pause sessions=0 "audit"
@17 budget_raised s2 actions=1->2 "one more"
@18 enforcement_decision s2 block actions=1/2 "audit"
@19 halt_lifted @16 "by root"
@20 session_resumed s2 because=@19 "by root"
@21 enforcement_decision s2 allow actions=2/2

# The parent's limit is the parent's: a raise below frees nothing.
start session=s3 max_actions=1 on_exceeded=pause
start session=s4 parent=s3 max_actions=5
intercept s4 look
intercept s4 look
raise s4 max_actions=9
intercept s4 look
raise s3 max_actions=2
intercept s4 look
----
@22 session_started s3 max_actions=1
@23 session_started s4 parent=s3 max_actions=5
@24 enforcement_decision s4 allow actions=1/5
@25 budget_exceeded s4 of s3 actions=1+1/1 pause
@26 session_paused s3 because=@25 "budget exceeded: max_actions 1" by system
@27 session_paused s4 because=@26 "parent paused: budget exceeded: max_actions 1" by system
@28 enforcement_decision s4 block actions=1/5 "parent paused: budget exceeded: max_actions 1"
@29 budget_raised s4 actions=5->9 "by root"
@30 enforcement_decision s4 block actions=1/9 "parent paused: budget exceeded: max_actions 1"
@31 budget_raised s3 actions=1->2 "by root"
@32 session_resumed s3 because=@31 "by root"
@33 session_resumed s4 because=@31 "by root"
@34 enforcement_decision s4 allow actions=2/9

# A session that its own budget holds waits for its parent as well, if that is held too.
start session=s5 max_actions=2 on_exceeded=pause
start session=s6 parent=s5 max_actions=1 on_exceeded=pause
intercept s6 look
intercept s6 look
intercept s5 look
intercept s5 look
raise s6 max_actions=5
raise s5 max_actions=5
intercept s6 look
----
@35 session_started s5 max_actions=2
@36 session_started s6 parent=s5 max_actions=1
@37 enforcement_decision s6 allow actions=1/1
@38 budget_exceeded s6 actions=1+1/1 pause
@39 session_paused s6 because=@38 "budget exceeded: max_actions 1" by system
@40 enforcement_decision s6 block actions=1/1 "budget exceeded: max_actions 1"
@41 enforcement_decision s5 allow actions=2/2
@42 budget_exceeded s5 actions=2+1/2 pause
@43 session_paused s5 because=@42 "budget exceeded: max_actions 2" by system
@44 enforcement_decision s5 block actions=2/2 "budget exceeded: max_actions 2"
@45 budget_raised s6 actions=1->5 "by root"
@46 budget_raised s5 actions=2->5 "by root"
@47 session_resumed s5 because=@46 "by root"
@48 session_resumed s6 because=@46 "by root"
@49 enforcement_decision s6 allow actions=2/5
