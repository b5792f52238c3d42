# A sub-session's actions count at every session above it, and the one whose limit is reached stops with all below.
start session=root max_actions=4
start session=mid parent=root max_actions=3
start session=leaf parent=mid
start session=side parent=root
intercept leaf step
intercept mid step
intercept side step
intercept leaf step
intercept leaf step
intercept mid step
intercept side step
intercept root step
----
@2 session_started root max_actions=4
@3 session_started mid parent=root max_actions=3
@4 session_started leaf parent=mid idle_timeout_seconds=86400
@5 session_started side parent=root idle_timeout_seconds=86400
@6 enforcement_decision leaf allow actions=1
@7 enforcement_decision mid allow actions=2/3
@8 enforcement_decision side allow actions=1
@9 enforcement_decision leaf allow actions=2
@10 budget_exceeded leaf of root actions=4+1/4
@11 session_killed root budget_exceeded actions=4/4 because=@10 "budget exceeded: max_actions 4" by system
@12 session_killed mid parent_stopped actions=3/3 because=@11 "parent stopped: budget exceeded: max_actions 4" by system
@13 session_killed side parent_stopped actions=1 because=@11 "parent stopped: budget exceeded: max_actions 4" by system
@14 session_killed leaf parent_stopped actions=2 because=@12 "parent stopped: budget exceeded: max_actions 4" by system
@15 enforcement_decision leaf terminate parent_stopped actions=2 because=@14 "parent stopped: budget exceeded: max_actions 4"
@16 enforcement_decision mid terminate parent_stopped actions=3/3 because=@12 "parent stopped: budget exceeded: max_actions 4"
@17 enforcement_decision side terminate parent_stopped actions=1 because=@13 "parent stopped: budget exceeded: max_actions 4"
@18 enforcement_decision root terminate budget_exceeded actions=4/4 because=@11 "budget exceeded: max_actions 4"

# Another branch goes on when only one is over its budget.
start session=a max_actions=9
start session=b parent=a max_actions=1
start session=c parent=b
start session=d parent=a
intercept c step
intercept c step
intercept d step
touch b
touch c
----
@19 session_started a max_actions=9
@20 session_started b parent=a max_actions=1
@21 session_started c parent=b idle_timeout_seconds=86400
@22 session_started d parent=a idle_timeout_seconds=86400
@23 enforcement_decision c allow actions=1
@24 budget_exceeded c of b actions=1+1/1
@25 session_killed b budget_exceeded actions=1/1 because=@24 "budget exceeded: max_actions 1" by system
@26 session_killed c parent_stopped actions=1 because=@25 "parent stopped: budget exceeded: max_actions 1" by system
@27 enforcement_decision c terminate parent_stopped actions=1 because=@26 "parent stopped: budget exceeded: max_actions 1"
@28 enforcement_decision d allow actions=1
b killed budget_exceeded "budget exceeded: max_actions 1"
c killed parent_stopped "parent stopped: budget exceeded: max_actions 1"

# A stop from above comes down, however the session above stopped; nothing starts under it.
kill a reason="enough"
intercept d step
start session=e parent=a
start session=f
start session=g parent=f
start session=h parent=g
end f
intercept h step
touch g
----
@29 halt_requested session/a sessions=2 "enough"
@30 session_killed a manual actions=2/9 because=@29 "enough"
@31 session_killed d halted actions=1 because=@29 "enough"
@32 enforcement_decision d terminate halted actions=1 because=@31 "enough"
refused session_not_active
@33 session_started f idle_timeout_seconds=86400
@34 session_started g parent=f idle_timeout_seconds=86400
@35 session_started h parent=g idle_timeout_seconds=86400
@36 session_ended f actions=0
@37 session_killed g parent_stopped actions=0 because=@36 "parent stopped: the session has ended" by system
@38 session_killed h parent_stopped actions=0 because=@37 "parent stopped: the session has ended" by system
@39 enforcement_decision h terminate parent_stopped actions=0 because=@38 "parent stopped: the session has ended"
g killed parent_stopped "parent stopped: the session has ended"

# A child's stop does not go up.
start session=p
start session=q parent=p
kill q
intercept p step
start session=r parent=q
start session=r parent=nobody
----
@40 session_started p idle_timeout_seconds=86400
@41 session_started q parent=p idle_timeout_seconds=86400
@42 halt_requested session/q sessions=1 "by root"
@43 session_killed q manual actions=0 because=@42 "by root"
@44 enforcement_decision p allow actions=1
refused session_not_active
refused session_not_found
