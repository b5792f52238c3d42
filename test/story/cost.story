# A cost is charged at every session above, and the one whose limit it would pass stops with all below.
start session=root max_tokens=100 max_cost_usd_micros=1500000
start session=child parent=root max_tokens=60
intercept child ask cost=40,500000
intercept root ask cost=60,0
----
@2 session_started root max_tokens=100 max_cost_usd_micros=1500000
@3 session_started child parent=root max_tokens=60
@4 enforcement_decision child allow actions=1 charge=40tokens,500000micros total=40tokens,500000micros held=nothing
@5 enforcement_decision root allow actions=2 charge=60tokens total=100tokens,500000micros held=nothing

# Equal is fine; one more is not, however small, and it is the root that has no room.
intercept child ask cost=1,0
intercept child ask
----
@6 budget_exceeded child of root tokens=100+1/100
@7 session_killed root budget_exceeded actions=2 because=@6 "budget exceeded: max_tokens 100, spent 100, needed 1" by system
@8 session_killed child parent_stopped actions=1 because=@7 "parent stopped: budget exceeded: max_tokens 100, spent 100, needed 1" by system
@9 enforcement_decision child terminate parent_stopped actions=1 because=@8 "parent stopped: budget exceeded: max_tokens 100, spent 100, needed 1"
@10 enforcement_decision child terminate parent_stopped actions=1 because=@8 "parent stopped: budget exceeded: max_tokens 100, spent 100, needed 1"

# Money is counted in micro-USD, and told in USD.
start session=s2 max_cost_usd_micros=1500000
intercept s2 ask cost=0,1499999
intercept s2 ask cost=0,2
----
@11 session_started s2 max_cost_usd_micros=1500000
@12 enforcement_decision s2 allow actions=1 charge=1499999micros total=1499999micros held=nothing
@13 budget_exceeded s2 cost_usd_micros=1499999+2/1500000
@14 session_killed s2 budget_exceeded actions=1 because=@13 "budget exceeded: max_cost_usd 1.5, spent 1.499999, needed 0.000002" by system
@15 enforcement_decision s2 terminate budget_exceeded actions=1 because=@14 "budget exceeded: max_cost_usd 1.5, spent 1.499999, needed 0.000002"

# Only an allow charges: a blocked action carries no cost.
start agent=a1 session=first
start session=s3 max_tokens=10
revoke agent a1
intercept s3 ask agent=a1 cost=8
intercept s3 ask cost=8
----
@16 session_started first agent=a1 idle_timeout_seconds=86400
@17 session_started s3 max_tokens=10
@18 agent_revoked a1 killed=1 first "by root"
@19 session_killed first agent_revoked actions=0 because=@18 "by root"
@20 enforcement_decision s3 block actions=1 "by root"
@21 enforcement_decision s3 allow actions=2 charge=8tokens total=8tokens held=nothing
