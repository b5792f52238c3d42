/**
 * Every bound on what a caller can make big, in one place. Sizes are bytes and times milliseconds
 * unless the name says otherwise. The relations between them are asserted when this module loads.
 */
import { counted_limits } from "./limits/counted.js";
import { escalation_limits } from "./limits/escalations.js";
import { evidence_limits } from "./limits/evidence.js";
import { policy_limits } from "./limits/policy.js";

export const limits = {
  ...escalation_limits,
  ...evidence_limits,
  ...policy_limits,
  ...counted_limits,
  /** A request body on any transport, also after inflation. */
  request_body_bytes: 1024 * 1024,
  /**
   * Messages of callers that have come, or are coming, and whose calls are not over: of all calls
   * together. A part is kept for what agents cannot call, so that a stop always finds room; and beside
   * it one for acknowledgements of stops, which no other call of an agent uses up.
   */
  bodies_bytes: 128 * 1024 * 1024,
  bodies_bytes_kept: 32 * 1024 * 1024,
  bodies_bytes_acknowledging: 4 * 1024 * 1024,
  /** Calls and messages of agents that are begun in one turn of the event loop: some milliseconds of work. */
  agent_work_per_turn: 64,
  /**
   * Calls and streams under way on the whole server; of these, what is kept for methods that agents
   * cannot call, and beside it for acknowledgements; and the most that calls without a key may be.
   */
  calls: 20_000,
  calls_kept: 2_000,
  calls_acknowledging: 1_000,
  calls_keyless: 2_000,
  /** A message of a call that needs no key: the name of a service, of a symbol. */
  keyless_body_bytes: 4 * 1024,
  /** Nested containers in a JSON body, far above what any request has. */
  json_depth: 128,
  /** Fields at fault that one error lists, and characters of a name that the caller made up. */
  issues_listed: 100,
  issue_name_characters: 256,
  /** An intercept's action_content, as UTF-8. */
  action_content_bytes: 256 * 1024,
  /** An intercept's metadata, as JSON. */
  metadata_bytes: 64 * 1024,
  /** Nested containers in free-form client data. */
  metadata_depth: 24,
  /** Nested containers in anything sealed (vault-format.md, 1). */
  canonical_depth: 32,
  /** Canonical content and canonical details of one entry together (vault-format.md, 1). */
  entry_bytes: 49_152,
  /** The canonical envelope of one entry (vault-format.md, 1). */
  leaf_bytes: 2048,
  /** Details above this are replaced by their digest (vault-format.md, 2). */
  details_bytes: 32_768,
  /** Pointers to a client's numbers that are no safe integers, together (vault-format.md, 1). */
  decimals_characters: 1024 * 1024,
  /** Entries in one durable write, and their bytes (vault-format.md, 7). */
  batch_entries: 256,
  batch_bytes: 4 * 1024 * 1024,
  /** What LevelDB gathers in memory before it makes a table: with its 4 MiB it mostly rewrites tables. */
  write_buffer_bytes: 16 * 1024 * 1024,
  /** Entries of which one write takes so many however large they are. */
  piece_entries: 80,

  /** A write takes half of the entries that are under way, but all of them when they are so few. */
  batch_entries_whole: 16,

  /** Commands waiting for their seal, without stops. */
  queue_commands: 8192,
  /** Stops (kill, revoke, end, expiry) waiting for their seal: no number of intercepts uses these up. */
  queue_stops: 8192,
  /** Agents' own endings of sessions, and signs of life, waiting for their seal. */
  queue_ends: 2048,
  queue_signs: 8192,
  /** Acknowledgements of stops waiting for their seal: a halt of everything brings two of each session at once. */
  queue_acknowledgements: 16_384,
  /** Signatures that are made by a thread when so many are asked for together, and in one message. */
  signatures_off_loop: 4,
  signatures_per_message: 8,
  /** Messages that wait for the thread, a power of two; what finds no room is signed by the event loop. */
  signing_messages: 256,
  /** Entries that are signed ahead of the write that takes them. */
  staged_entries: 512,

  /** Sessions whose time is over that wait for the seal of it; the others wait for these. */
  expiries_at_once: 256,
  /** Before a session is told again that its time is over. */
  expiry_retry_ms: 1000,
  /** What is added to a lease before it is lost: such a part of it, and at least so much. */
  lease_grace_part: 10,
  lease_grace_ms_min: 1000,
  /** While leases run the engine looks so often whether it is awake; after a longer silence it was not. */
  awake_ms: 250,
  stall_ms: 500,
  /** Deadlines of stopped sessions that are kept before they are cleared away. */
  expired_deadlines: 1024,

  /** Items of one InterceptBatch. */
  batch_actions: 100,
  /** Live sessions of the workspace. */
  live_sessions: 200_000,
  /** Terminal sessions that stay in memory after they stopped. */
  stopped_sessions: 10_000,
  /** Agents that were registered or named by a session. */
  agents: 100_000,
  /** Keys and credentials ever made. */
  keys: 100_000,
  /** How long a rotated secret stays good beside the new one when nothing is said. */
  rotation_overlap_seconds: 86_400,
  /** Halts that were not lifted, without those that are over because their session has stopped. */
  halts_in_force: 10_000,
  /** Reservations that are open in the workspace, and at and below one session without max_concurrent. */
  reservations: 200_000,
  session_reservations: 10_000,
  /** A client has so long from an action on to settle its estimate, if nothing else is set; at most, in seconds. */
  settle_timeout_ms: 600_000,
  settle_timeout_seconds_max: 86_400,
  /** Parent sessions above one session. */
  session_levels: 8,
  /** `terminate` verdicts sealed one by one on a stopped session; later ones are summed up. */
  terminates_sealed: 16,
  /** How often repeated terminates are summed up into the log. */
  repeated_terminates_ms: 60_000,
  terminates_summed_at_once: 64,
  /** Idempotency keys of one live session; of one calling key, and how long those are kept. */
  session_repeats: 256,
  principal_repeats: 10_000,
  principal_repeats_ms: 24 * 3600 * 1000,
  /** Session ids that a revocation lists, and credentials that an agent's revocation lists. */
  killed_sessions_listed: 1000,
  revoked_credentials_listed: 200,
  /** Stops that were handed to clients which have not answered; older ones are sealed without that time. */
  deliveries: 200_000,
  /** A client has so long from its stop on to say that it has stopped, if nothing else is set; at most, in seconds. */
  halt_confirm_ms: 10_000,
  halt_confirm_seconds_max: 300,
  /** Drills under way; how long one waits for each of its steps; after which its session expires by itself. */
  drills_at_once: 8,
  drill_step_ms: 5_000,
  drill_session_seconds: 300,
  /** The keys that a server makes for its drills, and how long before their end new ones are made. */
  drill_key_seconds: 86_400,
  drill_key_spare_ms: 600_000,
  /** The idle timeout of a session that brings no budget. */
  default_idle_timeout_seconds: 86_400,
  /** Characters of reasons typed by people. */
  reason_characters: 1024,

  /** KILLCORD_BOOTSTRAP_KEY. */
  bootstrap_key_characters_min: 24,
  /** How often the log counts itself. */
  heartbeat_seconds: 60,

  /** How far back figures go when nobody says. */
  stats_since_ms: 24 * 3600 * 1000,

  /** Pages of lists. */
  page_size_default: 50,
  page_size_max: 500,
  agents_page_size_max: 1000,

  /** A socket that says nothing, or whose request headers or body do not come. */
  silent_socket_ms: 10_000,
  headers_ms: 10_000,
  request_ms: 30_000,
  /** What a client gets to stop sending a request that was answered before its end. */
  remains_ms: 250,
  /** Messages of one InterceptStream that are taken and whose answers have not left; then it reads no more. */
  stream_in_flight: 256,
  /** Unary calls are answered within this. */
  call_ms: 30_000,
  /** What is left of a refused body up to this is read and dropped; above, the connection closes. */
  refused_body_bytes: 64 * 1024,
  /** How long a closing connection drops what still comes, so that the peer gets to read the reply. */
  linger_ms: 1_000,
  /** Request headers together. */
  headers_bytes: 16 * 1024,
  /** Open sockets of the server, and streams on one of them. */
  connections: 10_000,
  streams_per_connection: 1024,
  /** What one HTTP/2 session may hold in memory: every stream with a message under way fits. */
  session_memory_mib: 64,
  /** A connection without a request is closed after this long. */
  idle_connection_ms: 120_000,
  /** HTTP/2 peers are pinged this often, and must have answered by the next; TCP's keepalive likewise. */
  ping_ms: 30_000,
  /** Streams of one HTTP/2 connection that may be reset between two pings; a little below nghttp2's own 1,000. */
  resets_per_ping: 900,
  /** How often HTTP/1.1 connections are looked through for slow headers and slow requests. */
  connection_check_ms: 1_000,
  /** Health is watched without a key, so only this many at a time, looked up this often. */
  health_watches: 1000,
  health_check_ms: 500,
  /** Reflection is asked without a key, so only by so many at a time. */
  reflection_streams: 100,
  /** A watch says that it is alive this often, jittered. */
  bookmark_ms_min: 10_000,
  bookmark_ms_max: 15_000,
  /** Sessions that one watch names, and the characters of their ids. */
  watched_sessions: 10_000,
  /** Untold changes that a watch keeps apart, an id each, which is well below 1 MiB. */
  watch_changes: 8192,
  /** Readers that are woken, and sessions that are looked at, before others get a turn. */
  watch_wakes: 64,
  watch_scan_chunk: 4096,
  /** Stopped sessions and entries that a watch reads from the disk at once. */
  watch_stops_chunk: 256,
  watch_entries_chunk: 64,
  /** When a reader of events may come back after the stream has ended, by chance between these. */
  event_retry_ms_min: 500,
  event_retry_ms_max: 3_000,
  /** A reader that does not take a message for this long is cut off. */
  blocked_reader_ms: 10_000,
  /** Addresses that webhooks go to, and the secrets that sign for one of them. */
  webhooks: 16,
  webhook_secrets: 4,
  webhook_secret_characters_min: 24,
  /** One try of a webhook, all of it; what is read of the reply; how many indexes are looked up at once. */
  webhook_ms: 10_000,
  webhook_reply_bytes: 64 * 1024,
  webhook_chunk: 64,
  /** Before the next try, doubling; how long a message is tried that the receiver refuses, and any message. */
  webhook_backoff_ms_min: 1_000,
  webhook_backoff_ms_max: 300_000,
  webhook_refused_ms: 600_000,
  webhook_retry_seconds: 86_400,
  webhook_retry_seconds_max: 30 * 86_400,
  /** What a try under way gets when the server stops. */
  webhook_grace_ms: 1_000,
  /** Agents and sessions that a replay of policies counts by themselves. */
  replay_groups: 10_000,
  /** One chunk of an exported file. */
  export_chunk_bytes: 64 * 1024,
  /** A process that must exit gives its last answers this long to leave. */
  fatal_exit_ms: 200,
  /** How long a stop of the process waits for what is under way, and for everything before it exits anyway. */
  drain_ms: 5_000,
  /** What streams get to say their last words of themselves before they are ended. */
  drain_notice_ms: 300,
  stop_ms: 9_500,

  /** One message that a client of ours takes from a server. */
  reply_bytes: 16 * 1024 * 1024,
  /** A client's watch that hears nothing for this long connects again. */
  watch_silence_ms: 35_000,
} as const;

