# An agent touches its own sessions: those of its agent, or without an agent those it started.
register loan-bot credential=c1
issue loan-bot credential=c2
register other-bot credential=c3
key plain roles=agent
key other roles=agent
key bound roles=agent agent=loan-bot
start session=s1 by=c1
start session=s2 by=plain
start session=s3 by=plain agent=loan-bot
----
@2 agent_registered loan-bot custom {}
@3 credential_issued c1 agent=loan-bot
@4 credential_issued c2 agent=loan-bot
@5 agent_registered other-bot custom {}
@6 credential_issued c3 agent=other-bot
@7 api_key_created plain agent
@8 api_key_created other agent
@9 api_key_created bound agent agent=loan-bot
@10 session_started s1 agent=loan-bot credential=c1 idle_timeout_seconds=86400
@11 session_started s2 idle_timeout_seconds=86400
@12 session_started s3 agent=loan-bot idle_timeout_seconds=86400

# Own.
intercept s1 step by=c2
intercept s1 step by=bound
intercept s2 step by=plain
intercept s3 step by=plain
intercept s3 step by=c1
----
@13 enforcement_decision s1 allow actions=1
@14 enforcement_decision s1 allow actions=2
@15 enforcement_decision s2 allow actions=1
@16 enforcement_decision s3 allow actions=1
@17 enforcement_decision s3 allow actions=2

# Another's.
intercept s1 step by=c3
touch s1 by=c3
end s1 by=c3
intercept s1 step by=plain
intercept s2 step by=other
intercept s2 step by=c1
start session=s4 by=c3 parent=s1
----
refused insufficient_permissions
refused insufficient_permissions
refused insufficient_permissions
refused insufficient_permissions
refused insufficient_permissions
refused insufficient_permissions
refused insufficient_permissions

# Roles other than agent see all.
touch s2
end s3
----
s2 active
@18 session_ended s3 actions=2

# A bound key does not speak for another agent, nor on another's credential.
start session=s5 by=c1 agent=other-bot
start session=s5 by=c1 credential=c2
start session=s5 by=bound credential=c3
start session=s5 agent=other-bot credential=c1
start session=s5 credential=c9
start session=s5 by=bound
intercept - step by=bound agent=other-bot
intercept - step by=c1
----
refused insufficient_permissions
refused insufficient_permissions
refused credential_not_found
refused credential_not_found
refused credential_not_found
@19 session_started s5 agent=loan-bot idle_timeout_seconds=86400
refused insufficient_permissions
refused session_required
