# A sequence is about the action that completes its steps, in one session, whatever came between.
policy leak sequence block conditions="{'steps':['read_secret*','send_*'],'within_seconds':600}"
start session=s1
start session=s2
intercept s1 send_mail
intercept s1 read_secret_key
intercept s1 think
intercept s1 send_mail
intercept s2 send_mail
wait 599s
intercept s1 send_post
wait 1s
intercept s1 send_post
----
@2 policy_changed leak created v1 sequence block
@3 session_started s1 idle_timeout_seconds=86400
@4 session_started s2 idle_timeout_seconds=86400
@5 enforcement_decision s1 allow actions=1
@6 enforcement_decision s1 allow actions=2
@7 enforcement_decision s1 allow actions=3
@8 enforcement_decision s1 block actions=4 policies=leak/1 "policy \"leak\" blocks this: this session completes the sequence read_secret*, then send_*"
@9 enforcement_decision s2 allow actions=1
@10 enforcement_decision s1 block actions=5 policies=leak/1 "policy \"leak\" blocks this: this session completes the sequence read_secret*, then send_*"
@11 enforcement_decision s1 allow actions=6

# A step that was refused has not happened.
policy no-secrets action_type block on=read_secret*
intercept s2 read_secret_key
intercept s2 send_mail
----
@12 policy_changed no-secrets created v1 action_type block
@13 enforcement_decision s2 block actions=2 policies=no-secrets/1 "policy \"no-secrets\" blocks this: read_secret_key is one of its action_types"
@14 enforcement_decision s2 allow actions=3
