# Idle time runs from the last action, not from a sign of life; an action below counts above.
start session=s1 idle_timeout_seconds=10
start session=s2 parent=s1
wait 9s
intercept s1 step
wait 9s
touch s1
intercept s2 step
wait 9999ms
expire s1
touch s1
wait 1ms
touch s2
intercept s2 step
----
@2 session_started s1 idle_timeout_seconds=10
@3 session_started s2 parent=s1 idle_timeout_seconds=86400
@4 enforcement_decision s1 allow actions=1
s1 active
@5 enforcement_decision s2 allow actions=1
nothing
s1 active
@6 session_expired s1 idle_timeout actions=2 deadline=28s
@7 session_killed s2 parent_stopped actions=1 because=@6 "parent stopped: idle timeout: idle_timeout_seconds 10" by system
@8 enforcement_decision s2 terminate parent_stopped actions=1 because=@7 "parent stopped: idle timeout: idle_timeout_seconds 10"

# A terminate is no action, and the default of a day binds as well.
start session=s3
wait 23h
touch s3
wait 1h
intercept s3 step
----
@9 session_started s3 idle_timeout_seconds=86400
s3 active
@10 session_expired s3 idle_timeout actions=0 deadline=86428s
@11 enforcement_decision s3 terminate idle_timeout actions=0 because=@10 "idle timeout: idle_timeout_seconds 86400"
