# A crash between an exceeded limit and the pause: the restart holds the session, and what is below it.
start session=s1 max_tokens=10 on_exceeded=pause
start session=s2 parent=s1
intercept s2 ask cost=11
----
@2 session_started s1 max_tokens=10
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 budget_exceeded s2 of s1 tokens=0+11/10 pause
@5 session_paused s1 because=@4 "budget exceeded: max_tokens 10, spent 0, needed 11" by system
@6 session_paused s2 because=@5 "parent paused: budget exceeded: max_tokens 10, spent 0, needed 11" by system
@7 enforcement_decision s2 block actions=0 "parent paused: budget exceeded: max_tokens 10, spent 0, needed 11"

crash @5
----
@5 session_paused s1 because=@4 "budget exceeded: max_tokens 10, spent 0, needed 11" by system
@6 session_paused s2 because=@5 "parent paused: budget exceeded: max_tokens 10, spent 0, needed 11" by system

intercept s2 look
----
@7 enforcement_decision s2 block actions=0 "parent paused: budget exceeded: max_tokens 10, spent 0, needed 11"

# The pause was written, but not that of what is below.
crash @6
----
@6 session_paused s2 because=@5 "parent paused: budget exceeded: max_tokens 10, spent 0, needed 11" by system

# A crash between a raise and the end of the pause: the restart lets it go on.
raise s1 max_tokens=20 reason="go on"
----
@7 budget_raised s1 tokens=10->20 "go on"
@8 session_resumed s1 because=@7 "go on"
@9 session_resumed s2 because=@7 "go on"

crash @8
----
@8 session_resumed s1 because=@7 "go on" by system
@9 session_resumed s2 because=@7 "go on" by system

crash @9
----
@9 session_resumed s2 because=@7 "go on" by system

intercept s2 ask cost=11
----
@10 enforcement_decision s2 allow actions=1 charge=11tokens total=11tokens held=nothing

# A crash between a decision and what is to be told of its limits: the restart tells it.
start session=s3 max_tokens=10 warn_at_percent=50
intercept s3 ask cost=5
----
@11 session_started s3 max_tokens=10 warn_at_percent=50
@12 enforcement_decision s3 allow actions=1 charge=5tokens total=5tokens held=nothing
@13 notice soft_limit s3 {"unit":"tokens","percent":50,"limit":10,"spent":5}

crash @13
----
@13 notice soft_limit s3 {"unit":"tokens","percent":50,"limit":10,"spent":5}

# A crash between an exceeded limit of money and the kill.
intercept s3 ask cost=6
----
@14 budget_exceeded s3 tokens=5+6/10
@15 session_killed s3 budget_exceeded actions=1 because=@14 "budget exceeded: max_tokens 10, spent 5, needed 6" by system
@16 enforcement_decision s3 terminate budget_exceeded actions=1 because=@15 "budget exceeded: max_tokens 10, spent 5, needed 6"

crash @15
----
@15 session_killed s3 budget_exceeded actions=1 because=@14 "budget exceeded: max_tokens 10, spent 5, needed 6" by system

# What is held is held after a crash, too.
start session=s4 max_tokens=10
intercept s4 ask estimate=7
crash @18
intercept s4 ask estimate=7
settle @17 cost=3
----
@16 session_started s4 max_tokens=10
@17 enforcement_decision s4 allow actions=1 holds=7tokens total=nothing held=7tokens
nothing
@18 enforcement_decision s4 block actions=2 "budget reserved: of max_tokens 10, 0 are spent and 7 held for actions under way: settle or cancel these first"
@19 reservation_settled s4 @17 settled spent=3tokens reported=3tokens total=3tokens held=nothing
