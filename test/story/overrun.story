# A settlement above what fits charges what fits, keeps the rest as overrun, and the next action meets it.
start session=root max_tokens=100
start session=child parent=root max_tokens=90
intercept child ask estimate=50
intercept root ask estimate=20
settle @4 cost=95
----
@2 session_started root max_tokens=100
@3 session_started child parent=root max_tokens=90
@4 enforcement_decision child allow actions=1 holds=50tokens total=nothing held=50tokens
@5 enforcement_decision root allow actions=2 holds=20tokens total=nothing held=70tokens
@6 reservation_settled child @4 settled spent=80tokens reported=95tokens total=80tokens held=nothing

# The other reservation is as good as before; what it leaves is no room for what ran over.
cancel @5
intercept child look
----
@7 reservation_settled root @5 cancelled spent=nothing total=80tokens held=nothing
@8 budget_exceeded child tokens=80+15/90
@9 session_killed child budget_exceeded actions=1 because=@8 "budget exceeded: max_tokens 90, spent 80, needed 15" by system
@10 enforcement_decision child terminate budget_exceeded actions=1 because=@9 "budget exceeded: max_tokens 90, spent 80, needed 15"

# Nothing held: what was reported is charged as long as it fits, above the estimate too.
start session=s2 max_tokens=10
intercept s2 ask estimate=1
settle @12 cost=9
intercept s2 ask cost=1
intercept s2 look
----
@11 session_started s2 max_tokens=10
@12 enforcement_decision s2 allow actions=1 holds=1tokens total=nothing held=1tokens
@13 reservation_settled s2 @12 settled spent=9tokens reported=9tokens total=9tokens held=nothing
@14 enforcement_decision s2 allow actions=2 charge=1tokens total=10tokens held=nothing
@15 enforcement_decision s2 allow actions=3

# Without a limit nothing runs over.
start session=s3
intercept s3 ask estimate=1
settle @17 cost=1000000
intercept s3 look
----
@16 session_started s3 idle_timeout_seconds=86400
@17 enforcement_decision s3 allow actions=1 holds=1tokens total=nothing held=1tokens
@18 reservation_settled s3 @17 settled spent=1000000tokens reported=1000000tokens total=1000000tokens held=nothing
@19 enforcement_decision s3 allow actions=2

# What needs nothing of a unit is not blocked for what is held of it, whatever ran over.
start session=s4 max_tokens=100
intercept s4 ask estimate=10
intercept s4 ask estimate=80
settle @21 cost=25
intercept s4 ask cost=0,1
intercept s4 ask cost=1
----
@20 session_started s4 max_tokens=100
@21 enforcement_decision s4 allow actions=1 holds=10tokens total=nothing held=10tokens
@22 enforcement_decision s4 allow actions=2 holds=80tokens total=nothing held=90tokens
@23 reservation_settled s4 @21 settled spent=20tokens reported=25tokens total=20tokens held=80tokens
@24 enforcement_decision s4 allow actions=3 charge=1micros total=20tokens,1micros held=80tokens
@25 enforcement_decision s4 block actions=4 "budget reserved: of max_tokens 100, 20 are spent and 80 held for actions under way: settle or cancel these first"
