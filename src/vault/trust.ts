import type { Genesis } from "./genesis.js";
import type { WitnessPolicy } from "./witness-policy.js";

/**
 * What an auditor pins, as the text of trust.json (vault-format.md, 8). Its layout is free; it proves
 * nothing about who made the log unless the auditor got it by another way than the log.
 *
 * @param root base64 SPKI of the root of the entry keys
 * @param policy the witnesses that the log asks; null when it asks none
 */
export function trustText(genesis: Genesis, root: string, policy: WitnessPolicy | null): string {
  const trust = {
    format: "killcord-trust/v1",
    origin: genesis.origin,
    workspace_id: genesis.workspace_id,
    entry_roots: [root],
    checkpoint_keys: genesis.checkpoint_keys,
    witnesses: policy?.witnesses.map(({ vkey }) => vkey) ?? [],
    witness_quorum: policy?.quorum ?? 0,
    known_checkpoints: [],
  };
  return `${JSON.stringify(trust, null, 2)}\n`;
}