if (
  limits.details_bytes >= limits.entry_bytes ||
  limits.metadata_depth >= limits.canonical_depth ||
  limits.metadata_depth >= limits.json_depth ||
  limits.action_content_bytes + limits.metadata_bytes >= limits.request_body_bytes ||
  limits.keyless_body_bytes >= limits.request_body_bytes ||
  limits.request_body_bytes >= limits.bodies_bytes_kept ||
  limits.request_body_bytes >= limits.bodies_bytes_acknowledging ||
  (limits.bodies_bytes_kept + limits.bodies_bytes_acknowledging) * 2 > limits.bodies_bytes ||
  limits.health_watches + limits.reflection_streams >= limits.calls_keyless ||
  limits.calls_keyless + limits.calls_kept + limits.calls_acknowledging >= limits.calls ||
  limits.headers_ms > limits.request_ms ||
  limits.batch_entries * (limits.entry_bytes + limits.leaf_bytes) < limits.batch_bytes ||
  limits.piece_entries * (limits.entry_bytes + limits.leaf_bytes + 16) > limits.batch_bytes ||
  limits.bookmark_ms_max * 2 > limits.watch_silence_ms ||
  limits.cycle_length_max * limits.cycle_count_max > limits.loop_actions ||
  limits.counted_keys_of_policy > limits.counted_keys ||
  limits.drain_notice_ms >= limits.drain_ms ||
  limits.drain_ms + limits.webhook_grace_ms >= limits.stop_ms ||
  limits.webhook_backoff_ms_max > limits.webhook_refused_ms ||
  limits.expiries_at_once * 3 > limits.queue_stops ||
  limits.settle_timeout_ms > limits.settle_timeout_seconds_max * 1000 ||
  limits.session_reservations > limits.reservations ||
  limits.awake_ms * 2 > limits.stall_ms ||
  limits.stall_ms >= limits.lease_grace_ms_min ||
  limits.expiries_at_once * 2 > limits.queue_acknowledgements ||
  limits.drill_step_ms * 5 >= limits.call_ms ||
  limits.deliveries < limits.live_sessions ||
  limits.halt_confirm_ms > limits.halt_confirm_seconds_max * 1000 ||
  limits.export_chunk_bytes >= limits.reply_bytes ||
  limits.verified_piece_bytes < limits.entry_bytes + limits.leaf_bytes
) {
  throw new Error("limits.ts: two limits contradict each other");
}
