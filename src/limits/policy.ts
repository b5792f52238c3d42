/** Bounds of policies: what one of them may be, and what judging by them may cost; limits.ts has them beside the others. */
export const policy_limits = {
  /** Policies of a workspace, and what one of them takes in its entry. */
  policies: 1_000,
  policy_bytes: 32 * 1024,
  policy_name_characters: 256,
  policy_description_characters: 1_024,
  /** Patterns of action types of one policy, and their characters. */
  policy_action_types: 100,
  policy_action_type_characters: 256,
  /** Files of a directory of policies, folders within each other there, and of one file its size and how deep it nests. */
  policy_files: 1_000,
  policy_folder_depth: 8,
  policy_file_bytes: 256 * 1024,
  policy_file_depth: 128,
  /** Tests of one file, steps of one test, and how often one is repeated. */
  policy_tests: 1_000,
  policy_test_actions: 1_000,
  policy_test_repeats: 10_000,
  /** The latest time that an action may be tried at: the year 2200. */
  trial_at_max: 7_258_118_400_000,
  /** How long changes of files may be decided in one turn of the event loop. */
  policy_turn_ms: 20,
  /** After a file has changed, how long others may; and how often the directory is looked at anyway. */
  policy_settle_ms: 200,
  policy_check_ms: 30_000,
  /** Regular expressions of one policy; of one its characters, what it compiles to, and what its automaton keeps. */
  patterns: 50,
  pattern_characters: 1_024,
  pattern_instructions: 1_000,
  pattern_memory_bytes: 256 * 1024,
  /** Expressions in CEL: characters, nodes once they are parsed, loops within each other. */
  cel_characters: 2_048,
  cel_nodes: 400,
  cel_loops: 4,
  /** What judging one action by all policies may cost, in units of about a microsecond. */
  policy_work: 50_000,
  /** Policies that one decision names. */
  policies_triggered: 16,
  /** What the lists of policies take of a decision's entry each, and the characters of one reason in them. */
  policies_triggered_bytes: 6 * 1024,
  policy_reason_characters: 512,
  /** Action types of which is kept which policies are about them. */
  policy_action_types_kept: 1_024,
} as const;
