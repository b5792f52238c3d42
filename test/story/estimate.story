# An estimate is held at every session above until it is settled, and what was held is no room for others.
start session=root max_tokens=100
start session=child parent=root
intercept child ask estimate=70
intercept root ask estimate=30
----
@2 session_started root max_tokens=100
@3 session_started child parent=root idle_timeout_seconds=86400
@4 enforcement_decision child allow actions=1 holds=70tokens total=nothing held=70tokens
@5 enforcement_decision root allow actions=2 holds=30tokens total=nothing held=100tokens

# It would fit but for what is held: the action is blocked, and counts; nothing is stopped.
intercept root ask cost=1
intercept child ask estimate=1
----
@6 enforcement_decision root block actions=3 "budget reserved: of max_tokens 100, 0 are spent and 100 held for actions under way: settle or cancel these first"
@7 enforcement_decision child block actions=2 "budget reserved: of max_tokens 100, 0 are spent and 100 held for actions under way: settle or cancel these first"

# Settled below the estimate: the rest comes back, at the root too.
settle @4 cost=20
settle @4 cost=20
intercept root ask cost=50
----
@8 reservation_settled child @4 settled spent=20tokens reported=20tokens total=20tokens held=nothing
no reservation of @4 is open
@9 enforcement_decision root allow actions=5 charge=50tokens total=70tokens held=30tokens

# Given back whole.
cancel @5
cancel @5
intercept child ask cost=30
----
@10 reservation_settled root @5 cancelled spent=nothing total=70tokens held=nothing
no reservation of @5 is open
@11 enforcement_decision child allow actions=3 charge=30tokens total=50tokens held=nothing

# What is not held and does not fit stops the root.
intercept child ask estimate=1
----
@12 budget_exceeded child of root tokens=100+1/100
@13 session_killed root budget_exceeded actions=6 because=@12 "budget exceeded: max_tokens 100, spent 100, needed 1" by system
@14 session_killed child parent_stopped actions=3 because=@13 "parent stopped: budget exceeded: max_tokens 100, spent 100, needed 1" by system
@15 enforcement_decision child terminate parent_stopped actions=3 because=@14 "parent stopped: budget exceeded: max_tokens 100, spent 100, needed 1"
