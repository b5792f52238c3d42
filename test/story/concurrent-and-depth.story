# max_concurrent counts the reservations that are open at and below a session; one more is blocked.
start session=root max_concurrent=2
start session=child parent=root
intercept child ask estimate=1
intercept root ask estimate=0
intercept child ask estimate=1
intercept child ask cost=1
settle @5
intercept child ask estimate=1
----
@2 session_started root idle_timeout_seconds=86400 max_concurrent=2
@3 session_started child parent=root idle_timeout_seconds=86400
@4 enforcement_decision child allow actions=1 holds=1tokens total=nothing held=1tokens
@5 enforcement_decision root allow actions=2 holds=nothing total=nothing held=1tokens
@6 enforcement_decision child block actions=2 "too many at once: max_concurrent 2: settle or cancel one first"
@7 enforcement_decision child allow actions=3 charge=1tokens total=1tokens held=1tokens
@8 reservation_settled root @5 settled spent=nothing reported=nothing total=1tokens held=1tokens
@9 enforcement_decision child allow actions=4 holds=1tokens total=1tokens held=2tokens

# max_depth counts levels below the session that sets it.
start session=deep max_depth=2
start session=d1 parent=deep
start session=d2 parent=d1
start session=d3 parent=d2
start session=e1 parent=deep max_depth=1
start session=e2 parent=e1
start session=e3 parent=e2
----
@10 session_started deep idle_timeout_seconds=86400 max_depth=2
@11 session_started d1 parent=deep idle_timeout_seconds=86400
@12 session_started d2 parent=d1 idle_timeout_seconds=86400
refused session_not_active
@13 session_started e1 parent=deep idle_timeout_seconds=86400 max_depth=1
@14 session_started e2 parent=e1 idle_timeout_seconds=86400
refused session_not_active
