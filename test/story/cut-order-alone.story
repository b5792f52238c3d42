# A crash right after an order: the order alone is enough.
start session=s1
start session=s2 parent=s1
kill s1 reason="stop"
----
@2 session_started s1 idle_timeout_seconds=86400
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 halt_requested session/s1 sessions=2 "stop"
@5 session_killed s1 manual actions=0 because=@4 "stop"
@6 session_killed s2 halted actions=0 because=@4 "stop"

crash @5
----
@5 session_killed s1 manual actions=0 because=@4 "stop" by system
@6 session_killed s2 halted actions=0 because=@4 "stop" by system

# A revoked credential.
register loan-bot credential=c1
start session=s3 by=c1
start session=s4 parent=s3
start session=s5 agent=loan-bot
revoke credential c1 reason=""
----
@7 agent_registered loan-bot custom {}
@8 credential_issued c1 agent=loan-bot
@9 session_started s3 agent=loan-bot credential=c1 idle_timeout_seconds=86400
@10 session_started s4 parent=s3 idle_timeout_seconds=86400
@11 session_started s5 agent=loan-bot idle_timeout_seconds=86400
@12 credential_revoked c1 agent=loan-bot killed=3 s3 s4 s5 ""
@13 session_killed s3 credential_revoked actions=0 because=@12 "credential revoked"
@14 session_killed s5 credential_revoked actions=0 because=@12 "credential revoked"
@15 session_killed s4 credential_revoked actions=0 because=@12 "credential revoked"

crash @13
----
@13 session_killed s3 credential_revoked actions=0 because=@12 "credential revoked" by system
@14 session_killed s4 credential_revoked actions=0 because=@12 "credential revoked" by system
@15 session_killed s5 credential_revoked actions=0 because=@12 "credential revoked" by system

# A revoked agent.
register pay-bot credential=c2
start session=s6 by=c2
start session=s7 agent=helper parent=s6
revoke agent pay-bot reason="out"
----
@16 agent_registered pay-bot custom {}
@17 credential_issued c2 agent=pay-bot
@18 session_started s6 agent=pay-bot credential=c2 idle_timeout_seconds=86400
@19 session_started s7 agent=helper parent=s6 idle_timeout_seconds=86400
@20 agent_revoked pay-bot credentials=c2 killed=2 s6 s7 "out"
@21 session_killed s6 agent_revoked actions=0 because=@20 "out"
@22 session_killed s7 agent_revoked actions=0 because=@20 "out"

crash @21
----
@21 session_killed s6 agent_revoked actions=0 because=@20 "out" by system
@22 session_killed s7 agent_revoked actions=0 because=@20 "out" by system

start session=s8 by=c2
----
refused expired_api_key
