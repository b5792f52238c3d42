# The only admin key is not revoked, and not replaced by one that ends: nobody could make keys again.
revoke key root
rotate key root as=root2 ttl_seconds=60
rotate key root as=root2 overlap=10
revoke key root2 by=root
revoke key root by=root2
----
refused last_admin_key
refused last_admin_key
@2 api_key_created bootstrap admin replaces=root until=10s
refused last_admin_key
@3 api_key_revoked root "by root2"

# One that ends does not make up for one that does not; one that never ends does.
key ann roles=admin ttl_seconds=60 by=root2
revoke key root2 by=root2
revoke key ann by=root2
key bob roles=operator,admin by=root2
revoke key root2 by=bob
revoke key bob by=bob
----
@4 api_key_created ann admin
refused last_admin_key
@5 api_key_revoked ann "by root2"
@6 api_key_created bob operator,admin
@7 api_key_revoked root2 "by bob"
refused last_admin_key
