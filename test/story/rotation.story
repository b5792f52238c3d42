# A key that is rotated goes on under a new secret: both are good for the overlap, and both are one caller.
key ann roles=operator,auditor ttl_seconds=100
key bob roles=agent
start session=s1 by=bob idem=a
wait 10s
rotate key ann as=ann2 overlap=20
rotate key bob as=bob2 overlap=20
intercept s1 step by=bob
intercept s1 step by=bob2
start session=s2 by=bob2 idem=a
start session=s2 by=bob2 idem=b
touch s2 by=bob
----
@2 api_key_created ann operator,auditor
@3 api_key_created bob agent
@4 session_started s1 idle_timeout_seconds=86400
@5 api_key_created ann operator,auditor replaces=ann until=30s
@6 api_key_created bob agent replaces=bob until=30s
@7 enforcement_decision s1 allow actions=1
@8 enforcement_decision s1 allow actions=2
s1 active (replayed)
@9 session_started s2 idle_timeout_seconds=86400
s2 active

# When the overlap is over only the new one is good; it has the time that the old one was given.
wait 20s
intercept s1 step by=bob
intercept s1 step by=bob2
kill s2 by=ann
touch s1 by=ann2
wait 79999ms
touch s1 by=ann2
wait 1ms
touch s1 by=ann2
----
refused expired_api_key
@10 enforcement_decision s1 allow actions=3
refused expired_api_key
s1 active
s1 active
refused expired_api_key

# A credential's rotation stops nothing: what runs on the old one goes on, under either.
register loan-bot credential=c1
start session=s3 by=c1
rotate credential c1 as=c2 overlap=60
intercept s3 step by=c2
start session=s4 by=c2
wait 60s
intercept s3 step by=c1
intercept s3 step by=c2
start session=s5 credential=c1
----
@11 agent_registered loan-bot custom {}
@12 credential_issued c1 agent=loan-bot
@13 session_started s3 agent=loan-bot credential=c1 idle_timeout_seconds=86400
@14 credential_issued c2 agent=loan-bot replaces=c1 until=170s
@15 enforcement_decision s3 allow actions=1
@16 session_started s4 agent=loan-bot credential=c2 idle_timeout_seconds=86400
refused expired_api_key
@17 enforcement_decision s3 allow actions=2
refused credential_revoked

# Registering again answers the one that is good. Revoking it stops what was started on the old one too.
register loan-bot
revoke credential c2 reason="leaked"
----
agent loan-bot credential=c2
@18 credential_revoked c2 agent=loan-bot killed=2 s3 s4 "leaked"
@19 session_killed s3 credential_revoked actions=2 because=@18 "leaked"
@20 session_killed s4 credential_revoked actions=0 because=@18 "leaked"

# An overlap of nothing refuses the old secret at once, and ends no later than the old one would have.
key eve roles=operator ttl_seconds=30
rotate key eve as=eve2
touch s1 by=eve
rotate key eve2 as=eve3 overlap=3600
----
@21 api_key_created eve operator
@22 api_key_created eve operator replaces=eve until=170s
refused expired_api_key
@23 api_key_created eve operator replaces=eve2 until=200s

# What is rotated already, revoked, expired or not there is not rotated.
rotate key eve2 as=eve4
rotate credential c2 as=c3
rotate key nobody as=n
rotate credential eve3 as=c3
wait 30s
rotate key eve3 as=eve4
rotate key bob2 as=bob3 idem=r
rotate key bob2 as=bob3 idem=r
----
refused already_exists
refused credential_revoked
refused key_not_found
refused credential_not_found
refused credential_revoked
@24 api_key_created bob agent replaces=bob2 until=200s
key bob3 (replayed)
