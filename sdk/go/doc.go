// Package killcord stops runs of AI agents that are under way. A session is one run; it counts
// budgets, and an operator can stop it. The stop cancels the session's context, with a
// [*SessionTerminated] as its cause, in the middle of whatever the run is doing.
//
//	client, err := killcord.NewClient(killcord.Options{}) // KILLCORD_URL, KILLCORD_API_KEY
//	...
//	sess, err := client.StartSession(ctx, killcord.StartOptions{AgentID: "loan-bot"})
//	...
//	defer sess.Close()
//	if _, err := sess.Intercept(sess.Context(), killcord.Action{Type: "transfer_funds"}); err != nil {
//		return err // no permission: an error never is one
//	}
//
// Everything fails closed: where the server cannot be asked, nothing is allowed, and when nothing
// was heard from it for the lease of a session, the client stops the session itself.
//
// A stop is confirmed to the server when the work that the session knows of has ended: the body,
// which ends with [Session.Close], and what runs in [Tool], [Session.Go], [Transport] and the gRPC
// interceptors.
package killcord
