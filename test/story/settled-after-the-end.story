# A stopped session may still settle and give back: its parents count it, and nothing is revived.
start session=root max_tokens=100
start session=child parent=root
intercept child ask estimate=60
intercept child ask estimate=30
intercept child ask estimate=10
kill child reason="enough"
settle @4 cost=5
cancel @5
----
@2 session_started root max_tokens=100
@3 session_started child parent=root idle_timeout_seconds=86400
@4 enforcement_decision child allow actions=1 holds=60tokens total=nothing held=60tokens
@5 enforcement_decision child allow actions=2 holds=30tokens total=nothing held=90tokens
@6 enforcement_decision child allow actions=3 holds=10tokens total=nothing held=100tokens
@7 halt_requested session/child sessions=1 "enough"
@8 session_killed child manual actions=3 because=@7 "enough"
@9 reservation_settled child @4 settled spent=5tokens reported=5tokens total=5tokens held=40tokens
@10 reservation_settled child @5 cancelled spent=nothing total=5tokens held=10tokens

# What nobody settles in time counts as estimated.
lapse @6
lapse @6
settle @6 cost=1
intercept root ask cost=85
intercept root ask cost=1
----
@11 reservation_settled child @6 lapsed spent=10tokens total=15tokens held=nothing by system
no reservation of @6 is open
no reservation of @6 is open
@12 enforcement_decision root allow actions=4 charge=85tokens total=100tokens held=nothing
@13 budget_exceeded root tokens=100+1/100
@14 session_killed root budget_exceeded actions=4 because=@13 "budget exceeded: max_tokens 100, spent 100, needed 1" by system
@15 enforcement_decision root terminate budget_exceeded actions=4 because=@14 "budget exceeded: max_tokens 100, spent 100, needed 1"

# A credential that was revoked settles nothing: its word is no longer good, so the estimate counts.
register bot credential=c1
start session=s2 by=c1
intercept s2 ask estimate=7 by=c1
revoke credential c1
settle @19 cost=0 by=c1
lapse @19
----
@16 agent_registered bot custom {}
@17 credential_issued c1 agent=bot
@18 session_started s2 agent=bot credential=c1 idle_timeout_seconds=86400
@19 enforcement_decision s2 allow actions=1 holds=7tokens total=nothing held=7tokens
@20 credential_revoked c1 agent=bot killed=1 s2 "by root"
@21 session_killed s2 credential_revoked actions=1 because=@20 "by root"
refused expired_api_key
@22 reservation_settled s2 @19 lapsed spent=7tokens total=7tokens held=nothing by system
