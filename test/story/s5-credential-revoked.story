# S5: revoking a credential kills every live session of it and of its agent, and lists them.
register loan-bot credential=c1
issue loan-bot credential=c2
register other-bot credential=c3
start session=s1 credential=c1
start session=s2 by=c2
start session=s3 agent=loan-bot
start session=s4 by=c3
start session=s5 parent=s1
intercept s1 transfer_funds
end s3
start session=s6 agent=loan-bot
revoke credential c1 reason="key compromised"
intercept s1 transfer_funds
intercept s4 transfer_funds
----
@2 agent_registered loan-bot custom {}
@3 credential_issued c1 agent=loan-bot
@4 credential_issued c2 agent=loan-bot
@5 agent_registered other-bot custom {}
@6 credential_issued c3 agent=other-bot
@7 session_started s1 agent=loan-bot credential=c1 idle_timeout_seconds=86400
@8 session_started s2 agent=loan-bot credential=c2 idle_timeout_seconds=86400
@9 session_started s3 agent=loan-bot idle_timeout_seconds=86400
@10 session_started s4 agent=other-bot credential=c3 idle_timeout_seconds=86400
@11 session_started s5 parent=s1 idle_timeout_seconds=86400
@12 enforcement_decision s1 allow actions=1
@13 session_ended s3 actions=0
@14 session_started s6 agent=loan-bot idle_timeout_seconds=86400
@15 credential_revoked c1 agent=loan-bot killed=4 s1 s2 s5 s6 "key compromised"
@16 session_killed s1 credential_revoked actions=1 because=@15 "key compromised"
@17 session_killed s2 credential_revoked actions=0 because=@15 "key compromised"
@18 session_killed s6 credential_revoked actions=0 because=@15 "key compromised"
@19 session_killed s5 credential_revoked actions=0 because=@15 "key compromised"
@20 enforcement_decision s1 terminate credential_revoked actions=1 because=@16 "key compromised"
@21 enforcement_decision s4 allow actions=1

# A repeat stops nothing more.
revoke credential c1 reason="once more"
revoke credential c9
----
key c1 revoked "key compromised"
refused credential_not_found

# The credential is out; the agent's other one is good.
start session=s7 credential=c1
start session=s7 by=c1
start session=s7 by=c2
intercept s7 read_record
----
refused credential_revoked
refused expired_api_key
@22 session_started s7 agent=loan-bot credential=c2 idle_timeout_seconds=86400
@23 enforcement_decision s7 allow actions=1
