# An escalated action waits for a person, is counted when it is asked for, and is allowed once when it is repeated.
key helen roles=approver
policy payments action_type escalate on=pay
start session=s1 agent=loan-bot max_actions=3 max_tokens=10
intercept s1 pay says=bob cost=4 idem=k1
intercept s1 pay says=bob cost=4 idem=k1
intercept s1 pay says=bob cost=4 escalation=@6
answer @6 approve by=helen reason="checked by phone"
answer @6 reject by=helen
intercept s1 pay says=eve cost=4 escalation=@6
intercept s1 pay says=bob cost=4 escalation=@6
intercept s1 pay says=bob cost=4 escalation=@6
----
@2 api_key_created helen approver
@3 policy_changed payments created v1 action_type escalate
@4 session_started s1 agent=loan-bot max_actions=3 max_tokens=10
@5 enforcement_decision s1 escalate actions=1/3 policies=payments/1 escalation=@6 "policy \"payments\" escalates this: pay is one of its action_types"
@6 escalation_opened s1 @6 until=900s cost=4tokens
@5 (replayed)
@7 enforcement_decision s1 block actions=2/3 escalation=@6 "@6 waits for a person: watch it, and repeat the action when it is approved"
@8 escalation_resolved s1 @6 approved "checked by phone"
refused escalation_already_resolved
@9 enforcement_decision s1 block actions=3/3 escalation=@6 "@6 was asked for another action: repeat that one with the same agent, action_type, text, metadata and cost, or ask for this one without escalation_id"
@10 enforcement_decision s1 allow actions=3/3 charge=4tokens total=4tokens held=nothing policies=payments/1 escalation=@6
@11 budget_exceeded s1 actions=3+1/3
@12 session_killed s1 budget_exceeded actions=3/3 because=@11 "budget exceeded: max_actions 3" by system
@13 enforcement_decision s1 terminate budget_exceeded actions=3/3 because=@12 "budget exceeded: max_actions 3"

# A policy that blocks has its say at the repeat; the approval is good as long as it lasts.
start session=s2 agent=loan-bot
intercept s2 pay
answer @16 approve by=helen
policy never action_type block on=pay
intercept s2 pay escalation=@16
policy never delete
wait 899s
intercept s2 pay escalation=@16
intercept s2 pay
answer @23 approve by=helen
wait 900s
intercept s2 pay escalation=@23
----
@14 session_started s2 agent=loan-bot idle_timeout_seconds=86400
@15 enforcement_decision s2 escalate actions=1 policies=payments/1 escalation=@16 "policy \"payments\" escalates this: pay is one of its action_types"
@16 escalation_opened s2 @16 until=900s
@17 escalation_resolved s2 @16 approved
@18 policy_changed never created v1 action_type block
@19 enforcement_decision s2 block actions=2 policies=never/1,payments/1 "policy \"never\" blocks this: pay is one of its action_types"
@20 policy_changed never deleted v1
@21 enforcement_decision s2 allow actions=2 policies=payments/1 escalation=@16
@22 enforcement_decision s2 escalate actions=3 policies=payments/1 escalation=@23 "policy \"payments\" escalates this: pay is one of its action_types"
@23 escalation_opened s2 @23 until=1799s
@24 escalation_resolved s2 @23 approved
@25 enforcement_decision s2 block actions=4 escalation=@23 "the approval of @23 was good for 15 minutes and was not used in time: ask again without escalation_id"

# A policy that wants a person no more: the approval is used all the same, and counts nothing.
start session=s3
intercept s3 pay
answer @28 approve by=helen
policy payments delete
intercept s3 pay escalation=@28
----
@26 session_started s3 idle_timeout_seconds=86400
@27 enforcement_decision s3 escalate actions=1 policies=payments/1 escalation=@28 "policy \"payments\" escalates this: pay is one of its action_types"
@28 escalation_opened s3 @28 until=2699s
@29 escalation_resolved s3 @28 approved
@30 policy_changed payments deleted v1
@31 enforcement_decision s3 allow actions=1 escalation=@28

# Nobody answers in time; and a stop ends what waits.
policy payments action_type escalate on=pay
start session=s4
intercept s4 pay
wait 900s
answer @35 approve by=helen
intercept s4 pay
kill s4
heartbeat
----
@32 policy_changed payments created v1 action_type escalate
@33 session_started s4 idle_timeout_seconds=86400
@34 enforcement_decision s4 escalate actions=1 policies=payments/1 escalation=@35 "policy \"payments\" escalates this: pay is one of its action_types"
@35 escalation_opened s4 @35 until=2699s
@36 escalation_resolved s4 @35 expired "nobody answered within 900 seconds" by system
refused escalation_already_resolved
@37 enforcement_decision s4 escalate actions=2 policies=payments/1 escalation=@38 "policy \"payments\" escalates this: pay is one of its action_types"
@38 escalation_opened s4 @38 until=3599s
@39 halt_requested session/s4 sessions=1 "by root"
@40 session_killed s4 manual actions=2 because=@39 "by root"
@41 escalation_resolved s4 @38 expired "the session has stopped" by system
@42 heartbeat decisions=14 terminations=1 live=2
