# Revoking an agent puts it out for good: its credentials, its sessions and what they opened.
register loan-bot credential=c1
issue loan-bot credential=c2
issue loan-bot credential=c3
revoke credential c3 reason="unused"
start session=s1 by=c1
start session=s2 by=c2
start session=s3 agent=helper parent=s2
start session=s4 agent=helper
revoke agent loan-bot reason=""
intercept s3 read_record
intercept s4 read_record
----
@2 agent_registered loan-bot custom {}
@3 credential_issued c1 agent=loan-bot
@4 credential_issued c2 agent=loan-bot
@5 credential_issued c3 agent=loan-bot
@6 credential_revoked c3 agent=loan-bot killed=0 "unused"
@7 session_started s1 agent=loan-bot credential=c1 idle_timeout_seconds=86400
@8 session_started s2 agent=loan-bot credential=c2 idle_timeout_seconds=86400
@9 session_started s3 agent=helper parent=s2 idle_timeout_seconds=86400
@10 session_started s4 agent=helper idle_timeout_seconds=86400
@11 agent_revoked loan-bot credentials=c1,c2 killed=3 s1 s2 s3 ""
@12 session_killed s1 agent_revoked actions=0 because=@11 "agent revoked"
@13 session_killed s2 agent_revoked actions=0 because=@11 "agent revoked"
@14 session_killed s3 agent_revoked actions=0 because=@11 "agent revoked"
@15 enforcement_decision s3 terminate agent_revoked actions=0 because=@14 "agent revoked"
@16 enforcement_decision s4 allow actions=1

# Nothing of it starts again; a repeat and its credentials' revocation seal nothing.
start session=s5 agent=loan-bot
start session=s5 by=c2
register loan-bot credential=c4
issue loan-bot credential=c4
revoke agent loan-bot reason="again"
revoke credential c1
revoke credential c3
----
refused agent_suspended
refused expired_api_key
refused agent_suspended
refused agent_suspended
agent loan-bot credential=c1 revoked
key c1 revoked ""
key c3 revoked "unused"

# One that was only named by a session can be revoked; one never seen cannot.
revoke agent helper reason="out"
revoke agent nobody
----
@17 agent_revoked helper killed=1 s4 "out"
@18 session_killed s4 agent_revoked actions=1 because=@17 "out"
refused agent_not_found
