# A ceiling cuts down what asks for more, and bounds what asks for no limit; one whose decision is block refuses more.
policy most ceiling allow conditions="{'budgets':{'max_actions':100,'ttl_seconds':3600,'max_cost_usd':5}}"
policy tokens ceiling block conditions="{'label':'nightly*','budgets':{'max_tokens':1000}}"
start session=s1 agent=loan-bot max_actions=500
start session=s2 agent=loan-bot max_actions=100 ttl_seconds=3600 max_cost_usd_micros=5000000
start session=s3 label=nightly max_actions=1 ttl_seconds=60 max_cost_usd_micros=1 max_tokens=1001
start session=s3 label=nightly max_actions=1 ttl_seconds=60 max_cost_usd_micros=1 max_tokens=1000
start session=s4 label=nightly ttl_seconds=60
start session=s5 parent=s2
----
@2 policy_changed most created v1 ceiling allow
@3 policy_changed tokens created v1 ceiling block
@4 session_started s1 agent=loan-bot max_actions=100 max_cost_usd_micros=5000000 ttl_seconds=3600 most/1 "max_actions 100 instead of 500, max_cost_usd 5 instead of no limit, ttl_seconds 3600 instead of no limit"
@5 session_started s2 agent=loan-bot max_actions=100 max_cost_usd_micros=5000000 ttl_seconds=3600
refused above_ceiling
@6 session_started s3 "nightly" max_actions=1 max_tokens=1000 max_cost_usd_micros=1 ttl_seconds=60
@7 session_started s4 "nightly" max_actions=100 max_tokens=1000 max_cost_usd_micros=5000000 ttl_seconds=60 most/1 "max_actions 100 instead of no limit, max_cost_usd 5 instead of no limit" tokens/1 "max_tokens 1000 instead of no limit"
@8 session_started s5 parent=s2 max_actions=100 max_cost_usd_micros=5000000 ttl_seconds=3600 most/1 "max_actions 100 instead of no limit, max_cost_usd 5 instead of no limit, ttl_seconds 3600 instead of no limit"

# No raise passes one, whichever its decision is.
raise s2 max_actions=101
raise s3 max_tokens=1001
raise s3 max_actions=100
raise s4 ttl_seconds=3601
----
refused above_ceiling
refused above_ceiling
@9 budget_raised s3 actions=1->100 "by root"
refused above_ceiling

# A ceiling that comes later binds what starts and what is raised from then on, and takes nothing away.
policy late ceiling allow priority=-1 conditions="{'budgets':{'max_actions':10}}"
intercept s2 read
raise s3 max_actions=101
start session=s6
----
@10 policy_changed late created v1 ceiling allow
@11 enforcement_decision s2 allow actions=1/100
refused above_ceiling
@12 session_started s6 max_actions=10 max_cost_usd_micros=5000000 ttl_seconds=3600 most/1 "max_actions 100 instead of no limit, max_cost_usd 5 instead of no limit, ttl_seconds 3600 instead of no limit" late/1 "max_actions 10 instead of 100"

# In shadow it only says what it would have done; switched off it says nothing.
policy most ceiling allow mode=shadow conditions="{'budgets':{'max_actions':5,'ttl_seconds':3600}}"
policy late ceiling allow enabled=no conditions="{'budgets':{'max_actions':10}}"
start session=s7 max_actions=50
raise s7 max_actions=500
----
@13 policy_changed most updated v2 ceiling allow shadow
@14 policy_changed late updated v2 ceiling allow off
@15 session_started s7 max_actions=50 most/2/shadow "max_actions 5 instead of 50, ttl_seconds 3600 instead of no limit"
@16 budget_raised s7 actions=50->500 "by root"
