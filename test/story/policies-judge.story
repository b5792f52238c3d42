# Of the policies that an action meets, the most restrictive wins; whatever they say is sealed with their versions.
policy tell action_type allow priority=50 conditions="{'warning':'this is logged'}"
policy big threshold escalate priority=5 conditions="{'path':'/amount','operator':'gt','value':100}"
policy huge threshold block priority=1 conditions="{'path':'/amount','operator':'gt','value':1000}"
policy absurd threshold terminate conditions="{'path':'/amount','operator':'gt','value':1000000,'missing':'pass'}"
policy try action_type terminate mode=shadow on=delete_*
policy off action_type terminate enabled=no
start session=s1 max_actions=9
start session=s2 parent=s1
----
@2 policy_changed tell created v1 action_type allow
@3 policy_changed big created v1 threshold escalate
@4 policy_changed huge created v1 threshold block
@5 policy_changed absurd created v1 threshold terminate
@6 policy_changed try created v1 action_type terminate shadow
@7 policy_changed off created v1 action_type terminate off
@8 session_started s1 max_actions=9
@9 session_started s2 parent=s1 idle_timeout_seconds=86400

# An allow with a warning, an escalation, a block; each counts one action.
intercept s1 pay metadata="{'amount':1}"
intercept s1 pay metadata="{'amount':101}"
intercept s1 pay metadata="{'amount':1001}"
----
@10 enforcement_decision s1 allow actions=1/9 policies=tell/1 warning="this is logged"
@11 enforcement_decision s1 escalate actions=2/9 policies=big/1,tell/1 escalation=@12 "policy \"big\" escalates this: metadata/amount is above 100"
@12 escalation_opened s1 @12 until=900s
@13 enforcement_decision s1 block actions=3/9 policies=huge/1,big/1,tell/1 "policy \"huge\" blocks this: metadata/amount is above 1000"

# What cannot be compared is restricted, and not passed by.
intercept s1 pay
intercept s1 pay metadata="{'amount':'5'}"
----
@14 enforcement_decision s1 block actions=4/9 policies=huge/1,big/1,tell/1 "policy \"huge\" blocks this: metadata/amount is no number that can be compared"
@15 enforcement_decision s1 block actions=5/9 policies=huge/1,big/1,tell/1 "policy \"huge\" blocks this: metadata/amount is no number that can be compared"

# In shadow mode it is only told.
intercept s1 delete_all metadata="{'amount':1}"
----
@16 enforcement_decision s1 allow actions=6/9 policies=tell/1 shadow=try/1 warning="this is logged"

# Without a session nothing is stopped: it is blocked.
intercept - pay metadata="{'amount':2000000}"
----
@17 enforcement_decision - block policies=absurd/1,huge/1,big/1,tell/1 "policy \"absurd\" terminates this: metadata/amount is above 1000000"

# A policy that terminates stops the session and what is below it; the entry that set the policy is the cause.
intercept s1 pay metadata="{'amount':2000000}"
intercept s2 pay
intercept s1 pay
----
@18 session_killed s1 policy actions=6/9 because=@5 "policy \"absurd\" terminates this: metadata/amount is above 1000000" by system
@19 escalation_resolved s1 @12 expired "the session has stopped" by system
@20 session_killed s2 parent_stopped actions=0 because=@18 "parent stopped: policy \"absurd\" terminates this: metadata/amount is above 1000000" by system
@21 enforcement_decision s1 terminate policy actions=6/9 because=@18 policies=absurd/1,huge/1,big/1,tell/1 "policy \"absurd\" terminates this: metadata/amount is above 1000000"
@22 enforcement_decision s2 terminate parent_stopped actions=0 because=@20 "parent stopped: policy \"absurd\" terminates this: metadata/amount is above 1000000"
@23 enforcement_decision s1 terminate policy actions=6/9 because=@18 "policy \"absurd\" terminates this: metadata/amount is above 1000000"
