# Starts, kills and revocations answer a repeat with what the first call made, in its present state.
start session=s1 agent=loan-bot max_actions=5 idem=k1
start session=s2 agent=loan-bot max_actions=5 idem=k1
kill s1 reason="stop" idem=k2
kill s1 reason="stop" idem=k2
start session=s3 agent=loan-bot idem=k1
register pay-bot credential=c1
issue pay-bot credential=c2 idem=k3
issue pay-bot credential=c9 idem=k3
start session=s4 by=c2
revoke credential c2 reason="leaked" idem=k4
revoke credential c2 reason="leaked" idem=k4
revoke agent pay-bot reason="out" idem=k5
revoke agent pay-bot reason="out" idem=k5
key ann roles=agent idem=k6
key ann roles=agent idem=k6
----
@2 session_started s1 agent=loan-bot max_actions=5
s1 active (replayed)
@3 halt_requested session/s1 sessions=1 "stop"
@4 session_killed s1 manual actions=0/5 because=@3 "stop"
s1 killed manual "stop" (replayed)
s1 killed manual "stop" (replayed)
@5 agent_registered pay-bot custom {}
@6 credential_issued c1 agent=pay-bot
@7 credential_issued c2 agent=pay-bot
key c2 (replayed)
@8 session_started s4 agent=pay-bot credential=c2 idle_timeout_seconds=86400
@9 credential_revoked c2 agent=pay-bot killed=1 s4 "leaked"
@10 session_killed s4 credential_revoked actions=0 because=@9 "leaked"
key c2 revoked "leaked" (replayed)
@11 agent_revoked pay-bot credentials=c1 killed=0 "out"
agent pay-bot credential=c1 revoked
@12 api_key_created ann agent
key ann (replayed)

# Another request under the same key is refused, and does nothing.
start now session=s5 idem=k1
kill s4 reason="stop" idem=k2
revoke credential c1 idem=k4
key bea roles=agent idem=k6
----
refused idempotency_key_mismatch
refused idempotency_key_mismatch
refused idempotency_key_mismatch
refused idempotency_key_mismatch

# A revocation since does not hide what a start made.
key bot roles=agent agent=slow-bot
register slow-bot credential=c3
start session=s6 by=bot idem=k7
revoke agent slow-bot
start session=s7 by=bot idem=k7
----
@13 api_key_created bot agent agent=slow-bot
@14 agent_registered slow-bot custom {}
@15 credential_issued c3 agent=slow-bot
@16 session_started s6 agent=slow-bot idle_timeout_seconds=86400
@17 agent_revoked slow-bot credentials=c3 killed=1 s6 "by root"
@18 session_killed s6 agent_revoked actions=0 because=@17 "by root"
s6 killed agent_revoked "by root" (replayed)

# Two callers never share a key, and after a day it may be used anew.
start session=s10 idem=k1 by=ann
wait 24h
start session=s11 agent=loan-bot idem=k1
----
@19 session_started s10 idle_timeout_seconds=86400
@20 session_started s11 agent=loan-bot idle_timeout_seconds=86400

# Nor does one hide which credential was issued, nor the end of a credential what a start made on it.
register brief-bot credential=c4
issue brief-bot credential=c5 ttl_seconds=10 idem=k8
start session=s12 credential=c5 idem=k9
wait 10s
start session=s13 credential=c5 idem=k9
start session=s13 credential=c5
revoke agent brief-bot
issue brief-bot credential=c6 ttl_seconds=10 idem=k8
issue nobody credential=c6 idem=k8
----
@21 agent_registered brief-bot custom {}
@22 credential_issued c4 agent=brief-bot
@23 credential_issued c5 agent=brief-bot
@24 session_started s12 agent=brief-bot credential=c5 idle_timeout_seconds=86400
s12 active (replayed)
refused credential_revoked
@25 agent_revoked brief-bot credentials=c5,c4 killed=1 s12 "by root"
@26 session_killed s12 agent_revoked actions=0 because=@25 "by root"
key c5 revoked "by root" (replayed)
refused agent_not_found
