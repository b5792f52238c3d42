# A policy is made, changed, switched off and taken away, each with the digest of what is then in force.
policy no-deletes action_type block on=delete_* priority=10
----
@2 policy_changed no-deletes created v1 action_type block

policy big threshold terminate on=transfer_* conditions="{'path':'/amount','operator':'gt','value':1000.5}"
policy big threshold terminate on=transfer_* conditions="{'path':'/amount','operator':'gt','value':1000.5}"
policy big threshold block mode=shadow conditions="{'path':'/amount','operator':'gt','value':2000}"
policy no-deletes action_type block enabled=no
----
@3 policy_changed big created v1 threshold terminate
policy big v1
@4 policy_changed big updated v2 threshold block shadow
@5 policy_changed no-deletes updated v2 action_type block off

policy big delete
policy big delete
policy big threshold block conditions="{'path':'/amount','operator':'gt','value':1}"
----
@6 policy_changed big deleted v2
refused policy_not_found
@7 policy_changed big created v1 threshold block

# Which of them are in force, every decision says.
start session=s1
intercept s1 read
----
@8 session_started s1 idle_timeout_seconds=86400
@9 enforcement_decision s1 block actions=1 policies=big/1 "policy \"big\" blocks this: metadata/amount is no number that can be compared"
