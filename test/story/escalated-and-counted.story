# An action that a person approved was counted when it was asked for: by rates, and by windows, that it may use up.
key boss roles=approver
policy slow rate escalate on=pay conditions="{'by':'session','count':1,'window_seconds':60}"
policy hard rate block on=pay conditions="{'by':'session','count':2,'window_seconds':60}"
policy daily window block conditions="{'by':'agent','period':'day','max_actions':2,'max_tokens':100}"
start session=s1 agent=loan-bot
intercept s1 pay
intercept s1 pay estimate=60
answer @9 approve by=boss
intercept s1 pay estimate=60 escalation=@9
intercept s1 think
----
@2 api_key_created boss approver
@3 policy_changed slow created v1 rate escalate
@4 policy_changed hard created v1 rate block
@5 policy_changed daily created v1 window block
@6 session_started s1 agent=loan-bot idle_timeout_seconds=86400
@7 enforcement_decision s1 allow actions=1
@8 enforcement_decision s1 escalate actions=2 policies=slow/1 escalation=@9 "policy \"slow\" escalates this: more than one action of this session within 60 s"
@9 escalation_opened s1 @9 until=900s estimate=60tokens
@10 escalation_resolved s1 @9 approved
@11 enforcement_decision s1 allow actions=2 holds=60tokens total=nothing held=60tokens policies=slow/1 escalation=@9
@12 enforcement_decision s1 block actions=3 policies=daily/1 "policy \"daily\" blocks this: all 2 actions of agent \"loan-bot\" this day (UTC) are used"

# With counts of what is allowed, the approval is what counts.
policy few rate block on=mail conditions="{'by':'session','count':1,'window_seconds':60,'counts':'allowed'}"
policy ask action_type escalate on=mail
policy daily delete
start session=s2 agent=mail-bot
intercept s2 mail
answer @18 approve by=boss
intercept s2 mail escalation=@18
intercept s2 mail
----
@13 policy_changed few created v1 rate block
@14 policy_changed ask created v1 action_type escalate
@15 policy_changed daily deleted v1
@16 session_started s2 agent=mail-bot idle_timeout_seconds=86400
@17 enforcement_decision s2 escalate actions=1 policies=ask/1 escalation=@18 "policy \"ask\" escalates this: mail is one of its action_types"
@18 escalation_opened s2 @18 until=900s
@19 escalation_resolved s2 @18 approved
@20 enforcement_decision s2 allow actions=1 policies=ask/1 escalation=@18
@21 enforcement_decision s2 block actions=2 policies=few/1,ask/1 "policy \"few\" blocks this: more than one action of this session within 60 s"
