# A rate lets so many actions pass within any window; what it refuses counts too, so that only quiet ends it.
policy slow rate block on=pay_* conditions="{'by':'agent','count':2,'window_seconds':60}"
policy hard rate terminate priority=1 conditions="{'by':'session','count':6,'window_seconds':60}"
start session=s1 agent=loan-bot
start session=s2 agent=loan-bot
intercept s1 pay_bill
intercept s2 pay_bill
intercept s1 pay_bill
intercept s1 read
wait 59s
intercept s2 pay_bill
wait 2s
intercept s2 pay_bill
wait 60s
intercept s2 pay_bill
----
@2 policy_changed slow created v1 rate block
@3 policy_changed hard created v1 rate terminate
@4 session_started s1 agent=loan-bot idle_timeout_seconds=86400
@5 session_started s2 agent=loan-bot idle_timeout_seconds=86400
@6 enforcement_decision s1 allow actions=1
@7 enforcement_decision s2 allow actions=1
@8 enforcement_decision s1 block actions=2 policies=slow/1 "policy \"slow\" blocks this: more than 2 actions of agent \"loan-bot\" within 60 s"
@9 enforcement_decision s1 allow actions=3
@10 enforcement_decision s2 block actions=2 policies=slow/1 "policy \"slow\" blocks this: more than 2 actions of agent \"loan-bot\" within 60 s"
@11 enforcement_decision s2 allow actions=3
@12 enforcement_decision s2 allow actions=4

# One whose decision is terminate stops the run; it is the first of the strictest that is the reason.
6 times intercept s1 read
intercept s1 pay_bill
intercept s1 read
----
@13 enforcement_decision s1 allow actions=4
@14 enforcement_decision s1 allow actions=5
@15 enforcement_decision s1 allow actions=6
@16 enforcement_decision s1 allow actions=7
@17 enforcement_decision s1 allow actions=8
@18 enforcement_decision s1 allow actions=9
@19 session_killed s1 policy actions=9 because=@3 "policy \"hard\" terminates this: more than 6 actions of this session within 60 s" by system
@20 enforcement_decision s1 terminate policy actions=9 because=@19 policies=hard/1 "policy \"hard\" terminates this: more than 6 actions of this session within 60 s"
@21 enforcement_decision s1 terminate policy actions=9 because=@19 "policy \"hard\" terminates this: more than 6 actions of this session within 60 s"

# Without a session what would terminate is blocked, and counts as one action of its agent.
2 times intercept - pay_bill agent=other-bot
intercept - pay_bill agent=other-bot
4 times intercept - read agent=other-bot
----
@22 enforcement_decision - allow agent=other-bot
@23 enforcement_decision - allow agent=other-bot
@24 enforcement_decision - block agent=other-bot policies=slow/1 "policy \"slow\" blocks this: more than 2 actions of agent \"other-bot\" within 60 s"
@25 enforcement_decision - allow agent=other-bot
@26 enforcement_decision - allow agent=other-bot
@27 enforcement_decision - allow agent=other-bot
@28 enforcement_decision - block agent=other-bot policies=hard/1 "policy \"hard\" terminates this: more than 6 actions of actions without a session within 60 s"
