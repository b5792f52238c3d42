# A key that is unknown, expired or revoked is refused; revoking a plain key stops no session.
key ann roles=operator ttl_seconds=60
key bob roles=agent
start session=s1 by=bob
revoke key bob
intercept s1 read_record by=bob
touch s1 by=bob
intercept s1 read_record
start session=s2 by=nobody
----
@2 api_key_created ann operator
@3 api_key_created bob agent
@4 session_started s1 idle_timeout_seconds=86400
@5 api_key_revoked bob "by root"
refused expired_api_key
refused expired_api_key
@6 enforcement_decision s1 allow actions=1
refused invalid_api_key

# ann may kill until her time is over.
wait 59999ms
touch s1 by=ann
wait 1ms
kill s1 by=ann
revoke key ann
revoke key ann
revoke key nobody
----
s1 active
refused expired_api_key
@7 api_key_revoked ann "by root"
key ann revoked "by root"
refused key_not_found

# A credential that expires is refused too, and its sessions idle out.
register loan-bot credential=c1
issue loan-bot credential=c2 ttl_seconds=10
start session=s3 by=c2 idle_timeout_seconds=30
wait 10s
intercept s3 read_record by=c2
start session=s4 credential=c2
revoke key c2
wait 20s
expire s3
----
@8 agent_registered loan-bot custom {}
@9 credential_issued c1 agent=loan-bot
@10 credential_issued c2 agent=loan-bot
@11 session_started s3 agent=loan-bot credential=c2 idle_timeout_seconds=30
refused expired_api_key
refused credential_revoked
refused key_not_found
@12 session_expired s3 idle_timeout actions=0 deadline=90s
