# S3: a kill with a reason stops the session, and its next action gets terminate.
start agent=loan-bot session=s1 max_actions=5
intercept s1 transfer_funds
kill s1 reason="manual stop"
intercept s1 transfer_funds
touch s1
----
@2 session_started s1 agent=loan-bot max_actions=5
@3 enforcement_decision s1 allow actions=1/5
@4 halt_requested session/s1 sessions=1 "manual stop"
@5 session_killed s1 manual actions=1/5 because=@4 "manual stop"
@6 enforcement_decision s1 terminate manual actions=1/5 because=@5 "manual stop"
s1 killed manual "manual stop"

# The first stop wins: a second kill, an end or an expiry changes nothing and seals nothing.
kill s1 reason="again"
end s1
wait 24h
expire s1
touch s1
----
s1 killed manual "manual stop"
s1 killed manual "manual stop"
nothing
s1 killed manual "manual stop"

# Nobody kills what is not there.
kill s9
end s9
touch s9
intercept s9 read_record
expire s9
----
refused session_not_found
refused session_not_found
refused session_not_found
refused session_not_found
nothing
