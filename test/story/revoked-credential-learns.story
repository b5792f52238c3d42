# A revoked credential is good for one thing: learning that its agent's sessions are stopped.
register loan-bot credential=c1
issue loan-bot credential=c2 ttl_seconds=60
start session=s1 by=c2
start session=other agent=other-bot
revoke credential c2 reason="leaked"
intercept s1 transfer_funds by=c2
touch s1 by=c2
----
@2 agent_registered loan-bot custom {}
@3 credential_issued c1 agent=loan-bot
@4 credential_issued c2 agent=loan-bot
@5 session_started s1 agent=loan-bot credential=c2 idle_timeout_seconds=86400
@6 session_started other agent=other-bot idle_timeout_seconds=86400
@7 credential_revoked c2 agent=loan-bot killed=1 s1 "leaked"
@8 session_killed s1 credential_revoked actions=0 because=@7 "leaked"
@9 enforcement_decision s1 terminate credential_revoked actions=0 because=@8 "leaked"
s1 killed credential_revoked "leaked"

# All else is refused.
start session=s2 by=c2
end s1 by=c2
intercept other transfer_funds by=c2
touch other by=c2
intercept - transfer_funds by=c2
intercept s9 transfer_funds by=c2
----
refused expired_api_key
refused expired_api_key
refused expired_api_key
refused expired_api_key
refused expired_api_key
refused expired_api_key

# A live session of its agent runs on another credential: none of the revoked one's business.
start session=s3 by=c1
intercept s3 transfer_funds by=c2
touch s3 by=c2
----
@10 session_started s3 agent=loan-bot credential=c1 idle_timeout_seconds=86400
refused expired_api_key
refused expired_api_key

# It still learns the stop when its own time is over as well.
wait 60s
intercept s1 transfer_funds by=c2
touch s1 by=c2
intercept s3 transfer_funds by=c2
----
@11 enforcement_decision s1 terminate credential_revoked actions=0 because=@8 "leaked"
s1 killed credential_revoked "leaked"
refused expired_api_key
