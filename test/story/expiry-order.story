# Of several times that are over, ttl goes before idle time, and what stands above goes before what stands below.
start session=a ttl_seconds=20 idle_timeout_seconds=10
wait 20s
intercept a step
----
@2 session_started a ttl_seconds=20 idle_timeout_seconds=10
@3 session_expired a ttl_expired actions=0 deadline=20s
@4 enforcement_decision a terminate ttl_expired actions=0 because=@3 "ttl expired: ttl_seconds 20"

# ttl below goes before idle time above.
start session=b idle_timeout_seconds=10
start session=c parent=b ttl_seconds=20
wait 20s
intercept c step
intercept b step
----
@5 session_started b idle_timeout_seconds=10
@6 session_started c parent=b ttl_seconds=20
@7 session_expired c ttl_expired actions=0 deadline=40s
@8 enforcement_decision c terminate ttl_expired actions=0 because=@7 "ttl expired: ttl_seconds 20"
@9 session_expired b idle_timeout actions=0 deadline=30s
@10 enforcement_decision b terminate idle_timeout actions=0 because=@9 "idle timeout: idle_timeout_seconds 10"

# ttl above goes before ttl below.
start session=d ttl_seconds=20
start session=e parent=d ttl_seconds=10
start session=f parent=e
wait 20s
intercept f step
intercept d step
----
@11 session_started d ttl_seconds=20
@12 session_started e parent=d ttl_seconds=10
@13 session_started f parent=e idle_timeout_seconds=86400
@14 session_expired d ttl_expired actions=0 deadline=60s
@15 session_killed e parent_stopped actions=0 because=@14 "parent stopped: ttl expired: ttl_seconds 20" by system
@16 session_killed f parent_stopped actions=0 because=@15 "parent stopped: ttl expired: ttl_seconds 20" by system
@17 enforcement_decision f terminate parent_stopped actions=0 because=@16 "parent stopped: ttl expired: ttl_seconds 20"
@18 enforcement_decision d terminate ttl_expired actions=0 because=@14 "ttl expired: ttl_seconds 20"

# A time that is over goes before a kill, an end and a new sub-session.
start session=g ttl_seconds=10
start session=h ttl_seconds=10
start session=i ttl_seconds=10
start session=j parent=i
wait 10s
kill g
end h
start session=k parent=i
start session=k parent=j
touch j
----
@19 session_started g ttl_seconds=10
@20 session_started h ttl_seconds=10
@21 session_started i ttl_seconds=10
@22 session_started j parent=i idle_timeout_seconds=86400
@23 session_expired g ttl_expired actions=0 deadline=70s
@24 session_expired h ttl_expired actions=0 deadline=70s
@25 session_expired i ttl_expired actions=0 deadline=70s
@26 session_killed j parent_stopped actions=0 because=@25 "parent stopped: ttl expired: ttl_seconds 10" by system
refused session_not_active
refused session_not_active
j killed parent_stopped "parent stopped: ttl expired: ttl_seconds 10"

# The timer of one session says what an intercept would have said: what stands above goes first.
start session=l ttl_seconds=20
start session=m parent=l ttl_seconds=10
start session=n parent=m
wait 20s
expire m
intercept n step
----
@27 session_started l ttl_seconds=20
@28 session_started m parent=l ttl_seconds=10
@29 session_started n parent=m idle_timeout_seconds=86400
@30 session_expired l ttl_expired actions=0 deadline=90s
@31 session_killed m parent_stopped actions=0 because=@30 "parent stopped: ttl expired: ttl_seconds 20" by system
@32 session_killed n parent_stopped actions=0 because=@31 "parent stopped: ttl expired: ttl_seconds 20" by system
@33 enforcement_decision n terminate parent_stopped actions=0 because=@32 "parent stopped: ttl expired: ttl_seconds 20"

# Of two idle times that are over, the one above is the one that ends.
start session=o idle_timeout_seconds=20
start session=p parent=o idle_timeout_seconds=10
wait 20s
intercept p step
touch o
----
@34 session_started o idle_timeout_seconds=20
@35 session_started p parent=o idle_timeout_seconds=10
@36 session_expired o idle_timeout actions=0 deadline=110s
@37 session_killed p parent_stopped actions=0 because=@36 "parent stopped: idle timeout: idle_timeout_seconds 20" by system
@38 enforcement_decision p terminate parent_stopped actions=0 because=@37 "parent stopped: idle timeout: idle_timeout_seconds 20"
o expired idle_timeout "idle timeout: idle_timeout_seconds 20"
