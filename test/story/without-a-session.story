# Without a session no budget applies and the answer is never terminate: a revoked agent gets block.
key plain roles=agent
intercept - read_record by=plain agent=loan-bot
intercept - read_record by=plain
start session=s1 agent=loan-bot
revoke agent loan-bot reason="key leaked"
intercept - read_record by=plain agent=loan-bot
intercept - read_record by=plain agent=Loan-bot
----
@2 api_key_created plain agent
@3 enforcement_decision - allow agent=loan-bot
@4 enforcement_decision - allow
@5 session_started s1 agent=loan-bot idle_timeout_seconds=86400
@6 agent_revoked loan-bot killed=1 s1 "key leaked"
@7 session_killed s1 agent_revoked actions=0 because=@6 "key leaked"
@8 enforcement_decision - block agent=loan-bot "key leaked"
@9 enforcement_decision - allow agent=Loan-bot

# A credential must name a session, unless it was issued otherwise; then its agent's standing binds.
register pay-bot credential=c1
issue pay-bot credential=c2 require_session=no
intercept - pay by=c1
intercept - pay by=c2
key bound roles=agent agent=pay-bot
intercept - pay by=bound
revoke agent pay-bot
intercept - pay by=c2
intercept - pay by=bound
----
@10 agent_registered pay-bot custom {}
@11 credential_issued c1 agent=pay-bot
@12 credential_issued c2 agent=pay-bot
refused session_required
@13 enforcement_decision - allow agent=pay-bot
@14 api_key_created bound agent agent=pay-bot
@15 enforcement_decision - allow agent=pay-bot
@16 agent_revoked pay-bot credentials=c2,c1 killed=0 "by root"
refused expired_api_key
@17 enforcement_decision - block agent=pay-bot "by root"

# A repeat of an old allow does not pass the stop.
intercept - pay by=plain agent=fast-bot idem=k1
intercept - pay by=plain agent=fast-bot idem=k1
intercept - refund by=plain agent=fast-bot idem=k1
start session=s2 agent=fast-bot
revoke agent fast-bot
intercept - pay by=plain agent=fast-bot idem=k1
heartbeat
----
@18 enforcement_decision - allow agent=fast-bot
@18 (replayed)
refused idempotency_key_mismatch
@19 session_started s2 agent=fast-bot idle_timeout_seconds=86400
@20 agent_revoked fast-bot killed=1 s2 "by root"
@21 session_killed s2 agent_revoked actions=0 because=@20 "by root"
@22 enforcement_decision - block agent=fast-bot "by root"
@23 heartbeat decisions=9 terminations=0 live=0
