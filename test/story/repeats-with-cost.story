# A repeat is the same action: charged once, held once, and once it is settled still the same decision.
start session=s1 max_tokens=100
intercept s1 ask cost=10 idem=k1
intercept s1 ask cost=10 idem=k1
intercept s1 ask estimate=20 idem=k2
intercept s1 ask estimate=20 idem=k2
settle @4 cost=15
intercept s1 ask estimate=20 idem=k2
intercept s1 look
----
@2 session_started s1 max_tokens=100
@3 enforcement_decision s1 allow actions=1 charge=10tokens total=10tokens held=nothing
@3 (replayed)
@4 enforcement_decision s1 allow actions=2 holds=20tokens total=10tokens held=20tokens
@4 (replayed)
@5 reservation_settled s1 @4 settled spent=15tokens reported=15tokens total=25tokens held=nothing
@4 (replayed)
@6 enforcement_decision s1 allow actions=3
