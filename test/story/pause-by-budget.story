# With on_exceeded pause the action over the limit is blocked and holds the session; neither it nor the next counts.
start session=root max_tokens=100 on_exceeded=pause
start session=child parent=root
intercept child ask cost=90
intercept child ask cost=20
intercept child ask cost=1
intercept root look
----
@2 session_started root max_tokens=100
@3 session_started child parent=root idle_timeout_seconds=86400
@4 enforcement_decision child allow actions=1 charge=90tokens total=90tokens held=nothing
@5 budget_exceeded child of root tokens=90+20/100 pause
@6 session_paused root because=@5 "budget exceeded: max_tokens 100, spent 90, needed 20" by system
@7 session_paused child because=@6 "parent paused: budget exceeded: max_tokens 100, spent 90, needed 20" by system
@8 enforcement_decision child block actions=1 "parent paused: budget exceeded: max_tokens 100, spent 90, needed 20"
@9 enforcement_decision child block actions=1 "parent paused: budget exceeded: max_tokens 100, spent 90, needed 20"
@10 enforcement_decision root block actions=1 "budget exceeded: max_tokens 100, spent 90, needed 20"

# Not enough for what it asked for: it stays held.
raise root max_tokens=105 reason="a little"
intercept root look
----
@11 budget_raised root tokens=100->105 "a little"
@12 enforcement_decision root block actions=1 "budget exceeded: max_tokens 100, spent 90, needed 20"

# Enough: it goes on, and what is below it.
raise root max_tokens=110 reason="the report is worth it"
intercept child ask cost=20
intercept child ask cost=1
----
@13 budget_raised root tokens=105->110 "the report is worth it"
@14 session_resumed root because=@13 "the report is worth it"
@15 session_resumed child because=@13 "the report is worth it"
@16 enforcement_decision child allow actions=2 charge=20tokens total=110tokens held=nothing
@17 budget_exceeded child of root tokens=110+1/110 pause
@18 session_paused root because=@17 "budget exceeded: max_tokens 110, spent 110, needed 1" by system
@19 session_paused child because=@18 "parent paused: budget exceeded: max_tokens 110, spent 110, needed 1" by system
@20 enforcement_decision child block actions=2 "parent paused: budget exceeded: max_tokens 110, spent 110, needed 1"

# A raise of another limit changes nothing about it, nor does the same limit again.
raise root ttl_seconds=60
raise root max_tokens=110
raise root max_tokens=109
raise root max_actions=9
----
refused invalid_argument
root paused "budget exceeded: max_tokens 110, spent 110, needed 1"
refused invalid_argument
refused invalid_argument

# A person may let it go on as it is: the next action over the limit holds it again.
resume root reason="look only"
intercept root look
intercept root ask cost=1
----
@21 session_resumed root "look only"
@22 session_resumed child because=@21 "look only"
@23 enforcement_decision root allow actions=3
@24 budget_exceeded root tokens=110+1/110 pause
@25 session_paused root because=@24 "budget exceeded: max_tokens 110, spent 110, needed 1" by system
@26 session_paused child because=@25 "parent paused: budget exceeded: max_tokens 110, spent 110, needed 1" by system
@27 enforcement_decision root block actions=3 "budget exceeded: max_tokens 110, spent 110, needed 1"

# It can still be killed.
kill root reason="enough"
raise root max_tokens=1000
----
@28 halt_requested session/root sessions=2 "enough"
@29 session_killed root manual actions=3 because=@28 "enough"
@30 session_killed child halted actions=2 because=@28 "enough"
refused session_not_active
