# S4: a run in flight learns its stop at its next action or sign of life, whatever stopped it.
start session=killed
start session=expired ttl_seconds=5
start session=over max_actions=1
start session=idle idle_timeout_seconds=5
intercept over step
kill killed
wait 5s
touch killed
touch expired
touch idle
intercept over step
touch over
intercept killed step
intercept expired step
intercept idle step
intercept over step
----
@2 session_started killed idle_timeout_seconds=86400
@3 session_started expired ttl_seconds=5
@4 session_started over max_actions=1
@5 session_started idle idle_timeout_seconds=5
@6 enforcement_decision over allow actions=1/1
@7 halt_requested session/killed sessions=1 "by root"
@8 session_killed killed manual actions=0 because=@7 "by root"
killed killed manual "by root"
@9 session_expired expired ttl_expired actions=0 deadline=5s
@10 session_expired idle idle_timeout actions=0 deadline=5s
@11 budget_exceeded over actions=1+1/1
@12 session_killed over budget_exceeded actions=1/1 because=@11 "budget exceeded: max_actions 1" by system
@13 enforcement_decision over terminate budget_exceeded actions=1/1 because=@12 "budget exceeded: max_actions 1"
over killed budget_exceeded "budget exceeded: max_actions 1"
@14 enforcement_decision killed terminate manual actions=0 because=@8 "by root"
@15 enforcement_decision expired terminate ttl_expired actions=0 because=@9 "ttl expired: ttl_seconds 5"
@16 enforcement_decision idle terminate idle_timeout actions=0 because=@10 "idle timeout: idle_timeout_seconds 5"
@17 enforcement_decision over terminate budget_exceeded actions=1/1 because=@12 "budget exceeded: max_actions 1"

# A run that is over by itself may not go on either.
start session=ended
end ended
intercept ended step
end ended
kill ended
----
@18 session_started ended idle_timeout_seconds=86400
@19 session_ended ended actions=0
@20 enforcement_decision ended terminate ended actions=0 because=@19 "the session has ended"
ended ended
ended ended
