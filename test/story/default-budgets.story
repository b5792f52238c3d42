# A session that brings no budget gets those of the first default that is about its agent and label, whole.
policy wide default allow priority=1 conditions="{'budgets':{'max_actions':50,'ttl_seconds':600}}"
policy loans default allow priority=2 conditions="{'agent':'loan-*','budgets':{'max_tokens':1000,'max_cost_usd':'2.50','on_exceeded':'pause','warn_at_percent':[90,50]}}"
policy shadow default allow priority=3 mode=shadow conditions="{'budgets':{'max_actions':1}}"
start session=s1 agent=loan-bot
start session=s2 agent=mail-bot
start session=s3 agent=loan-bot max_actions=7
start session=s4 agent=loan-bot max_depth=2
----
@2 policy_changed wide created v1 default allow
@3 policy_changed loans created v1 default allow
@4 policy_changed shadow created v1 default allow shadow
@5 session_started s1 agent=loan-bot max_tokens=1000 max_cost_usd_micros=2500000 idle_timeout_seconds=86400 warn_at_percent=50,90 shadow/1/shadow "max_actions 1" loans/1 "max_tokens 1000, max_cost_usd 2.5"
@6 session_started s2 agent=mail-bot max_actions=50 ttl_seconds=600 shadow/1/shadow "max_actions 1" wide/1 "max_actions 50, ttl_seconds 600"
@7 session_started s3 agent=loan-bot max_actions=7
@8 session_started s4 agent=loan-bot max_tokens=1000 max_cost_usd_micros=2500000 idle_timeout_seconds=86400 max_depth=2 warn_at_percent=50,90 shadow/1/shadow "max_actions 1" loans/1 "max_tokens 1000, max_cost_usd 2.5"

# Ceilings bound what a default gives, too.
policy low ceiling block conditions="{'budgets':{'max_actions':20}}"
start session=s5 agent=mail-bot
----
@9 policy_changed low created v1 ceiling block
@10 session_started s5 agent=mail-bot max_actions=20 ttl_seconds=600 shadow/1/shadow "max_actions 1" wide/1 "max_actions 50, ttl_seconds 600" low/1 "max_actions 20 instead of 50"
