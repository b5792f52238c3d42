# A session is told once when it has spent a part of a limit, the highest it has reached; a raise begins anew.
start session=root max_actions=4 max_tokens=100 warn_at_percent=50,80
start session=child parent=root max_tokens=10 warn_at_percent=90
intercept child ask cost=9
intercept child look
intercept root ask estimate=60
settle @8 cost=80
----
@2 session_started root max_actions=4 max_tokens=100 warn_at_percent=50,80
@3 session_started child parent=root max_tokens=10 warn_at_percent=90
@4 enforcement_decision child allow actions=1 charge=9tokens total=9tokens held=nothing
@5 notice soft_limit child {"unit":"tokens","percent":90,"limit":10,"spent":9}
@6 enforcement_decision child allow actions=2
@7 notice soft_limit root {"unit":"actions","percent":50,"limit":4,"spent":2}
@8 enforcement_decision root allow actions=3/4 holds=60tokens total=9tokens held=60tokens
@9 reservation_settled root @8 settled spent=80tokens reported=80tokens total=89tokens held=nothing
@10 notice soft_limit root {"unit":"tokens","percent":80,"limit":100,"spent":89}

raise root max_tokens=200 max_actions=40
intercept root ask cost=60
intercept root ask cost=15
intercept root look
----
@11 budget_raised root actions=4->40 "by root"
@12 budget_raised root tokens=100->200 "by root"
@13 enforcement_decision root allow actions=4/40 charge=60tokens total=149tokens held=nothing
@14 notice soft_limit root {"unit":"tokens","percent":50,"limit":200,"spent":149}
@15 enforcement_decision root allow actions=5/40 charge=15tokens total=164tokens held=nothing
@16 notice soft_limit root {"unit":"tokens","percent":80,"limit":200,"spent":164}
@17 enforcement_decision root allow actions=6/40
