# A window adds up all sessions of an agent by the calendar of its zone; stories begin at midnight.
policy daily window block conditions="{'by':'agent','period':'day','zone':'UTC','max_tokens':100}"
start session=s1 agent=loan-bot idle_timeout_seconds=999999
start session=s2 agent=loan-bot idle_timeout_seconds=999999
start session=s3 agent=mail-bot idle_timeout_seconds=999999
intercept s1 think cost=60
intercept s2 think cost=41
intercept s3 think cost=41
intercept s2 think estimate=30
intercept s1 think cost=20
intercept s1 think cost=10
intercept s2 think
----
@2 policy_changed daily created v1 window block
@3 session_started s1 agent=loan-bot idle_timeout_seconds=999999
@4 session_started s2 agent=loan-bot idle_timeout_seconds=999999
@5 session_started s3 agent=mail-bot idle_timeout_seconds=999999
@6 enforcement_decision s1 allow actions=1 charge=60tokens total=60tokens held=nothing
@7 enforcement_decision s2 block actions=1 policies=daily/1 "policy \"daily\" blocks this: 60 of 100 tokens of agent \"loan-bot\" this day (UTC) are used, and it asks for 41"
@8 enforcement_decision s3 allow actions=1 charge=41tokens total=41tokens held=nothing
@9 enforcement_decision s2 allow actions=2 holds=30tokens total=nothing held=30tokens
@10 enforcement_decision s1 block actions=2 policies=daily/1 "policy \"daily\" blocks this: reservations that are not settled yet hold the rest of agent \"loan-bot\" this day (UTC)"
@11 enforcement_decision s1 allow actions=3 charge=10tokens total=70tokens held=nothing
@12 enforcement_decision s2 allow actions=3

# What is settled comes back, or is overrun; the next day nothing is used.
settle @9 cost=20
intercept s1 think estimate=5
intercept s2 think cost=6
intercept s2 think cost=5
settle @14 cost=6
intercept s2 think
wait 86400s
intercept s2 think
intercept s1 think cost=101
intercept s2 think cost=100
----
@13 reservation_settled s2 @9 settled spent=20tokens reported=20tokens total=20tokens held=nothing
@14 enforcement_decision s1 allow actions=4 holds=5tokens total=70tokens held=5tokens
@15 enforcement_decision s2 block actions=4 policies=daily/1 "policy \"daily\" blocks this: reservations that are not settled yet hold the rest of agent \"loan-bot\" this day (UTC)"
@16 enforcement_decision s2 allow actions=5 charge=5tokens total=25tokens held=nothing
@17 reservation_settled s1 @14 settled spent=6tokens reported=6tokens total=76tokens held=nothing
@18 enforcement_decision s2 block actions=6 policies=daily/1 "policy \"daily\" blocks this: 101 of 100 tokens of agent \"loan-bot\" this day (UTC) are used, and it asks for 0"
@19 enforcement_decision s2 allow actions=7
@20 enforcement_decision s1 block actions=5 policies=daily/1 "policy \"daily\" blocks this: 0 of 100 tokens of agent \"loan-bot\" this day (UTC) are used, and it asks for 101"
@21 enforcement_decision s2 allow actions=8 charge=100tokens total=125tokens held=nothing

# The session's own budget is asked after the policies, and the window counts nothing of what it ends.
start session=s4 agent=mail-bot max_tokens=10
intercept s4 think cost=101
intercept s4 think cost=11
intercept s3 think cost=100
----
@22 session_started s4 agent=mail-bot max_tokens=10
@23 enforcement_decision s4 block actions=1 policies=daily/1 "policy \"daily\" blocks this: 0 of 100 tokens of agent \"mail-bot\" this day (UTC) are used, and it asks for 101"
@24 budget_exceeded s4 tokens=0+11/10
@25 session_killed s4 budget_exceeded actions=1 because=@24 "budget exceeded: max_tokens 10, spent 0, needed 11" by system
@26 enforcement_decision s4 terminate budget_exceeded actions=1 because=@25 "budget exceeded: max_tokens 10, spent 0, needed 11"
@27 enforcement_decision s3 allow actions=2 charge=100tokens total=141tokens held=nothing

# An action without a session costs the window as well, and an estimate is taken for the cost.
intercept - think agent=free-bot estimate=60
intercept - think agent=free-bot cost=41
intercept - think agent=free-bot cost=40
----
@28 enforcement_decision - allow agent=free-bot charge=60tokens
@29 enforcement_decision - block agent=free-bot policies=daily/1 "policy \"daily\" blocks this: 60 of 100 tokens of agent \"free-bot\" this day (UTC) are used, and it asks for 41"
@30 enforcement_decision - allow agent=free-bot charge=40tokens
