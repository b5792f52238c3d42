# An approval leaves the warnings of the other policies as they are.
key helen roles=approver
policy tell action_type allow conditions="{'warning':'this is logged'}"
policy payments action_type escalate on=pay
start session=s1
intercept s1 pay
answer @7 approve by=helen
intercept s1 pay escalation=@7
----
@2 api_key_created helen approver
@3 policy_changed tell created v1 action_type allow
@4 policy_changed payments created v1 action_type escalate
@5 session_started s1 idle_timeout_seconds=86400
@6 enforcement_decision s1 escalate actions=1 policies=payments/1,tell/1 escalation=@7 "policy \"payments\" escalates this: pay is one of its action_types"
@7 escalation_opened s1 @7 until=900s
@8 escalation_resolved s1 @7 approved
@9 enforcement_decision s1 allow actions=1 policies=payments/1,tell/1 warning="this is logged" escalation=@7
